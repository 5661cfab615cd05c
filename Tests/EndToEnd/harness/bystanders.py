"""Whom an attack on a front door must not touch, and what must not be left of it."""

import os
from contextlib import asynccontextmanager

from .waiting import eventually

MEMORY = 96 << 20  # bytes that a front door may have grown by when it is over: what its allocator keeps


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
    descriptors, memory = _descriptors(process), _memory(process)
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
        f"{descriptors} descriptors again")
    grown = _memory(process) - memory
    assert grown < MEMORY, f"{grown >> 20} MiB more than before"
    assert not neighbour.client.closed.is_set() and not neighbour.endings
