"""Whom an attack on a front door must not touch, and what must not be left of it."""

import os
from contextlib import asynccontextmanager

from .waiting import eventually

DESCRIPTORS = 8  # more than at the first attack: links that were still being made, files, a client who is just going
MEMORY = 96 << 20  # bytes that a front door may have grown by when it is over: what its allocator keeps

_first = {}  # descriptors, by pid


def _descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def _memory(process):
    with open(f"/proc/{process.pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def untouched(gateway, visitors, door=0):
    """Somebody is in a room on that front door, and is served all the time; at the end somebody else can join, the process
    is the same, and its descriptors and memory are back."""
    process = gateway.front_doors[door]
    pid = process.pid
    room = visitors.new_room()
    neighbour = await (await visitors.participant("Neighbour", room, door)).join()
    # What a single attack leaves is small, so all of them are measured against the first beginning.
    descriptors = _first.setdefault(pid, _descriptors(process)) + DESCRIPTORS
    memory = _memory(process)
    yield neighbour
    assert await neighbour.client.refused("nonsense") == "unknown request type: nonsense"
    # Each of the front door's loops.
    for name in ("Late", "Later"):
        late = await (await visitors.participant(name, room, door)).join()
        await late.terminate()
        await late.client.close()
    assert process.running and process.pid == pid
    await eventually(
        lambda: _descriptors(process) <= descriptors, 15,
        f"at most {descriptors} descriptors")
    grown = _memory(process) - memory
    assert grown < MEMORY, f"{grown >> 20} MiB more than before"
    assert not neighbour.client.closed.is_set() and not neighbour.endings
