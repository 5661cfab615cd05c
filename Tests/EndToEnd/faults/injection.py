"""Making faults happen to a running gateway, and noting when."""

import asyncio
import signal
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass

from harness.relay import Relay
from harness.waiting import eventually


@dataclass
class Injected:
    """A fault that happened, by the monotonic clock."""

    fault: object
    began: float
    ended: float = None
    note: str = ""


class Injector:
    """`volley` is called before each fault, for requests to be in flight."""

    def __init__(self, gateway, schedule, volley):
        self._gateway = gateway
        self._volley = volley
        self._schedule = schedule
        self._terminated = {}  # names of processes told to end, by pid; other signals take them off
        self._relays = []
        self._janus = asyncio.Lock()  # it can be killed again when it is back
        self.injected = []
        if any(kind.startswith("link") for kind in schedule.kinds):
            self._relays = [Relay(gateway.bus_directory, number) for number in gateway.slot_numbers]

    def start(self):
        """Before the gateway: links are to go through the relays from the first."""
        for relay in self._relays:
            relay.start()

    async def stop(self):
        for relay in self._relays:
            await relay.stop()

    async def run(self):
        """The whole schedule. Faults may overlap."""
        began = time.monotonic()
        running = []
        for fault in self._schedule.faults:
            await asyncio.sleep(max(0, began + fault.at - time.monotonic()))
            running.append(asyncio.create_task(self._inject(fault)))
        await asyncio.gather(*running)

    def unclean(self):
        """Processes that were asked to end and did so with a status of their own. A front door may have been asked before it
        could listen; who holds a slot does."""
        found = []
        for pid, name in self._terminated.items():
            status = self._gateway.endings.get(pid, 0)
            early = status == -signal.SIGTERM and name.startswith("frontdoor")
            if status not in (0, -signal.SIGKILL) and not early:
                found.append(f"{name} ended with status {status} on SIGTERM")
        return found

    async def _inject(self, fault):
        await self._volley()
        record = Injected(fault, time.monotonic())
        self.injected.append(record)
        action = getattr(self, "_" + fault.kind.replace("-", "_"))
        record.note = await action(fault) or ""
        record.ended = time.monotonic()

    # Workers.

    async def _worker(self, fault):
        """The process that holds the slot; during a takeover there is none for a moment."""
        slot = f"host1/{fault.target + 1}"
        with suppress(AssertionError):
            return await eventually(lambda: self._gateway.worker_of(slot), 1.0, "a holder")
        return None

    async def _worker_kill(self, fault):
        return await self._end(await self._worker(fault), signal.SIGKILL)

    async def _worker_term(self, fault):
        return await self._end(await self._worker(fault), signal.SIGTERM)

    async def _worker_stop(self, fault):
        return await self._pause(await self._worker(fault), fault.length)

    async def _worker_hang(self, fault):
        return await self._pause(await self._worker(fault), fault.length, then_kill=True)

    # Front doors.

    async def _door_kill(self, fault):
        return await self._end(self._gateway.front_doors[fault.target], signal.SIGKILL)

    async def _door_term(self, fault):
        return await self._end(self._gateway.front_doors[fault.target], signal.SIGTERM)

    async def _door_stop(self, fault):
        return await self._pause(self._gateway.front_doors[fault.target], fault.length)

    async def _door_hang(self, fault):
        return await self._pause(self._gateway.front_doors[fault.target], fault.length, then_kill=True)

    # Links.

    async def _link_cut(self, fault):
        return f"{self._relays[fault.target].cut(1)} links"

    async def _link_cut_all(self, fault):
        return f"{self._relays[fault.target].cut()} links"

    async def _link_stall(self, fault):
        relay = self._relays[fault.target]
        relay.stall()
        await asyncio.sleep(fault.length)
        relay.resume()
        return f"{relay.links} links"

    # What all share.

    async def _registry_lock(self, fault):
        # A thread: waiting for the lock is not for the loop.
        await asyncio.to_thread(_lock, self._gateway.registry.path, fault.length)

    async def _janus_kill(self, fault):
        async with self._janus:
            await self._gateway.janus.kill()
            await self._gateway.janus.restart()

    async def _end(self, process, number):
        if process is None or not process.running:
            return "nobody was there"
        pid = process.pid
        if number == signal.SIGTERM:
            self._terminated[pid] = process.name
        else:
            self._terminated.pop(pid, None)
        await self._gateway.end(process, number)
        return f"{process.name} (pid {pid})"

    async def _pause(self, process, length, then_kill=False):
        if process is None or not process.running:
            return "nobody was there"
        pid = process.pid
        process.signal(signal.SIGSTOP)
        await asyncio.sleep(length)
        if process.pid == pid and process.running:
            if then_kill:
                await self._end(process, signal.SIGKILL)
            else:
                process.signal(signal.SIGCONT)
        return f"{process.name} (pid {pid})"


def _lock(path, length):
    database = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        database.execute("BEGIN EXCLUSIVE")
        time.sleep(length)
        database.execute("ROLLBACK")
    finally:
        database.close()
