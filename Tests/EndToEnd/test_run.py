"""deploy/run, as a newcomer types it."""

import os
import signal

import pytest_asyncio

from harness.client import Client
from harness.peer import MediaParticipant
from harness.ports import free_neighbours, is_free
from harness.run import Run
from harness.waiting import eventually, growing

ROOM = "lounge@conference.example.com"


@pytest_asyncio.fixture
async def run(folder):
    run = Run(folder, "first", free_neighbours(2))
    await run.process.start()
    await run.serves()
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
    assert list(run.runs.iterdir()) == [], "nobody is led to it any more"
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
            return run.pids(program)

        victim, *_ = before = pids()
        assert len(before) == count
        os.kill(victim, signal.SIGKILL)
        await eventually(lambda: len(pids()) == count and victim not in pids(), 5, f"{program} to come back")
