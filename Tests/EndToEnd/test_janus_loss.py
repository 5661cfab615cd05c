"""Janus is killed and comes back: sessions end with a reason, sockets stay, rooms can be joined again."""

from harness.hall import Hall
from harness.offer import candidate


async def test_sessions_end_when_janus_is_lost_and_rooms_can_be_joined_again(visitors, gateway, janus):
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
