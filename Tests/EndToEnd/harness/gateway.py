"""The gateway's processes: front doors and workers as children of the tests, which are also their supervisor."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp

from . import slots
from .client import Client
from .configuration import LOOPS, configuration
from .paths import binaries
from .ports import free_port
from .process import Process
from .registry import Registry
from .waiting import eventually

RESTART_AFTER = 0.05  # seconds from the end of a process to its next start


class Gateway:
    def __init__(self, folder, janus, front_doors=2, workers=3, slots=2, settings=None, watched=False, worker=None, tls=None):
        """`slots` is how many there are, numbered from 1; the workers beyond stand by. Watched ones run under
        `Worker watch`, as those of deploy/run do. `worker` is another executable.
        `tls` is what the front doors must prove themselves to, if `settings` make them speak TLS."""
        settings = settings or {}
        self.janus = janus
        self.tls = tls
        self.slot_numbers = list(range(1, slots + 1))
        self.bus_directory = folder / "bus"
        self.registry = Registry(Path(settings.get("Registry", {}).get("path", folder / "registry.sqlite")))
        self.ports = [free_port() for _ in range(front_doors)]
        ini = folder / "webrtcgateway.ini"
        ini.write_text(configuration(folder, janus, f"1-{slots}" if slots > 1 else "1", settings))
        ini.chmod(0o600)
        self.ini = ini
        program = binaries()
        self._worker = program / "Worker"
        watch = [self._worker, "watch", "--"] if watched else []
        self.workers = [
            Process(
                f"worker-{number}", [*watch, worker or self._worker, "--config", ini], folder / f"worker-{number}.log")
            for number in range(1, workers + 1)]
        self.front_doors = [
            Process(
                f"frontdoor-{number}",
                [program / "Frontdoor", "--config", ini, "--id", number, "--listen", f"127.0.0.1:{port}"],
                folder / f"frontdoor-{number}.log")
            for number, port in enumerate(self.ports, 1)]
        self._supervision = []
        self._wanted = {process.name: asyncio.Event() for process in self.processes}
        self.may_be_killed = False  # workers kill themselves, as a test has told them to
        self._intended = set()  # pids whose end is our doing
        self._accidents = []
        self.secrets = set()  # what clients told it, and what must not stand in a log
        self.endings = {}  # statuses of the processes that ended, by pid

    @property
    def processes(self):
        return self.front_doors + self.workers

    def page_url(self, door=0):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.ports[door]}/webrtcgateway/"

    def socket_url(self, door=0):
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.ports[door]}/webrtcgateway/ws"

    async def start(self):
        for process in self.workers + self.front_doors:
            self._wanted[process.name].set()
            await process.start()
            self._supervision.append(asyncio.create_task(self._supervise(process)))
        if self.workers:
            await self.serving()

    async def serving(self, within=30.0):
        """Waits until every slot has a worker with its Janus, and every front door lets clients in."""
        await eventually(self._all_slots_serve, within, "a serving worker in every slot")
        for door in range(len(self.front_doors)):
            await self.door_opens(door, within)

    async def door_opens(self, door, within=30.0):
        """Waits until each of the front door's loops lets clients in and tells them `ready`."""
        async def lets_in():
            return all([await self._is_let_in(door) for _ in range(2 * LOOPS)])

        await eventually(lets_in, within, f"front door {door + 1} to let clients in")

    def worker_of(self, slot):
        """The process that holds the slot `node/number`, or None."""
        pid = self.holder_of(slot)
        pids = (pid, slots.parent(pid))
        return next((worker for worker in self.workers if worker.running and worker.pid in pids), None)

    def holder_of(self, slot):
        """The pid that holds the slot `node/number`, or None; a watched worker is a child of its process here."""
        return slots.holder(self.bus_directory, int(slot.rpartition("/")[2]))

    def will_end(self, process):
        """Its end, some time from now, is a test's doing. The process comes back by itself."""
        self._intended.add(process.pid)

    async def operate(self, *arguments):
        """Runs a command of the operator's and returns its status, what it printed and what it complained of."""
        child = await asyncio.create_subprocess_exec(
            self._worker, *map(str, arguments), "--config", self.ini, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        output, complaint = await asyncio.wait_for(child.communicate(), 20)
        return child.returncode, output.decode(), complaint.decode()

    async def status(self):
        """{slot: what `Worker status --json` says of it}."""
        status, output, complaint = await self.operate("status", "--json")
        assert status == 0, complaint
        return {slot["slot"]: slot for slot in json.loads(output)["slots"]}

    async def state_becomes(self, slot, state, within=10.0):
        """Waits until the operator is told that the slot is in that state."""
        async def found():
            return (await self.status())[slot]["state"] == state

        await eventually(found, within, f"{slot} to be {state}")

    async def end(self, process, number=signal.SIGKILL):
        """Sends a deadly signal and waits for the end. The process comes back by itself."""
        pid = process.pid
        self._intended.add(pid)
        process.signal(number)
        await eventually(lambda: process.pid != pid or not process.running, 10, f"the end of {process}")

    async def take_away(self, process):
        """Kills it, and it does not come back before it is brought back."""
        self._wanted[process.name].clear()
        await self.end(process)

    def bring_back(self, process):
        self._wanted[process.name].set()

    async def stop(self):
        """Front doors first, so that clients hear of it from them. Complains about every end that was not clean."""
        for task in self._supervision:
            task.cancel()
        await asyncio.gather(*self._supervision, return_exceptions=True)
        unclean = list(self._accidents)
        for layer in (self.front_doors, self.workers):
            running = [process for process in layer if process.running]
            for process, status in zip(running, await asyncio.gather(*(process.stop() for process in running))):
                if status != 0:
                    unclean.append(f"{process.name} ended with status {status} on SIGTERM")
        assert not unclean, f"{unclean}\n{self.last_words()}"

    def last_words(self, count=25):
        processes = self.processes + [self.janus.process]
        words = [f"--- {process.name}\n{process.last_lines(count)}" for process in processes]
        return "\n".join([*words, *self._accidents])

    async def _supervise(self, process):
        while True:
            pid, status = process.pid, await process.ended()
            self.endings[pid] = status
            if pid not in self._intended and not (self.may_be_killed and status == -signal.SIGKILL):
                self._accidents.append(f"{process.name} ended by itself with status {status}")
            await asyncio.sleep(RESTART_AFTER)
            await self._wanted[process.name].wait()
            await process.start()

    async def _is_let_in(self, door):
        try:
            client = await Client.connect(self.socket_url(door), tls=self.tls)
        except aiohttp.ClientError:
            return False
        try:
            return await client.became_ready(6)
        finally:
            await client.close()

    def _all_slots_serve(self):
        serving = [row["slot"] for row in self.registry.slots() if row["serves_janus"]]
        return len(serving) == len(self.slot_numbers) and all(self.worker_of(slot) for slot in serving)

    def holders(self):
        """{slot: a number that changes with each process that holds it}, for `changed_hands`."""
        return {row["slot"]: row["incarnation"] for row in self.registry.slots()}

    async def changed_hands(self, former, within=15.0):
        """Waits until every slot has another holder than then, which serves."""
        def changed():
            now = self.holders()
            return all(now.get(slot) != incarnation for slot, incarnation in former.items()) and self._all_slots_serve()

        await eventually(changed, within, "other workers in the slots")

    def incarnation_of(self, slot):
        """A number that changes with each process that holds the slot."""
        return next((row["incarnation"] for row in self.registry.slots() if row["slot"] == slot), None)
