"""A worker goes away under two rooms of ten: who was there is told, and nobody else notices."""

import asyncio
import signal

import pytest

from harness.checks import nothing_left_of, sessions_of
from harness.hall import Hall
from harness.offer import candidate
from harness.waiting import eventually, growing

LOST = "500 Worker lost"


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
    """Waits until another process holds the slot and serves."""
    def holder():
        worker = gateway.worker_of(slot)
        return worker if worker and worker.pid != former else None

    await eventually(holder, 5, f"a new holder of {slot}")
    await gateway.serving()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
async def test_the_sessions_of_a_lost_worker_end_and_the_rest_goes_on(visitors, gateway, number):
    safe, lost, feeds = await watched_hall(visitors, gateway)
    doomed = sessions_of(gateway, lost.people)
    assert len(doomed) == len(lost.people)
    marks = safe.marks()
    worker = gateway.worker_of(lost.slot)
    former = worker.pid

    await in_flight(lost)
    await gateway.end(worker, number)

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


async def test_rooms_work_at_once_after_a_worker_was_killed(visitors, gateway):
    first, second = await Hall.on_each_slot(visitors, gateway)
    worker = gateway.worker_of(second.slot)
    await gateway.end(worker)
    newcomers = [await visitors.participant(f"Newcomer {door}", visitors.new_room(), door) for door in (0, 1)]
    await asyncio.gather(*(newcomer.join() for newcomer in newcomers))
    for person in second.people:
        await person.told("terminated")
    # The same people, on the same sockets, in the same room.
    for person in second.people[:2]:
        await person.client.acked("videoroom-join", **{**await person.join_request(), "session": f"{person.session}-again"})
        await person.client.event("initial_publishers", f"{person.session}-again")
    assert gateway.registry.slot_of(second.room) is not None


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
            assert answer["error"] in ("worker lost", "no worker is available"), answer
            assert person.client.events("state", person.session) == []
        else:
            assert (await person.told("terminated"))["data"]["reason"] == LOST
    for person in hall.people:
        await person.told("terminated")
