"""Waiting with a deadline. Where something tells us, we await it; these are for what nobody tells."""

import asyncio
import inspect

POLL = 0.05  # seconds between two looks


async def eventually(probe, within=10.0, what="it"):
    """Looks until the probe's answer is true, and returns that answer."""
    found, answer = await _look(probe, bool, within)
    assert found, f"{what}: not within {within} s (last seen: {answer!r})"
    return answer


async def until_empty(probe, within=10.0, what="it"):
    """Looks until the probe finds nothing; what it found last is part of the complaint."""
    found, answer = await _look(probe, lambda left: not left, within)
    assert found, f"{what}: still there after {within} s: {answer!r}"


async def growing(count, by=5, within=15.0, what="the count"):
    """Waits until a number has grown by that much from now on."""
    beginning = count()
    await eventually(lambda: count() >= beginning + by, within, f"{what} to grow from {beginning} to {beginning + by}")


async def still(count, seconds=1.0, within=10.0, what="the count"):
    """Waits until a number has not changed for a while. Stillness can be seen only by looking for some time."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + within
    seen, since = count(), clock()
    while clock() - since < seconds:
        assert clock() < deadline, f"{what}: still moving after {within} s"
        await asyncio.sleep(POLL)
        if count() != seen:
            seen, since = count(), clock()
    return seen


async def _look(probe, satisfied, within):
    clock = asyncio.get_running_loop().time
    deadline = clock() + within
    while True:
        answer = probe()
        if inspect.isawaitable(answer):
            answer = await answer
        if satisfied(answer):
            return True, answer
        if clock() >= deadline:
            return False, answer
        await asyncio.sleep(POLL)
