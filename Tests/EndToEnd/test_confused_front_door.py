"""A front door that keeps no rule, on the real bus, beside a conference that goes on: the worker serves that as ever."""

import asyncio
import itertools
import random

import pytest
import pytest_asyncio
import zmq.asyncio

from harness import bus
from harness.offer import offer
from harness.resources import resident
from harness.waiting import eventually

ROOM = "confused@conference.example.com"
_numbers = itertools.count(900)


@pytest_asyncio.fixture
async def links(gateway):
    """Makes links of front doors to the worker of a slot; closes them."""
    context = zmq.asyncio.Context()
    made = []

    def link(number=None, **options):
        """Of a front door that nobody knows yet, unless a number is given."""
        number = number or next(_numbers)
        door = bus.FrontDoor(context, gateway.bus_directory / "slot-1.ipc", number, **options)
        made.append(door)
        return door

    yield link
    for door in made:
        door.close()
    context.destroy(linger=0)


@pytest_asyncio.fixture
async def conference(gateway, visitors):
    """Somebody in a room on slot 1, who must be served throughout."""
    # What a flood before has left there keeps rooms away until the worker has said that it is gone.
    async with asyncio.timeout(30):
        while True:
            person = await (await visitors.participant("Anna", visitors.new_room())).join()
            if gateway.registry.slot_of(person.room) == "host1/1":
                break
            await person.terminate()
            await asyncio.sleep(0.05)
    before = person.client.now
    pid = gateway.holder_of("host1/1")
    yield person
    await asyncio.wait_for(person.controlled("update", {"bitrate": 128000}), 5)
    assert set(person.client.names(after=before)) == {"ack"}, "nothing else was told"
    assert gateway.holder_of("host1/1") == pid, "the worker is the same"


async def served(person, within=5):
    await asyncio.wait_for(person.controlled("update", {"bitrate": 64000}), within)


def join(room=ROOM, name="pub-m"):
    return {"request": "join", "client": name, "account": "mallory@example.com", "verified": True, "room": room,
            "sdp": offer()}


async def test_the_link_of_the_tests_is_one(links, conference):
    """What is wrong below is what is said, and not how."""
    door = await links().greeted()
    await door.say(bus.REQUEST, join(), connection=1, request=1)
    assert await door.answer(1) == {"answer": "ack"}
    await door.say(bus.REQUEST, {"request": "terminate", "session": 1}, connection=1, request=2)
    assert await door.answer(2) == {"answer": "ack"}
    await served(conference)


OFFENCES = {
    "garbage": lambda door: door.send(b"\xff" * 200),
    "one byte": lambda door: door.send(b"\x10"),
    "a gap": lambda door: door.say(bus.HEARTBEAT, sequence=door.sent + 7),
    "a number again": lambda door: door.say(bus.HEARTBEAT, sequence=door.sent - 1),
    "an acknowledgement of what was never sent": lambda door: door.say(bus.HEARTBEAT, acknowledged=1 << 60),
    "another's connection": lambda door: door.say(bus.GONE, connection=1, owner=(1, 1 << 40, 0)),
    "another life's connection": lambda door: door.say(bus.GONE, connection=1, owner=(door.number, 7, 0)),
    "a second list": lambda door: door.say(bus.LIST, {"sessions": [], "releases": [], "last": True}),
    "a worker's kind": lambda door: door.say(bus.EVENT, {"event": "progress"}, connection=1, request=1),
    "a request of nobody": lambda door: door.say(bus.REQUEST, {"request": "terminate", "session": 1}),
}


@pytest.mark.parametrize("offence", OFFENCES)
async def test_what_breaks_a_rule_of_the_bus_costs_that_link_only(links, conference, offence):
    door = await links().greeted()
    await OFFENCES[offence](door)
    await door.say(bus.REQUEST, join(), connection=1, request=1)
    with pytest.raises((asyncio.TimeoutError, AssertionError)):
        await door.answer(1, within=1.0)
    await served(conference)
    # A new link of the same front door is as good as any.
    door = await links(door.number, link=2).greeted()
    await door.say(bus.REQUEST, {"request": "terminate", "session": 1}, connection=1, request=1)
    assert await door.answer(1) == {"answer": "unknown-session"}


async def test_another_incarnation_and_another_link_are_not_heard(links, conference):
    door = await links().greeted()
    for change in ({"source": 5}, {"destination": 5}, {"link": 77}):
        await door.send(door.envelope(bus.REQUEST, join(), connection=1, request=1, sequence=door.sent + 1, **change))
    await door.say(bus.REQUEST, {"request": "terminate", "session": 1}, connection=1, request=2)
    assert await door.answer(2) == {"answer": "unknown-session"}
    await served(conference)


async def test_a_request_before_the_list_costs_the_link(links, conference):
    door = links()
    door.worker = (await door.hear(bus.HELLO)).source
    await door.say(bus.REQUEST, join(), connection=1, request=1)
    with pytest.raises((asyncio.TimeoutError, AssertionError)):
        await door.answer(1, within=1.0)
    await served(conference)


async def test_bodies_at_and_beyond_the_bound(links, conference):
    door = await links().greeted()
    await door.say(bus.REQUEST, b" " * (1 << 20), connection=1, request=1)
    assert await door.answer(1) == {"answer": "error", "error": "internal error"}
    await door.send(door.envelope(bus.REQUEST, b" " * (8 << 20), connection=1, request=2, sequence=door.sent + 1))
    await served(conference)


async def test_a_list_that_never_ends_costs_its_link_and_little_memory(links, gateway, conference):
    pid = gateway.holder_of("host1/1")
    before = resident(pid)
    door = links()
    door.worker = (await door.hear(bus.HELLO)).source
    owner = f"f{door.number}.{bus._base36(door.incarnation)}.0"
    names = [f"{owner}.{number}.1" for number in range(25_000)]
    for part in range(45):
        releases = [name.replace(f"{owner}.", f"{owner}.{part + 1}") for name in names]
        try:
            await door.say(bus.LIST, {"sessions": [], "releases": releases, "last": False})
        except asyncio.TimeoutError:
            break
    # A build for debugging reads slowly.
    await served(conference, 60)
    assert resident(pid) - before < 200 << 20
    with pytest.raises(asyncio.TimeoutError):
        while True:
            await door.hear(within=1.5)


async def test_thousands_of_probing_links_leave_nothing(links, gateway, conference):
    pid = gateway.holder_of("host1/1")

    async def wave(first):
        for start in range(first, first + 1000, 100):
            some = [links(number=1000 + start + offset) for offset in range(100)]
            await asyncio.gather(*(door.hear(bus.HELLO) for door in some))
            for door in some:
                door.close()
        await served(conference)

    await wave(0)
    warm = resident(pid)
    for number in range(1, 4):
        await wave(1000 * number)
    await asyncio.sleep(4)
    assert resident(pid) - warm < 16 << 20


async def test_a_front_door_that_never_reads_loses_its_link_and_no_other(links, gateway, conference):
    door = await links().greeted()
    for request in range(1, 30_000):
        try:
            await door.say(bus.REQUEST, {"request": "terminate", "session": 7}, connection=1, request=request)
        except asyncio.TimeoutError:
            break
        if request % 5000 == 0:
            await served(conference)
    worker = gateway.worker_of("host1/1")
    await eventually(lambda: f"f{door.number}." in worker.log.read_text() and "link lost" in worker.log.read_text(), 10,
                     "the link to be given up")
    await served(conference)


async def test_a_flood_of_joins_is_bounded_for_each_connection(links, conference):
    door = await links().greeted()
    answers = {}
    for request in range(1, 301):
        room = f"flood-{request}@conference.example.com"
        await door.say(bus.REQUEST, join(room, f"m{request}"), connection=5, request=request)
    while len(answers) < 300:
        try:
            message = await door.hear(bus.ANSWER, 0.4)
            assert message.request not in answers
            answers[message.request] = message.content
        except asyncio.TimeoutError:
            await door.say(bus.HEARTBEAT)
    texts = [answer.get("error", "") for answer in answers.values()]
    assert texts.count("too many sessions") >= 40
    await served(conference)
    await door.say(bus.GONE, connection=5)
    await door.say(bus.HEARTBEAT)
    await served(conference)


async def test_releases_of_unknown_sessions_do_nothing(links, conference):
    door = await links().greeted()
    for number in range(5000):
        await door.say(bus.RELEASE, connection=number, request=number)
    await door.say(bus.REQUEST, {"request": "terminate", "session": 7}, connection=1, request=1)
    assert await door.answer(1) == {"answer": "unknown-session"}
    await served(conference)


async def test_random_messages_leave_the_worker_serving(links, conference):
    chance = random.Random(4)
    bodies = [join(), {"request": "terminate", "session": 1}, {"request": "feed-attach", "session": 1, "client": "f",
              "publisher": "pub-m"}, {"request": "trickle", "session": 1, "candidates": []}, b"", b"{", b"\xff"]
    for number in range(1, 31):
        door = await links(5000, link=number).greeted()
        for _ in range(chance.randint(1, 40)):
            message = bytearray(door.envelope(
                chance.choice([bus.REQUEST] * 6 + list(range(0, 12))), chance.choice(bodies), chance.randint(1, 3),
                chance.randint(1, 5), sequence=door.sent + 1))
            if chance.random() < 0.1:
                message[chance.randrange(len(message))] = chance.randrange(256)
            door.sent += 1
            await door.send(bytes(message))
        if number % 10 == 0:
            await served(conference)
