"""A front door is killed under two rooms of ten: its clients' sessions go, and the others are told."""

from harness.checks import nothing_left_of, sessions_of
from harness.hall import Hall
from harness.offer import candidate
from harness.waiting import growing

GRACE = 5  # seconds that a silent front door has to come back


async def test_the_clients_of_a_killed_front_door_have_left_their_rooms(visitors, gateway):
    halls = await Hall.on_each_slot(visitors, gateway)
    anna = await (await visitors.media_participant("Anna", halls[0].room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", halls[0].room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    feed = await anna.watch(bela.session)
    await growing(lambda: feed.reception.video, what="video frames")

    everybody = [person for hall in halls for person in hall.people] + [anna, bela]
    gone = [person for person in everybody if person.client.url == gateway.socket_url(door=1)]
    staying = [person for person in everybody if person not in gone]
    assert len(gone) == 11 and len(staying) == 11
    doomed, kept = sessions_of(gateway, gone), sessions_of(gateway, staying)
    for person in gone:
        await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate()]}))

    await gateway.end(gateway.front_doors[1])

    for person in gone:
        await person.client.closes()
        assert person.client.close_code == 1006
    newcomer = await (await visitors.participant("Newcomer", visitors.new_room(), door=0)).join()
    for person in [anna, *(person for person in halls[0].people if person in staying)]:
        await person.sees_leave(bela.session, within=GRACE + 10)
    await nothing_left_of(gateway, doomed)
    assert kept <= {row["id"] for row in gateway.registry.sessions()}

    await gateway.door_opens(1)
    returned = await (await visitors.participant("Returned", halls[0].room, door=1)).join()
    assert returned.publishers("initial_publishers") == [anna.session]
    for person in [*staying, newcomer]:
        await person.controlled("trickle", {"candidates": [candidate()]})
        assert person.endings == []
        assert len(person.departures) == len(set(person.departures))
    assert anna.departures == [bela.session]
