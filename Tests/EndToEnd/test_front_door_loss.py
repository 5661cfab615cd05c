"""A front door is killed under two rooms: its clients' sessions go after a while, and the others are told."""

import time

import pytest_asyncio

from harness.checks import nothing_left_of, sessions_of
from harness.hall import Hall
from harness.offer import candidate
from harness.waiting import eventually, growing

NOTICED_WITHIN = 20  # seconds: a front door that stays away is given up after 5
GRACE = 5.0


@pytest_asyncio.fixture
async def door(gateway):
    """The second one. Killed in a test, and back after it at the latest."""
    yield gateway.front_doors[1]
    gateway.bring_back(gateway.front_doors[1])
    await gateway.door_opens(1)


async def occupied(visitors, gateway):
    """Two halls; in the first, Anna watches Bela, who came through the second door. And all of them in one list."""
    halls = await Hall.on_each_slot(visitors, gateway)
    anna = await (await visitors.media_participant("Anna", halls[0].room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", halls[0].room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    feed = await anna.watch(bela.session)
    await growing(lambda: feed.reception.video, what="video frames")
    return halls, anna, bela, [person for hall in halls for person in hall.people] + [anna, bela]


def of_door(gateway, people, door):
    return [person for person in people if person.client.url == gateway.socket_url(door)]


async def asks(people):
    for person in people:
        await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate()]}))


async def cut_off(people):
    for person in people:
        await person.client.closes()
        assert person.client.close_code == 1006


async def untouched(people, departures):
    """They are served, were told no end, and of these departures."""
    for person in people:
        await person.controlled("trickle", {"candidates": [candidate()]})
        assert person.endings == []
        assert person.departures == departures(person)


async def test_the_clients_of_a_front_door_that_stays_away_have_left_after_the_grace(visitors, gateway, door):
    halls, anna, bela, everybody = await occupied(visitors, gateway)
    gone, staying = of_door(gateway, everybody, 1), of_door(gateway, everybody, 0)
    assert len(gone) == 11 and len(staying) == 11
    doomed = sessions_of(gateway, gone)
    await asks(gone)
    killed_at = time.monotonic()
    await gateway.take_away(door)

    await cut_off(gone)
    newcomer = await (await visitors.participant("Newcomer", visitors.new_room(), door=0)).join()
    await anna.sees_leave(bela.session, within=NOTICED_WITHIN)
    position, _ = anna.client.events("publishers_left", anna.session)[0]
    assert anna.client.received_at[position] - killed_at > GRACE - 1
    await nothing_left_of(gateway, doomed)

    gateway.bring_back(door)
    await gateway.door_opens(1)
    returned = await (await visitors.participant("Returned", bela.room, door=1)).join()
    assert returned.publishers("initial_publishers") == [anna.session]
    await (await visitors.participant("Another", visitors.new_room(), door=1)).join()
    await untouched([*staying, newcomer], lambda person: [bela.session] if person.room == bela.room else [])


async def test_a_front_door_that_returns_has_none_of_its_former_clients(visitors, gateway, door):
    halls, anna, bela, everybody = await occupied(visitors, gateway)
    gone, staying = of_door(gateway, everybody, 1), of_door(gateway, everybody, 0)
    doomed = sessions_of(gateway, gone)
    await asks(gone)
    await gateway.take_away(door)
    await cut_off(gone)
    # As long as it may come back with them they stay.
    assert sessions_of(gateway, gone) == doomed and anna.departures == []

    back_at = time.monotonic()
    gateway.bring_back(door)
    await anna.sees_leave(bela.session, within=NOTICED_WITHIN)
    await nothing_left_of(gateway, doomed)
    position, _ = anna.client.events("publishers_left", anna.session)[0]
    assert anna.client.received_at[position] > back_at
    await gateway.door_opens(1)
    await untouched(staying, lambda person: [bela.session] if person.room == bela.room else [])


async def test_who_returns_through_the_other_front_door_takes_the_place_of_their_ghost(visitors, gateway, door):
    room = visitors.new_room()
    anna = await (await visitors.quiet_participant("Anna", room, door=0)).join()
    bela = await (await visitors.quiet_participant("Bela", room, door=1)).join()
    clara = await (await visitors.quiet_participant("Clara", room, door=1)).join()
    await eventually(lambda: len(anna.publishers("publishers_joined")) == 2, what="Anna to know both")
    await gateway.take_away(door)
    await cut_off([bela, clara])

    again = await (await visitors.quiet_participant("Bela", room, door=0)).join()
    await anna.sees_leave(bela.session)
    # Clara's grace is not over, and Bela's would not be.
    assert anna.departures == [bela.session]
    await eventually(
        lambda: bela.session not in set(again.publishers("initial_publishers")) - set(again.departures),
        what="her ghost to leave her list, if it was in it")
    await anna.sees_leave(clara.session, within=NOTICED_WITHIN)
    await eventually(lambda: again.session in anna.publishers("publishers_joined"), what="Anna to know Bela again")
    assert anna.departures == [bela.session, clara.session]
    assert anna.endings == again.endings == []
