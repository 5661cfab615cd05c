"""A front door is replaced by another: nobody is refused, and those who are there have time to go over."""

import signal
import socket
import stat

import pytest_asyncio

from harness.front_doors import FrontDoors, Openings
from harness.gateway import Gateway
from harness.offer import candidate
from harness.running import running
from harness.waiting import growing

DRAIN = 6  # seconds that a drain may take; all that is done in it takes much less


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus):
    """Workers only."""
    async with running(Gateway(folder, janus, front_doors=0, workers=2, slots=1)) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def doors(gateway, folder):
    doors = FrontDoors(gateway, folder)
    yield doors
    await doors.stop()


async def meeting(visitors, room):
    """Anna, who watches Bela."""
    anna = await (await visitors.media_participant("Anna", room)).join()
    bela = await (await visitors.media_participant("Bela", room)).join()
    await anna.client.event("publishers_joined", anna.session)
    return anna, bela, await anna.watch(bela.session)


async def served(anna, bela, feed):
    """Nothing is missing at a front door that drains."""
    for person in (anna, bela):
        await person.controlled("trickle", {"candidates": [candidate()]})
    await feed.update(video=False)
    await feed.update(video=True)
    await growing(lambda: feed.reception.video, what="video frames")
    assert not anna.client.closed.is_set() and not bela.client.closed.is_set()


async def replaced(old, people, doors):
    """The old one sends its clients away at the deadline, and ends."""
    for person in people:
        await person.client.closes(DRAIN + 10)
        assert person.client.close_code == 1001
    assert await old.ended(10) == 0, old.last_lines()
    await doors.says(old, "drained")


async def test_two_front_doors_on_one_inherited_socket_follow_each_other(doors, visitors):
    doors.listen()
    old = await doors.start(1, "--drain-time", DRAIN, inherits=True)
    room = visitors.new_room()
    anna, bela, feed = await meeting(visitors, room)

    async with Openings(doors.url) as openings:
        await openings.more()
        new = await doors.start(3, inherits=True)
        await openings.more()
        old.signal(signal.SIGTERM)
        await doors.says(old, "draining")
        await served(anna, bela, feed)
        await openings.more()
        await replaced(old, (anna, bela), doors)
        await openings.more()

    await served(*await meeting(visitors, room))
    assert new.running


async def test_a_front_door_takes_over_from_another_and_that_one_drains_by_itself(doors, visitors):
    old = await doors.start(1, "--drain-time", DRAIN)
    assert stat.S_IMODE(doors.control_socket(1).stat().st_mode) == 0o600
    room = visitors.new_room()
    anna, bela, feed = await meeting(visitors, room)

    async with Openings(doors.url) as openings:
        await openings.more()
        new = await doors.start(3, "--take-over", 1, "--drain-time", DRAIN)
        await doors.says(old, "draining")
        await served(anna, bela, feed)
        await openings.more()
        assert not doors.control_socket(1).exists(), "it has nothing to give any more"
        old.signal(signal.SIGTERM)  # who supervises it says so, too
        await served(anna, bela, feed)
        await replaced(old, (anna, bela), doors)
        await openings.more()
        await doors.start(1, "--take-over", 3)
        assert await new.ended(10) == 0, "its clients come and go, and it is to end when they have gone"
        await openings.more()

    await served(*await meeting(visitors, room))


async def test_a_second_signal_ends_the_wait(doors, visitors):
    door = await doors.start(1, "--drain-time", 3600)
    client = await visitors.client()
    door.signal(signal.SIGTERM)
    await doors.says(door, "draining")
    await client.refused("nonsense")
    door.signal(signal.SIGTERM)
    await client.closes()
    assert client.close_code == 1001
    assert await door.ended(10) == 0


async def test_a_front_door_without_clients_has_drained_at_once(doors):
    door = await doors.start(1, "--drain-time", 3600)
    door.signal(signal.SIGTERM)
    assert await door.ended(10) == 0
    await doors.says(door, "drained")


async def test_a_front_door_that_finds_nothing_to_take_over_listens_itself(doors, visitors):
    doors.control_socket(2).parent.mkdir(mode=0o700, exist_ok=True)
    await doors.start(1, "--take-over", 2)
    await visitors.client()


async def test_a_descriptor_that_does_not_listen_is_named(doors):
    doors.socket = socket.socket()
    door = await doors.start(1, inherits=True, accepts=False)
    assert await door.ended(10) == 1
    assert door.last_lines() == "descriptor 3 is not a listening TCP socket\n"
