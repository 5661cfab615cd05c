"""A worker goes away under a room of ten, and nobody notices: its successor goes on where it stopped."""

import asyncio
import signal

import pytest
import pytest_asyncio

from faults.verdict import nobody_noticed
from harness.hall import Hall
from harness.offer import answer, candidate
from harness.waiting import eventually, growing

SIGNALS = [pytest.param(signal.SIGKILL, id="killed"), pytest.param(signal.SIGTERM, id="stopped")]


@pytest_asyncio.fixture(params=[True, False], ids=["with a standby", "without a standby"])
async def gateway_with_or_without_standby(gateway, request):
    """The gateway has one; without it the worker itself comes back."""
    if request.param:
        yield gateway
        return
    holders = [gateway.worker_of(f"host1/{number}") for number in gateway.slot_numbers]
    standby = next(worker for worker in gateway.workers if worker not in holders)
    await gateway.take_away(standby)
    yield gateway
    gateway.bring_back(standby)


async def watched_hall(visitors, gateway):
    """A full hall in which two more with media watch each other. Returns the hall, the two and their feeds."""
    hall = Hall(visitors, gateway)
    await hall.open()
    await hall.fill()
    anna = await (await visitors.media_participant("Anna", hall.room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", hall.room, door=1)).join()
    for person in hall.people:
        await eventually(lambda: len(person.publishers("publishers_joined")) == 2, what="everybody to know both")
    await anna.client.event("publishers_joined", anna.session)
    feeds = [await anna.watch(bela.session), await bela.watch(anna.session)]
    for feed in feeds:
        await growing(lambda: feed.reception.video, what="video frames")
    return hall, anna, bela, feeds


async def in_flight(people):
    """A few requests of everybody, sent and not yet answered."""
    for person in people:
        for number in range(3):
            await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate(number)]}))
        await person.client.send("videoroom-ctl", **person.control("update", {"bitrate": 500000}))


async def taken_over(gateway, slot, former):
    """Waits until another incarnation has the slot and serves."""
    await eventually(lambda: gateway.incarnation_of(slot) != former, 15, f"a new holder of {slot}")
    await gateway.serving()


@pytest.mark.parametrize("number", SIGNALS)
async def test_nobody_in_the_room_notices(visitors, gateway_with_or_without_standby, number):
    gateway = gateway_with_or_without_standby
    hall, anna, bela, feeds = await watched_hall(visitors, gateway)
    everybody = [*hall.people, anna, bela]
    marks = [person.client.now for person in everybody]
    former = gateway.incarnation_of(hall.slot)

    await in_flight(everybody)
    await gateway.end(gateway.worker_of(hall.slot), number)
    for person in everybody:
        await person.client.all_answered()
    await taken_over(gateway, hall.slot, former)

    await nobody_noticed(gateway, everybody)
    for person, mark in zip(everybody, marks):
        assert set(person.client.names(after=mark)) == {"ack"}
    for feed in feeds:
        await growing(lambda: feed.reception.video, what="video frames")
        await growing(lambda: feed.reception.audio, what="audio packets")


@pytest.mark.parametrize("number", SIGNALS)
async def test_who_comes_and_goes_meanwhile_does_so(visitors, gateway_with_or_without_standby, number):
    gateway = gateway_with_or_without_standby
    hall = Hall(visitors, gateway)
    await hall.open()
    await hall.fill()
    joining = [await visitors.quiet_participant(f"Late {number}", hall.room, number % 2) for number in range(4)]
    opening = [await visitors.participant(f"Newcomer {number}", visitors.new_room(), number % 2) for number in range(4)]
    for person in joining + opening:
        await person.add_account()
    leaving = hall.people[:4]

    asked = [(person, await person.client.send("videoroom-join", **await person.join_request()))
             for person in joining + opening]
    asked += [(person, await person.client.send("videoroom-terminate", session=person.session)) for person in leaving]
    await gateway.end(gateway.worker_of(hall.slot), number)
    for person, transaction in asked:
        assert (await person.client.answer(transaction))["sylkrtc"] == "ack", person.name
    await asyncio.gather(*(person.send_media() for person in joining))
    for person in opening:
        await person.client.event("initial_publishers", person.session)
    for person in leaving:
        await person.told("terminated")
    await nobody_noticed(gateway, [*hall.people, *joining, *opening])


@pytest.mark.parametrize("number", SIGNALS)
async def test_feeds_asked_for_meanwhile_come(visitors, gateway_with_or_without_standby, number):
    gateway = gateway_with_or_without_standby
    room = visitors.new_room()
    anna, bela, clara = people = [
        await (await visitors.quiet_participant(name, room, door)).join() for name, door in (("Anna", 0), ("Bela", 1), ("Clara", 0))]
    await eventually(lambda: len(anna.publishers("publishers_joined")) == 2, what="Anna to know both")

    await bela.controlled("feed-attach", {"session": "bela-anna", "publisher": anna.session})
    offered = await bela.client.event("feed_attached", bela.session, subscription="bela-anna")
    attach = await anna.client.send(
        "videoroom-ctl", **anna.control("feed-attach", {"session": "anna-bela", "publisher": bela.session}))
    accept = await bela.client.send(
        "videoroom-ctl", **bela.control("feed-answer", {"session": "bela-anna", "sdp": answer(offered["data"]["sdp"])}))
    await gateway.end(gateway.worker_of(gateway.registry.slot_of(room)), number)
    assert (await anna.client.answer(attach))["sylkrtc"] == "ack"
    assert (await bela.client.answer(accept))["sylkrtc"] == "ack"
    await anna.client.event("feed_attached", anna.session, subscription="anna-bela")
    await nobody_noticed(gateway, people)


async def test_one_who_dies_again_and_again_is_not_noticed_either(visitors, gateway):
    hall, anna, bela, feeds = await watched_hall(visitors, gateway)
    everybody = [*hall.people, anna, bela]
    for _ in range(3):
        former = gateway.incarnation_of(hall.slot)
        await in_flight(everybody)
        await gateway.end(gateway.worker_of(hall.slot))
        await eventually(lambda: gateway.worker_of(hall.slot), 15, "a new holder")
        # The next one dies while it is still finding out, or just has.
        await eventually(lambda: gateway.incarnation_of(hall.slot) != former, 15, "its first entry")
    for person in everybody:
        await person.client.all_answered()
    await gateway.serving()
    await nobody_noticed(gateway, everybody)
    for feed in feeds:
        await growing(lambda: feed.reception.video, what="video frames")
