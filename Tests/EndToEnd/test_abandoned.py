"""Nobody has a slot for longer than Janus would have kept its calls: it is given up, and its rooms live elsewhere."""

import pytest_asyncio

from harness.checks import sessions_of
from harness.gateway import Gateway
from harness.hall import Hall
from harness.running import running
from harness.waiting import eventually

GIVEN_UP_WITHIN = 75.0  # seconds: a lease of 4, 45 more, and a look every 5


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus):
    """No standby: a slot that is lost stays lost."""
    async with running(Gateway(folder, janus, workers=2)) as gateway:
        yield gateway


async def test_a_slot_that_nobody_takes_is_given_up(visitors, gateway):
    lost, kept = await Hall.on_each_slot(visitors, gateway)
    worker, former = gateway.worker_of(lost.slot), gateway.incarnation_of(lost.slot)
    doomed, marks = sessions_of(gateway, lost.people), kept.marks()
    await gateway.take_away(worker)
    await gateway.state_becomes(lost.slot, "lost")

    await gateway.state_becomes(lost.slot, "abandoned", GIVEN_UP_WITHIN)
    await eventually(lambda: gateway.registry.slot_of(lost.room) is None, 20, "the end of its room")
    assert not doomed & {row["id"] for row in gateway.registry.sessions()}
    assert gateway.incarnation_of(lost.slot) != former
    assert {room["description"] for room in await gateway.janus.inspector.rooms()} == {f"c1:test:{kept.slot}"}
    for person in lost.people:
        await person.told("terminated")
        assert len(person.endings) == 1 and not person.client.closed.is_set()

    # The same people, in the same room, on the other slot; nobody there was disturbed.
    for person in lost.people[:3]:
        await person.join_again()
    assert gateway.registry.slot_of(lost.room) == kept.slot
    assert kept.events_since(marks) == []

    # Whoever comes takes the slot as any other.
    gateway.bring_back(worker)
    await gateway.state_becomes(lost.slot, "serving")
    await gateway.serving()
    await (await visitors.participant("Newcomer", visitors.new_room())).join()
