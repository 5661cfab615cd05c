"""Janus is killed and comes back: sessions end with a reason, sockets stay, rooms can be joined again."""

import pytest_asyncio

from harness.hall import Hall
from harness.offer import candidate
from harness.raw import get, upgrade
from harness.waiting import eventually


async def test_B07_sessions_end_when_janus_is_lost_and_rooms_can_be_joined_again(visitors, gateway, janus):
    halls = await Hall.on_each_slot(visitors, gateway)
    people = [person for hall in halls for person in hall.people]
    for person in people:
        await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate()]}))
    await janus.kill()
    await janus.restart()
    for person in people:
        ending = await person.told("terminated")
        assert ending["data"]["reason"] == "500 Janus lost"
        await person.client.all_answered()
    await gateway.serving()
    for person in people:
        assert len(person.endings) == 1
        assert not person.client.closed.is_set()
    for hall in halls:
        for person in hall.people[:2]:
            await person.join_again()


@pytest_asyncio.fixture
async def returning_janus(gateway, janus):
    """Killed in a test, and back after it at the latest."""
    yield janus
    if not janus.process.running:
        await janus.restart()
        await gateway.serving()


async def test_B01_B07_nobody_is_let_in_while_janus_is_away_for_long_and_who_is_there_stays(visitors, gateway, returning_janus):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    bela = await visitors.participant("Bela", visitors.new_room(), door=1)
    await bela.add_account()
    await returning_janus.kill()

    async def refused():
        return (await get(gateway.ports[0], "/webrtcgateway/ws", upgrade())).status == 503

    await eventually(refused, 12, "a refusal")
    meanwhile = await bela.client.send("videoroom-join", **await bela.join_request())
    await returning_janus.restart()
    await gateway.serving()
    # Who asks meanwhile is told so, or waits.
    answer = await bela.client.answer(meanwhile)
    if answer["sylkrtc"] == "error":
        assert answer["error"] == "no worker is available"
        await bela.join_again()
    else:
        await bela.client.event("initial_publishers", bela.session)
    assert (await anna.told("terminated"))["data"]["reason"] == "500 Janus lost"
    assert len(anna.endings) == 1
    assert not anna.client.closed.is_set() and not bela.client.closed.is_set()
    await anna.join_again()
