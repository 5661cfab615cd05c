"""A slot is drained: no new rooms, nothing broken, and its worker stands by when it is empty."""

import asyncio

import pytest_asyncio

from harness.hall import Hall
from harness.offer import candidate
from harness.waiting import eventually, growing

DRAINED = "503 Worker drained"


@pytest_asyncio.fixture
async def undrained(gateway):
    """Every slot serves again when the test is over."""
    yield
    for number in gateway.slot_numbers:
        assert (await gateway.operate("undrain", number))[0] == 0
    await gateway.serving()


async def drain(gateway, slot, *options):
    status, output, complaint = await gateway.operate("drain", slot, *options)
    assert status == 0 and slot in output and complaint == ""


async def order_is_known(gateway):
    """Front doors and holder look at least once a second; there is nothing to be seen of that from outside."""
    await asyncio.sleep(1.5)


async def test_a_drained_slot_gets_no_new_rooms_and_keeps_those_it_has(visitors, gateway, undrained):
    hall, other = await Hall.on_each_slot(visitors, gateway)
    anna = await (await visitors.media_participant("Anna", hall.room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", hall.room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    feed = await anna.watch(bela.session)
    await growing(lambda: feed.reception.video, what="video frames")

    await drain(gateway, hall.slot)
    await gateway.state_becomes(hall.slot, "draining")
    await order_is_known(gateway)
    newcomers = [await visitors.participant(f"Newcomer {number}", visitors.new_room(), number % 2) for number in range(8)]
    await asyncio.gather(*(newcomer.join() for newcomer in newcomers))
    assert {gateway.registry.slot_of(newcomer.room) for newcomer in newcomers} == {other.slot}

    # Who is there stays, and may still be joined.
    await (await visitors.participant("Friend", hall.room)).join()
    await growing(lambda: feed.reception.video, what="video frames")
    for person in hall.people:
        await person.controlled("trickle", {"candidates": [candidate()]})
        assert person.endings == []


async def test_an_empty_drained_slot_has_no_holder_until_it_is_wanted_again(visitors, gateway, undrained):
    hall, other = await Hall.on_each_slot(visitors, gateway)
    worker, former = gateway.worker_of(hall.slot), gateway.incarnation_of(hall.slot)
    await drain(gateway, hall.slot)
    await gateway.state_becomes(hall.slot, "draining")
    await asyncio.gather(*(person.terminate() for person in hall.people))
    await gateway.state_becomes(hall.slot, "drained")
    assert worker.running, "it stands by"
    # Of three workers two stand by now, and neither takes it.
    await asyncio.sleep(3)
    assert gateway.holder_of(hall.slot) is None
    assert gateway.incarnation_of(hall.slot) == former
    for person in hall.people:
        assert not person.client.closed.is_set()
        await person.join_again()
    assert gateway.registry.slot_of(hall.room) == other.slot

    status, _, _ = await gateway.operate("undrain", hall.slot)
    assert status == 0
    await gateway.state_becomes(hall.slot, "serving")
    assert gateway.incarnation_of(hall.slot) != former


async def test_at_the_deadline_what_is_left_is_ended_with_a_reason(visitors, gateway, undrained):
    hall, other = await Hall.on_each_slot(visitors, gateway)
    marks = other.marks()
    await drain(gateway, hall.slot, "--deadline", 3)
    status = (await gateway.status())[hall.slot]
    assert status["draining"] and 0 < status["deadline_ms"] <= 3000
    for person in hall.people:
        await person.told("terminated")
    for person in hall.people:
        assert [ending["data"] for ending in person.endings] == [{"state": "terminated", "reason": DRAINED}]
        assert not person.client.closed.is_set()
    await gateway.state_becomes(hall.slot, "drained")
    assert other.events_since(marks) == []


async def test_a_drain_can_be_cancelled(visitors, gateway, undrained):
    hall, other = await Hall.on_each_slot(visitors, gateway)
    former = gateway.incarnation_of(hall.slot)
    await drain(gateway, hall.slot, "--deadline", 6)
    await gateway.state_becomes(hall.slot, "draining")
    assert (await gateway.operate("undrain", hall.slot))[0] == 0
    await gateway.state_becomes(hall.slot, "serving")
    await asyncio.sleep(8)
    assert gateway.incarnation_of(hall.slot) == former
    for person in hall.people:
        assert person.endings == []

    async def lands_here():
        newcomer = await (await visitors.participant("Newcomer", visitors.new_room())).join()
        return gateway.registry.slot_of(newcomer.room) == hall.slot

    await eventually(lands_here, 20, f"a new room on {hall.slot}")


async def test_a_slot_that_drains_and_loses_its_worker_is_taken_over_while_it_has_something(visitors, gateway, undrained):
    hall, _ = await Hall.on_each_slot(visitors, gateway)
    former = gateway.incarnation_of(hall.slot)
    await drain(gateway, hall.slot)
    await gateway.state_becomes(hall.slot, "draining")
    await gateway.end(gateway.worker_of(hall.slot))
    await eventually(lambda: gateway.incarnation_of(hall.slot) != former, 10, f"a new holder of {hall.slot}")


async def test_with_every_slot_drained_new_rooms_are_refused_and_clients_stay(visitors, gateway, undrained):
    newcomer = await visitors.participant("Newcomer", visitors.new_room())
    await newcomer.add_account()
    for number in gateway.slot_numbers:
        await drain(gateway, f"host1/{number}")
    await order_is_known(gateway)
    assert await newcomer.client.refused("videoroom-join", **await newcomer.join_request()) == "no worker is available"
    assert not newcomer.client.closed.is_set()
