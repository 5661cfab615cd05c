"""The active-participants mode: who is prominent in a room, and the bitrates that go with it."""

import pytest

from faults.verdict import nobody_noticed
from harness.waiting import eventually, until_empty

WHOLE = 2016000
INACTIVE = 100000


async def three(visitors):
    """Anna and Clara at one front door, Bela at the other, all in one room and seeing each other."""
    room = visitors.new_room()
    anna, bela, clara = [
        await (await visitors.quiet_participant(name, room, door)).join()
        for name, door in (("Anna", 0), ("Bela", 1), ("Clara", 0))]
    await eventually(lambda: len(anna.publishers("publishers_joined")) == 2, what="Anna to know both")
    return anna, bela, clara


async def configured(asker, *active):
    await asker.controlled("configure-room", {"active_participants": [person.session for person in active]})


async def all_told(people, count):
    for person in people:
        await eventually(lambda: len(person.configurations) >= count, what=f"{person.name} to be told of {count} changes")


async def applied(gateway, *wanted):
    """Waits until Janus applies these bitrates, given as (person, bitrate)."""
    async def others():
        applied = {person.name: (await gateway.janus.inspector.publisher(person.name)).plugin["bitrate"] for person, _ in wanted}
        return {person.name: applied[person.name] for person, bitrate in wanted if applied[person.name] != bitrate}

    await until_empty(others, 10, "bitrates other than those wanted")


async def test_R11_E13_everybody_at_both_front_doors_is_told_and_the_asker_before_the_ack(visitors, gateway):
    anna, bela, clara = people = await three(visitors)
    before = bela.client.now
    await configured(bela, clara, anna)
    assert bela.client.names(after=before) == ["configure-room", "ack"]
    assert bela.client.messages[before + 1] == {
        "sylkrtc": "videoroom_event", "session": bela.session, "event": "configure-room", "originator": bela.session,
        "active_participants": [clara.session, anna.session]}
    await all_told(people, 1)
    for person in people:
        assert person.configurations == [(bela.session, [clara.session, anna.session])]
    await nobody_noticed(gateway, people)


async def test_R11_a_change_the_same_again_and_the_end_of_it_are_told_each_once(visitors, gateway):
    anna, bela, clara = people = await three(visitors)
    await configured(anna, bela)
    await configured(anna, bela)
    await configured(bela, bela, anna)
    await configured(clara)
    await all_told(people, 4)
    for person in people:
        assert person.configurations == [
            (anna.session, [bela.session]), (anna.session, [bela.session]),
            (bela.session, [bela.session, anna.session]), (clara.session, [])]
    await nobody_noticed(gateway, people)


async def test_R11_duplicates_fall_away_and_keep_their_order(visitors):
    anna, bela, _ = await three(visitors)
    sessions = [bela.session, anna.session]
    await anna.controlled("configure-room", {"active_participants": sessions * 3})
    assert anna.configurations == [(anna.session, sessions)]


async def test_R11_more_than_two_strangers_feeds_and_those_who_left_are_refused(visitors):
    anna, bela, clara = await three(visitors)
    assert await anna.control_refused(
        "configure-room", {"active_participants": [anna.session, bela.session, clara.session]}) == (
        "configure_room.active_participants: must have at most 2 elements")
    await anna.controlled("feed-attach", {"session": "feed", "publisher": bela.session})
    unknown = "configure-room: unknown participant session id: "
    assert await anna.control_refused("configure-room", {"active_participants": ["nobody", "feed"]}) == (
        f"{unknown}nobody, feed")
    elsewhere = await (await visitors.participant("Dora", visitors.new_room())).join()
    assert await anna.control_refused("configure-room", {"active_participants": [bela.session, elsewhere.session]}) == (
        f"{unknown}{elsewhere.session}")
    await clara.terminate()
    await anna.sees_leave(clara.session)
    assert await anna.control_refused("configure-room", {"active_participants": [clara.session]}) == (
        f"{unknown}{clara.session}")
    assert anna.configurations == []


async def test_R11_only_a_joined_publisher_of_the_own_connection_may_ask(visitors):
    anna, bela, clara = await three(visitors)
    await anna.controlled("feed-attach", {"session": "feed", "publisher": bela.session})
    for session in ("nobody", "feed", bela.session):
        assert await anna.control_refused("configure-room", {"active_participants": []}, session=session) == (
            f"configure-room: unknown video room session: {session}")
    await clara.terminate()
    assert await clara.control_refused("configure-room", {"active_participants": []}) == (
        f"configure-room: unknown video room session: {clara.session}")


async def test_R11_who_is_not_heard_or_seen_can_be_prominent_and_ask(visitors):
    anna, *_ = await three(visitors)
    listener = await (await visitors.participant("Listener", anna.room, door=1)).join()
    await configured(listener, listener)
    await all_told([anna], 1)
    assert anna.configurations == [(listener.session, [listener.session])]


async def test_E13_a_newcomer_is_told_behind_the_roster_and_only_when_somebody_is_prominent(visitors):
    anna, bela, _ = await three(visitors)
    await configured(anna, bela)
    dora = await (await visitors.quiet_participant("Dora", anna.room, door=1)).join()
    assert dora.configurations == [("videoroom", [bela.session])]
    names = dora.client.names()
    assert names.index("initial_publishers") < names.index("configure-room") < names.index("established")
    await configured(anna)
    await all_told([dora], 2)
    egon = await (await visitors.quiet_participant("Egon", anna.room, door=0)).join()
    await configured(anna, anna)
    await all_told([egon], 1)
    assert egon.configurations == [(anna.session, [anna.session])]
    assert anna.configurations == [(anna.session, [bela.session]), (anna.session, []), (anna.session, [anna.session])]


async def test_E13_B23_an_active_participants_leaving_is_told_and_an_inactive_ones_is_not(visitors, gateway):
    anna, bela, clara = await three(visitors)
    await configured(anna, bela)
    await all_told([anna, clara], 1)
    await clara.terminate()
    await anna.sees_leave(clara.session)
    await bela.close()
    await all_told([anna], 2)
    assert anna.configurations == [(anna.session, [bela.session]), ("videoroom", [])]
    await anna.sees_leave(bela.session)
    assert anna.client.names().count("publishers_left") == 2
    await applied(gateway, (anna, WHOLE))


async def test_B22_B23_bitrates_follow_the_list(visitors, gateway):
    anna, bela, clara = await three(visitors)
    await applied(gateway, (anna, WHOLE // 2), (bela, WHOLE // 2), (clara, WHOLE // 2))
    await configured(anna, bela)
    await applied(gateway, (anna, INACTIVE), (bela, WHOLE), (clara, INACTIVE))
    await configured(anna, bela, clara)
    await applied(gateway, (anna, INACTIVE), (bela, WHOLE // 2), (clara, WHOLE // 2))
    dora = await (await visitors.quiet_participant("Dora", anna.room)).join()
    await applied(gateway, (anna, INACTIVE), (bela, WHOLE // 2), (clara, WHOLE // 2), (dora, INACTIVE))
    await bela.terminate()
    await applied(gateway, (anna, INACTIVE), (clara, WHOLE), (dora, INACTIVE))
    await configured(dora)
    await applied(gateway, (anna, WHOLE // 2), (clara, WHOLE // 2), (dora, WHOLE // 2))


async def test_R11_two_who_ask_at_the_same_time_are_told_in_one_order(visitors, gateway):
    anna, bela, clara = people = await three(visitors)
    asked = [(person, await person.client.send("videoroom-ctl", **person.control(
        "configure-room", {"active_participants": [person.session]}))) for _ in range(10) for person in people]
    for person, transaction in asked:
        assert (await person.client.answer(transaction))["sylkrtc"] == "ack"
    await all_told(people, 30)
    assert anna.configurations == bela.configurations == clara.configurations
    await nobody_noticed(gateway, people)


@pytest.mark.parametrize("repeats", [1, 3])
async def test_R11_E13_a_worker_killed_in_between_is_not_noticed(visitors, gateway, repeats):
    anna, bela, clara = people = await three(visitors)
    await configured(anna, bela)
    await all_told(people, 1)
    slot = gateway.registry.slot_of(anna.room)
    asked = []
    for _ in range(repeats):
        former = gateway.incarnation_of(slot)
        for person in (anna, clara, bela):
            asked.append((person, await person.client.send("videoroom-ctl", **person.control(
                "configure-room", {"active_participants": [person.session, bela.session][:2]}))))
        await gateway.end(gateway.worker_of(slot))
        await eventually(lambda: gateway.incarnation_of(slot) != former, 15, f"a new holder of {slot}")
        await gateway.serving()
    for person, transaction in asked:
        assert (await person.client.answer(transaction))["sylkrtc"] == "ack"
    await nobody_noticed(gateway, people, lists_may_be_skipped=True)
    assert anna.configurations[-1] == bela.configurations[-1] == clara.configurations[-1]


async def test_E13_B23_an_active_participant_who_leaves_while_there_is_no_worker_is_taken_off_the_list(visitors, gateway):
    anna, bela, clara = await three(visitors)
    await configured(anna, bela, clara)
    await all_told([anna, clara], 1)
    slot = gateway.registry.slot_of(anna.room)
    former = gateway.incarnation_of(slot)
    await gateway.end(gateway.worker_of(slot))
    await bela.close()
    await eventually(lambda: gateway.incarnation_of(slot) != former, 15, f"a new holder of {slot}")
    await all_told([anna, clara], 2)
    for person in (anna, clara):
        assert person.configurations == [(anna.session, [bela.session, clara.session]), ("videoroom", [clara.session])]
    await applied(gateway, (anna, INACTIVE), (clara, WHOLE))
    dora = await (await visitors.quiet_participant("Dora", anna.room, door=1)).join()
    assert dora.configurations == [("videoroom", [clara.session])]
    await nobody_noticed(gateway, [anna, clara, dora, bela])
