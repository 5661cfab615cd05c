"""deploy/rolling-restart over a running deploy/run."""

import asyncio
import os
import re

import pytest_asyncio

from harness.client import Client
from harness.offer import candidate
from harness.paths import ROLLING_RESTART
from harness.peer import MediaParticipant
from harness.ports import free_neighbours
from harness.run import Run
from harness.waiting import growing

ROOM = "lounge@conference.example.com"
NO_RUN, USAGE = 66, 64


@pytest_asyncio.fixture(scope="module")
async def run(folder):
    run = Run(folder, "run", free_neighbours(2))
    await run.process.start()
    await run.serves()
    yield run
    assert await run.process.stop(30) == 0, run.output


async def rolling_restart(run, *options):
    """Its status, what it printed and what it complained of."""
    child = await asyncio.create_subprocess_exec(
        ROLLING_RESTART, *map(str, options), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env={**os.environ, **run.environment})
    output, complaint = await asyncio.wait_for(child.communicate(), 120)
    return child.returncode, output.decode(), complaint.decode()


async def join(run, name, port):
    client = await Client.connect(f"ws://127.0.0.1:{port}/webrtcgateway/ws")
    return await MediaParticipant(client, name, ROOM).join()


async def test_every_worker_is_a_new_process_and_every_slot_is_served(run):
    before = run.pids("Worker")
    assert len(before) == 3
    status, output, complaint = await rolling_restart(run)
    assert status == 0, complaint
    lines = output.splitlines()
    assert str(run.directory) in lines[0]
    moves = [re.search(r"(worker-\d) +had (host1/\d), which (worker-\d) has now; nobody served for \d+\.\d\d s", line)
             for line in lines]
    moves = [move.groups() for move in moves if move]
    assert sorted(slot for _, slot, _ in moves) == ["host1/1", "host1/2"], "each slot moves once"
    assert all(former != holder for former, _, holder in moves)
    assert "stood by" in lines[1], "standbys come first"
    assert lines[-1].startswith("3 workers restarted, 2 slots moved")
    after = run.pids("Worker")
    assert len(after) == 3 and not after & before
    person = await join(run, "Anna", run.port)
    await person.close()


async def test_a_run_is_found_by_its_directory_and_by_its_port(run):
    for options in (["--run", run.directory], ["--port", run.port]):
        status, output, complaint = await rolling_restart(run, *options)
        assert status == 0 and "3 workers restarted" in output, complaint


async def test_a_conference_goes_on_through_it(run):
    people = [await join(run, "Anna", run.port), await join(run, "Bela", run.port + 1)]
    anna, bela = people
    await anna.client.event("publishers_joined", anna.session)
    feeds = [await anna.watch(bela.session), await bela.watch(anna.session)]
    for feed in feeds:
        await growing(lambda: feed.reception.video, what="video frames")
    status, _, complaint = await rolling_restart(run)
    assert status == 0, complaint
    for feed in feeds:
        await growing(lambda: feed.reception.video, what="video frames")
    for person in people:
        await person.controlled("trickle", {"candidates": [candidate()]})
        assert person.endings == []
        await person.close()
        person.client.check()


async def test_where_nothing_runs_it_says_so(run, folder):
    for options in (["--run", folder / "nowhere"], ["--port", 1]):
        status, output, complaint = await rolling_restart(run, *options)
        assert status == NO_RUN and output == "" and complaint.count("\n") == 1


async def test_of_several_runs_one_must_be_chosen(run, folder):
    other = Run(folder, "other", free_neighbours(2))
    await other.process.start()
    try:
        await other.serves()
        before = run.pids("Worker")
        status, _, complaint = await rolling_restart(run)
        assert status == USAGE and complaint.count("\n") == 1
        assert str(run.port) in complaint and str(other.port) in complaint
        status, _, complaint = await rolling_restart(run, "--port", other.port)
        assert status == 0, complaint
        assert run.pids("Worker") == before
    finally:
        assert await other.process.stop(30) == 0, other.output


async def test_it_explains_itself_and_refuses_nonsense(run):
    status, output, _ = await rolling_restart(run, "--help")
    assert status == 0 and "--timeout" in output
    for options in (["--colour"], ["--port", "door"], ["--timeout"], ["--timeout", "0"]):
        status, output, complaint = await rolling_restart(run, *options)
        assert status == USAGE and output == "" and complaint.count("\n") == 1
