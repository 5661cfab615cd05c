"""A front door is killed under two rooms of ten: its clients' sessions go, and the others are told."""

import pytest

from harness.checks import nothing_left_of, sessions_of
from harness.hall import Hall
from harness.offer import candidate
from harness.waiting import growing

NOTICED_WITHIN = 15  # seconds: a link is dead after 3, a front door that stays away is given up after 5 more


async def occupied(visitors, gateway):
    """Two halls; in the first, Anna watches Bela, who came through the second door. And all of them in one list."""
    halls = await Hall.on_each_slot(visitors, gateway)
    anna = await (await visitors.media_participant("Anna", halls[0].room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", halls[0].room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    feed = await anna.watch(bela.session)
    await growing(lambda: feed.reception.video, what="video frames")
    return halls, anna, bela, [person for hall in halls for person in hall.people] + [anna, bela]


@pytest.mark.parametrize("returns", [True, False], ids=["and returns", "and stays away"])
async def test_the_clients_of_a_killed_front_door_have_left_their_rooms(visitors, gateway, returns):
    halls, anna, bela, everybody = await occupied(visitors, gateway)
    gone = [person for person in everybody if person.client.url == gateway.socket_url(door=1)]
    staying = [person for person in everybody if person not in gone]
    assert len(gone) == 11 and len(staying) == 11
    doomed = sessions_of(gateway, gone)
    for person in gone:
        await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate()]}))

    door = gateway.front_doors[1]
    await (gateway.end(door) if returns else gateway.take_away(door))

    for person in gone:
        await person.client.closes()
        assert person.client.close_code == 1006
    newcomer = await (await visitors.participant("Newcomer", visitors.new_room(), door=0)).join()
    for person in staying:
        if person.room == bela.room:
            await person.sees_leave(bela.session, within=NOTICED_WITHIN)
    await nothing_left_of(gateway, doomed)

    gateway.bring_back(door)
    await gateway.door_opens(1)
    returned = await (await visitors.participant("Returned", bela.room, door=1)).join()
    assert returned.publishers("initial_publishers") == [anna.session]
    await (await visitors.participant("Another", visitors.new_room(), door=1)).join()
    for person in [*staying, newcomer]:
        await person.controlled("trickle", {"candidates": [candidate()]})
        assert person.endings == []
        assert person.departures == ([bela.session] if person.room == bela.room else [])
