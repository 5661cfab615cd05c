"""The main job: people in a room see and hear each other, and leave no trace."""

import pytest

from harness.checks import nothing_left
from harness.peer import Feed
from harness.waiting import growing, still, until_empty


@pytest.fixture(scope="module")
def gateway_settings():
    """All there is to log about a conference; at its end the logs are searched for what must not stand in them."""
    return {"General": {"log_level": "trace"}}


async def meeting(visitors):
    """Anna and Bela in one room, each through a front door of their own, knowing of each other."""
    room = visitors.new_room()
    anna = await (await visitors.media_participant("Anna", room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    return anna, bela


async def flowing(feed):
    await growing(lambda: feed.reception.video, 10, what="video frames")
    await growing(lambda: feed.reception.audio, 50, what="audio packets")


async def test_two_people_at_two_front_doors_see_and_hear_each_other(visitors):
    anna, bela = await meeting(visitors)
    annas_view = await anna.watch(bela.session)
    belas_view = await bela.watch(anna.session)
    await flowing(annas_view)
    await flowing(belas_view)


async def test_R10_E07_E08_a_join_is_acked_before_its_states_are_told_in_order(visitors):
    anna = await visitors.media_participant("Anna", visitors.new_room())
    await anna.add_account()
    before = anna.client.now
    await anna.client.acked("videoroom-join", **await anna.join_request())
    await anna.send_media()
    assert anna.client.names(after=before) == ["ack", "progress", "accepted", "initial_publishers", "established"]


async def test_E08_the_first_in_a_room_is_told_that_nobody_is_there(visitors):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    roster = await anna.client.event("initial_publishers", anna.session)
    assert roster == {
        "sylkrtc": "videoroom_event", "session": anna.session, "event": "initial_publishers", "data": {"publishers": []}}


async def test_E08_E09_who_comes_later_is_told_who_is_there_and_the_others_who_came(visitors):
    anna, bela = await meeting(visitors)
    roster = await bela.client.event("initial_publishers", bela.session)
    assert roster["data"]["publishers"] == [{"id": anna.session, "uri": anna.account, "display_name": "Anna"}]
    arrival = await anna.client.event("publishers_joined", anna.session)
    assert arrival["data"]["publishers"] == [{"id": bela.session, "uri": bela.account, "display_name": "Bela"}]


async def test_R12_R13_E11_E12_a_feed_is_offered_answered_and_established(visitors):
    anna, bela = await meeting(visitors)
    before = anna.client.now
    feed = Feed(anna, bela.session)
    await feed.attach()
    await feed.answer()
    assert anna.client.names(after=before) == ["ack", "feed_attached", "ack", "feed_established"]
    offered = await anna.client.event("feed_attached", anna.session)
    assert set(offered["data"]) == {"sdp", "subscription"} and offered["data"]["subscription"] == feed.id
    established = await anna.client.event("feed_established", anna.session)
    assert established["data"] == {"state": "established", "subscription": feed.id}


async def test_R17_a_paused_feed_brings_sound_without_picture_until_it_is_resumed(visitors):
    anna, bela = await meeting(visitors)
    feed = await anna.watch(bela.session)
    await flowing(feed)
    await feed.update(video=False)
    await still(lambda: feed.reception.video, what="video frames")
    await growing(lambda: feed.reception.audio, 25, what="audio packets")
    await feed.update(video=True)
    await flowing(feed)


async def test_R14_a_detached_feed_brings_nothing_and_the_publisher_can_be_watched_again(visitors):
    anna, bela = await meeting(visitors)
    feed = await anna.watch(bela.session)
    await flowing(feed)
    await feed.detach()
    await still(lambda: feed.reception.video + feed.reception.audio, what="frames and packets")
    await flowing(await anna.watch(bela.session))


async def test_R12_a_publisher_can_be_watched_once_by_each_and_by_nobody_himself(visitors):
    anna, bela = await meeting(visitors)
    await anna.watch(bela.session)
    again = {"session": "another-feed", "publisher": bela.session}
    assert await anna.control_refused("feed-attach", again) == (
        f"feed-attach: already attached to publisher video room session: {bela.session}")
    mirror = {"session": "another-feed", "publisher": anna.session}
    assert await anna.control_refused("feed-attach", mirror) == (
        f"feed-attach: unknown publisher video room session to attach to: {anna.session}")


async def test_R12_R13_R14_R18_a_feed_is_answered_once_and_by_its_own_base_session(visitors):
    anna, bela = await meeting(visitors)
    feed = await anna.watch(bela.session)
    answer = {"session": feed.id, "sdp": "v=0"}
    assert await anna.control_refused("feed-answer", answer) == (
        f"feed-answer: video room session {feed.id} has no pending offer")
    assert await bela.control_refused("feed-answer", answer) == f"feed-answer: unknown video room session: {feed.id}"
    assert await bela.control_refused("feed-detach", {"session": feed.id}) == (
        f"feed-detach: unknown video room session to detach: {feed.id}")
    assert await anna.control_refused("feed-detach", {"session": anna.session}) == (
        f"feed-detach: {anna.session} is not an attached feed of {anna.session}")
    assert await anna.client.refused("videoroom-terminate", session=feed.id) == f"Unknown video room session: {feed.id}"
    again = {"session": feed.id, "publisher": bela.session}
    assert await anna.control_refused("feed-attach", again) == (
        f"feed-attach: video room session ID {feed.id} already in use")


async def test_R18_E07_E10_B26_who_leaves_is_acked_and_then_told_and_the_others_hear_of_it_once(visitors, gateway):
    anna, bela = await meeting(visitors)
    feed = await anna.watch(bela.session)
    before = bela.client.now
    await bela.terminate()
    assert bela.client.names(after=before) == ["ack", "terminated"]
    assert bela.endings == [
        {"sylkrtc": "videoroom_event", "session": bela.session, "event": "state", "data": {"state": "terminated"}}]
    await anna.sees_leave(bela.session)
    assert await anna.control_refused("feed-detach", {"session": feed.id}) == (
        f"feed-detach: unknown video room session to detach: {feed.id}")
    await anna.terminate()
    await nothing_left(gateway, connected=[anna, bela])
    assert anna.departures == [bela.session]


async def test_B08_E10_who_disconnects_has_left(visitors, gateway):
    anna, bela = await meeting(visitors)
    await anna.watch(bela.session)
    await bela.watch(anna.session)
    await bela.close()
    await anna.sees_leave(bela.session)
    await anna.terminate()
    await nothing_left(gateway, connected=[anna])
    assert anna.departures == [bela.session]


async def test_B24_a_room_lives_as_long_as_somebody_is_in_it(visitors, gateway):
    room = visitors.new_room()
    anna = await (await visitors.participant("Anna", room)).join()
    bela = await (await visitors.participant("Bela", room, door=1)).join()
    first_life = {found["room"] for found in await gateway.janus.inspector.rooms()}
    assert len(first_life) == 1
    await anna.terminate()
    assert {found["room"] for found in await gateway.janus.inspector.rooms()} == first_life
    await bela.terminate()
    await until_empty(gateway.janus.inspector.rooms, 10, "the empty room")
    await (await visitors.participant("Clara", room)).join()
    second_life = {found["room"] for found in await gateway.janus.inspector.rooms()}
    assert len(second_life) == 1 and second_life != first_life


async def test_both_workers_own_rooms(visitors, gateway):
    owners = set()
    for number in range(16):
        room = visitors.new_room()
        await (await visitors.participant(f"Guest {number}", room, door=number % 2)).join()
        owners.add(gateway.registry.slot_of(room))
        if len(owners) == 2:
            break
    assert owners == {"host1/1", "host1/2"}
