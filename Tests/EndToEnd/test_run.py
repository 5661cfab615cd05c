"""deploy/run, as a newcomer types it."""

import os
import signal
from pathlib import Path

import pytest_asyncio

from harness.client import Client
from harness.paths import DEPLOY_RUN, binaries
from harness.peer import MediaParticipant
from harness.ports import free_neighbours, free_port, is_free
from harness.process import Process
from harness.waiting import eventually, growing

ROOM = "lounge@conference.example.com"


class Run:
    """One deploy/run with two front doors, and everything it uses."""

    def __init__(self, folder, name, port):
        self.port = port
        self.janus_port, self.janus_admin_port = free_port(), free_port()
        self.directory, self.state = folder / f"{name}-run", folder / f"{name}-state"
        self.process = Process(
            name,
            [DEPLOY_RUN, "--listen", f"127.0.0.1:{port}", "--front-doors", "2", "--run-dir", self.directory,
             "--state", self.state, "--janus-port", self.janus_port],
            folder / f"{name}.log",
            {"CONTINUO_BIN": str(binaries()), "CONTINUO_JANUS_ADMIN_PORT": str(self.janus_admin_port)})

    @property
    def output(self):
        return self.process.last_lines(200)

    def says(self, text):
        assert self.process.running, f"deploy/run ended with status {self.process.status}:\n{self.output}"
        return text in self.output

    def processes(self):
        """Pids of everything that was started for this run, found by the run directory on the command line."""
        mark = str(self.directory).encode()
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes()
            except (OSError, NotADirectoryError):
                continue
            if entry.name.isdigit() and mark in command:
                found[int(entry.name)] = command.replace(b"\0", b" ").decode()
        return found

    @property
    def ports(self):
        return [self.port, self.port + 1, self.janus_port, self.janus_admin_port]


@pytest_asyncio.fixture
async def run(folder):
    run = Run(folder, "first", free_neighbours(2))
    await run.process.start()
    await eventually(lambda: run.says(f"http://127.0.0.1:{run.port}/webrtcgateway/"), 60, "the address")
    yield run
    await run.process.stop(30)


async def test_two_people_meet_in_it_and_ctrl_c_leaves_nothing(run):
    people = []
    for name, port in (("Anna", run.port), ("Bela", run.port + 1)):
        client = await Client.connect(f"ws://127.0.0.1:{port}/webrtcgateway/ws")
        people.append(await MediaParticipant(client, name, ROOM).join())
    anna, bela = people
    await anna.client.event("publishers_joined", anna.session)
    for feed in (await anna.watch(bela.session), await bela.watch(anna.session)):
        await growing(lambda: feed.reception.video, what="video frames")
        await growing(lambda: feed.reception.audio, what="audio packets")
    kinds = " ".join(run.processes().values())
    for program in ("Frontdoor", "Worker", "janus"):
        assert program in kinds

    # In the middle of the conference.
    run.process.signal(signal.SIGINT)
    assert await run.process.ended(30) == 0, run.output
    for person in people:
        await person.client.closes()
        await person.close()
        person.client.check()
    assert run.processes() == {}
    assert not run.directory.exists()
    assert not run.state.exists(), "nothing was stored"
    assert [port for port in run.ports if not is_free(port)] == []


async def test_a_second_one_says_that_the_address_is_in_use(run, folder):
    second = Run(folder, "second", run.port)
    await second.process.start()
    assert await second.process.ended(30) != 0
    assert f"127.0.0.1:{run.port} is in use" in second.output
    assert second.processes() == {} and not second.directory.exists()
    client = await Client.connect(f"ws://127.0.0.1:{run.port}/webrtcgateway/ws")
    assert await client.became_ready(), "the first one is not disturbed"
    await client.close()


async def test_a_killed_worker_and_a_killed_front_door_are_started_again(run):
    for program, count in (("Worker", 3), ("Frontdoor", 2)):
        def pids():
            return {pid for pid, command in run.processes().items() if command.split()[0].endswith(f"/{program}")}

        victim, *_ = before = pids()
        assert len(before) == count
        os.kill(victim, signal.SIGKILL)
        await eventually(lambda: len(pids()) == count and victim not in pids(), 5, f"{program} to come back")
