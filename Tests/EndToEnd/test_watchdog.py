"""A worker that hangs is killed: one that lost its slot must never act again."""

import json
import os
import signal
import sys

import pytest
import pytest_asyncio

from harness.gateway import Gateway
from harness.hall import Hall
from harness.offer import candidate
from harness.paths import binaries
from harness.process import Process
from harness.running import running
from harness.waiting import eventually

KILLED = 128 + signal.SIGKILL
OVERDUE = "no beat for too long"

CHILD = """
import os, signal, socket, sys, time
beats, signal_status = int(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(signal_status))
supervisor = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
print("child", os.getpid(), os.environ["WATCHDOG_USEC"], flush=True)
while True:
    if beats == 1000:
        supervisor.sendto(b"READY=1", b"\\0" + os.environ["NOTIFY_SOCKET"][1:].encode())
    if beats:
        supervisor.sendto(b"WATCHDOG=1", b"\\0" + os.environ["NOTIFY_SOCKET"][1:].encode())
        beats -= 1
    time.sleep(0.1)
"""


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus):
    async with running(Gateway(folder, janus, watched=True)) as gateway:
        yield gateway


# The watchdog with any command.

@pytest_asyncio.fixture
async def watch(folder, request):
    """Starts `Worker watch` over a command; a new process each time."""
    processes = []

    async def start(*command, timeout=1, options=()):
        name = f"{request.node.name.split('[')[0][5:40]}-{len(processes)}"
        processes.append(Process(
            name, [binaries() / "Worker", "watch", "--timeout", timeout, *options, "--", *command], folder / f"{name}.log"))
        await processes[-1].start()
        return processes[-1]

    yield start
    for process in processes:
        await process.stop()


async def child_of(process):
    """The pid of the script above, once it runs."""
    await eventually(lambda: "child" in process.last_lines(), 10, "the child")
    words = next(line for line in process.last_lines().splitlines() if line.startswith("child")).split()
    assert int(words[2]) == 1_000_000
    return int(words[1])


def is_gone(pid):
    try:
        os.kill(pid, 0)
        return False
    except ProcessLookupError:
        return True


@pytest.mark.parametrize(("command", "status"), [
    (["true"], 0), (["bash", "-c", "exit 7"], 7), (["bash", "-c", "kill -TERM $$"], 128 + 15), (["/nowhere/at-all"], 127)])
async def test_it_ends_as_the_command_ends(watch, command, status):
    assert await (await watch(*command)).ended(10) == status


async def test_what_was_not_said_before_the_first_beat_is_not_waited_for(watch):
    process = await watch(sys.executable, "-c", CHILD, 0, 5, timeout=1)
    await child_of(process)
    with pytest.raises(TimeoutError):
        await process.ended(3)
    process.signal(signal.SIGTERM)
    assert await process.ended(10) == 5


async def test_a_command_whose_beats_end_is_killed_and_that_is_said_in_one_line(watch):
    process = await watch(sys.executable, "-c", CHILD, 5, 5)
    child = await child_of(process)
    assert await process.ended(10) == KILLED
    assert is_gone(child)
    assert process.last_lines().count("\n") == 2 and OVERDUE in process.last_lines(1)


async def test_it_logs_as_its_configuration_says(watch, folder):
    configuration = folder / "watchdog-json.ini"
    configuration.write_text("[General]\nlog_format = json\n")
    process = await watch(sys.executable, "-c", CHILD, 5, 5, options=("--config", configuration))
    assert await process.ended(10) == KILLED
    assert OVERDUE in json.loads(process.last_lines(1))["message"]


async def test_a_stopped_command_is_killed(watch):
    process = await watch(sys.executable, "-c", CHILD, 1_000_000, 5)
    child = await child_of(process)
    os.kill(child, signal.SIGSTOP)
    assert await process.ended(10) == KILLED
    assert is_gone(child)


async def test_a_command_that_beats_lives_until_it_is_told_to_end(watch):
    process = await watch(sys.executable, "-c", CHILD, 1_000_000, 6)
    child = await child_of(process)
    with pytest.raises(TimeoutError):
        await process.ended(3)
    process.signal(signal.SIGTERM)
    assert await process.ended(10) == 6
    assert is_gone(child) and OVERDUE not in process.last_lines()


async def test_a_killed_watchdog_takes_the_command_with_it(watch):
    process = await watch(sys.executable, "-c", CHILD, 1_000_000, 5)
    child = await child_of(process)
    process.signal(signal.SIGKILL)
    await process.ended(10)
    await eventually(lambda: is_gone(child), 5, "the end of the command")


async def test_a_file_tells_who_is_ready(watch, folder):
    ready = folder / "ready"
    ready.write_text("a remnant")
    process = await watch(sys.executable, "-c", CHILD, 1000, 5, options=["--ready", ready])
    child = await child_of(process)
    await eventually(lambda: ready.exists() and ready.read_text() == f"{child}\n", 10, "that it is ready")
    process.signal(signal.SIGTERM)
    assert await process.ended(10) == 5
    assert not ready.exists()


# With workers.

async def test_a_stopped_worker_is_killed_and_its_slot_is_anothers(visitors, gateway):
    hall, other = await Hall.on_each_slot(visitors, gateway)
    marks = other.marks()
    worker, pid, former = gateway.worker_of(hall.slot), gateway.holder_of(hall.slot), gateway.incarnation_of(hall.slot)
    gateway.will_end(worker)
    for person in hall.people:
        await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate()]}))
    os.kill(pid, signal.SIGSTOP)

    await eventually(lambda: gateway.incarnation_of(hall.slot) != former, 15, f"a new holder of {hall.slot}")
    # It did not merely lose its slot: it is not there to act.
    assert is_gone(pid)
    assert gateway.worker_of(hall.slot) is not worker
    await gateway.serving()
    assert OVERDUE in worker.last_lines()
    for person in hall.people:
        await person.client.all_answered()
        assert person.endings == []
    for person in other.people:
        await person.controlled("trickle", {"candidates": [candidate()]})
    assert other.events_since(marks) == []
    await (await visitors.participant("Newcomer", visitors.new_room())).join()


async def test_the_sessions_of_a_stopped_worker_go_on(visitors, gateway):
    hall, _ = await Hall.on_each_slot(visitors, gateway)
    former = gateway.incarnation_of(hall.slot)
    gateway.will_end(gateway.worker_of(hall.slot))
    os.kill(gateway.holder_of(hall.slot), signal.SIGSTOP)
    await eventually(lambda: gateway.incarnation_of(hall.slot) != former, 15, f"a new holder of {hall.slot}")
    await gateway.serving()
    for person in hall.people:
        await person.controlled("trickle", {"candidates": [candidate()]})
        assert person.endings == []
