"""A worker goes away under two rooms of ten: who was there is told, and nobody else notices."""

import asyncio
import signal

import pytest

from harness.checks import nothing_left_of, sessions_of
from harness.hall import Hall
from harness.offer import candidate
from harness.waiting import eventually, growing

LOST = "500 Worker lost"
REFUSALS = ("worker lost", "no worker is available")


async def watched_hall(visitors, gateway):
    """Two halls; in the first one, two more with media watch each other. Returns the halls and the two feeds."""
    first, second = await Hall.on_each_slot(visitors, gateway)
    anna = await (await visitors.media_participant("Anna", first.room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", first.room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    feeds = [await anna.watch(bela.session), await bela.watch(anna.session)]
    for feed in feeds:
        await growing(lambda: feed.reception.video, what="video frames")
    return first, second, feeds


async def in_flight(hall):
    """A few requests of everybody, sent and not yet answered."""
    for person in hall.people:
        for number in range(3):
            await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate(number)]}))
        await person.client.send("videoroom-ctl", **person.control("update", {"bitrate": 500000}))


async def taken_over(gateway, slot, former):
    """Waits until another incarnation has the slot and serves."""
    await eventually(lambda: gateway.incarnation_of(slot) != former, 5, f"a new holder of {slot}")
    await gateway.serving()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
async def test_the_sessions_of_a_lost_worker_end_and_the_rest_goes_on(visitors, gateway, number):
    safe, lost, feeds = await watched_hall(visitors, gateway)
    doomed = sessions_of(gateway, lost.people)
    assert len(doomed) == len(lost.people)
    marks = safe.marks()
    former = gateway.incarnation_of(lost.slot)

    await in_flight(lost)
    await gateway.end(gateway.worker_of(lost.slot), number)

    # Everybody there is told the end once, and every request was answered once.
    for person in lost.people:
        await person.told("terminated", within=15)
        await person.client.all_answered()
    await taken_over(gateway, lost.slot, former)
    await nothing_left_of(gateway, doomed)
    for person in lost.people:
        assert [ending["data"] for ending in person.endings] == [{"state": "terminated", "reason": LOST}]
        assert not person.client.closed.is_set()

    # The other room has noticed nothing.
    for feed in feeds:
        await growing(lambda: feed.reception.video, what="video frames in the other room")
        await growing(lambda: feed.reception.audio, what="audio packets in the other room")
    assert safe.events_since(marks) == []
    for person in safe.people:
        await person.controlled("trickle", {"candidates": [candidate()]})


async def test_rooms_work_at_once_when_the_loss_of_a_worker_was_told(visitors, gateway):
    safe, lost = await Hall.on_each_slot(visitors, gateway)
    newcomers = [await visitors.participant(f"Newcomer {number}", visitors.new_room(), number % 2) for number in range(6)]
    await gateway.end(gateway.worker_of(lost.slot))
    for person in lost.people:
        await person.told("terminated")
    await asyncio.gather(*(newcomer.join() for newcomer in newcomers))
    # The same people, on the same sockets, in the same room.
    for person in lost.people[:2]:
        await person.join_again()
    assert gateway.registry.slot_of(lost.room) is not None


async def test_a_new_room_is_refused_for_a_moment_at_most_when_a_worker_is_killed(visitors, gateway):
    halls = await Hall.on_each_slot(visitors, gateway)
    newcomers = [await visitors.participant(f"Newcomer {number}", visitors.new_room(), number % 2) for number in range(6)]
    for newcomer in newcomers:
        await newcomer.add_account()
    await gateway.end(gateway.worker_of(halls[0].slot))

    async def joins(newcomer):
        answer = await newcomer.client.request("videoroom-join", **await newcomer.join_request())
        assert answer["sylkrtc"] == "ack" or answer["error"] in REFUSALS, answer
        return answer["sylkrtc"] == "ack"

    for newcomer in newcomers:
        await eventually(lambda: joins(newcomer), 5, "a room for a newcomer")


async def test_what_is_asked_while_the_worker_dies_is_answered_once(visitors, gateway):
    hall, other = await Hall.on_each_slot(visitors, gateway)
    worker = gateway.worker_of(hall.slot)
    joining = [await visitors.participant(f"Late {number}", hall.room, number % 2) for number in range(6)]
    for person in joining:
        await person.add_account()
    transactions = [await person.client.send("videoroom-join", **await person.join_request()) for person in joining]
    await gateway.end(worker)
    answers = [await person.client.answer(transaction) for person, transaction in zip(joining, transactions)]
    for person, answer in zip(joining, answers):
        if answer["sylkrtc"] == "error":
            assert answer["error"] in REFUSALS, answer
            assert person.client.events("state", person.session) == []
        else:
            assert (await person.told("terminated"))["data"]["reason"] == LOST
    for person in hall.people:
        await person.told("terminated")
