"""Who may be in a room, how many, and what a join that comes to nothing leaves: nothing."""

import pytest

from harness.waiting import until_empty

CLOSED = "closed@conference.example.com"
SMALL = "small@conference.example.com"


@pytest.fixture(scope="module")
def gateway_settings():
    return {
        CLOSED: {"access_policy": "allow,deny", "allow": "all", "deny": "example.org, mallory@example.com"},
        SMALL: {"max_publishers": 2},
    }


@pytest.mark.parametrize("account", ["mallory@example.com", "sip:mallory@EXAMPLE.com:5060", "anybody@example.org"])
async def test_R10_B21_who_is_denied_is_refused_under_the_names_used(visitors, gateway, account):
    someone = await visitors.participant("Mallory", f"sip:{CLOSED}")
    someone.account = account
    await someone.add_account()
    assert await someone.client.refused("videoroom-join", **await someone.join_request()) == (
        f"{account} is not allowed to join room sip:{CLOSED}")
    assert gateway.registry.rooms() == []


async def test_B21_who_is_not_denied_comes_in(visitors):
    await (await visitors.participant("Anna", CLOSED)).join()


async def test_R10_spellings_of_one_address_are_one_room(visitors, gateway):
    room = visitors.new_room()
    await (await visitors.participant("Anna", room)).join()
    await (await visitors.participant("Bela", f"sip:{room.replace('example', 'EXAMPLE')};transport=tcp", door=1)).join()
    assert [row["uri"] for row in gateway.registry.rooms()] == [room]
    assert len(await gateway.janus.inspector.rooms()) == 1


async def test_R10_a_full_room_takes_somebody_when_somebody_has_left(visitors):
    anna, bela, clara = [await visitors.participant(name, SMALL, door) for name, door in (("Anna", 0), ("Bela", 1), ("Clara", 0))]
    await anna.join()
    await bela.join()
    await clara.add_account()
    assert await clara.client.refused("videoroom-join", **await clara.join_request()) == f"room {SMALL} is full"
    await bela.terminate()
    await clara.client.acked("videoroom-join", **await clara.join_request())
    await clara.told("accepted")


async def test_one_account_may_be_in_a_room_twice(visitors):
    room = visitors.new_room()
    first = await (await visitors.participant("Anna", room)).join()
    second = await (await visitors.participant("Anna", room, door=1)).join()
    await second.terminate()
    assert first.endings == []


async def test_B08_B24_who_hangs_up_in_the_middle_of_a_join_leaves_nothing(visitors, gateway):
    for number in range(8):
        hasty = await visitors.participant(f"Hasty {number}", visitors.new_room(), door=number % 2)
        await hasty.add_account()
        await hasty.client.send("videoroom-join", **await hasty.join_request())
        await hasty.close()
    await until_empty(gateway.janus.inspector.session_handles, 15, "handles of joins nobody waits for")
    await until_empty(gateway.registry.rooms, 15, "rooms nobody is in")


async def test_B24_a_room_that_is_emptied_and_joined_at_once_lives_on_or_again(visitors):
    room = visitors.new_room()
    for number in range(6):
        guest = await (await visitors.participant(f"Guest {number}", room, door=number % 2)).join()
        goodbye = await guest.client.send("videoroom-terminate", session=guest.session)
        successor = await (await visitors.participant(f"Successor {number}", room, door=(number + 1) % 2)).join()
        assert (await guest.client.answer(goodbye))["sylkrtc"] == "ack"
        await guest.told("terminated")
        await successor.terminate()


async def test_B24_a_room_whose_last_member_disconnects_goes_and_the_next_is_another(visitors, gateway):
    room, lives = visitors.new_room(), []
    for name in ("Anna", "Bela"):
        guest = await (await visitors.participant(name, room)).join()
        lives += [found["room"] for found in await gateway.janus.inspector.rooms()]
        await guest.close()
        await until_empty(gateway.janus.inspector.rooms, 10, "the empty room")
    assert len(set(lives)) == 2


async def test_B24_B27_a_room_goes_with_the_media_of_its_last_member(visitors, gateway):
    anna = await (await visitors.media_participant("Anna", visitors.new_room())).join()
    await anna.hang_up()
    ending = await anna.told("terminated")
    assert ending["data"]["reason"]
    await until_empty(gateway.janus.inspector.rooms, 10, "the empty room")
    assert len(anna.endings) == 1


async def test_R10_B24_a_refused_join_leaves_the_room_of_others_alone(visitors, gateway):
    anna, bela, clara = [await visitors.participant(name, SMALL, door) for name, door in (("Anna", 0), ("Bela", 1), ("Clara", 0))]
    await anna.join()
    before = await gateway.janus.inspector.rooms()
    await bela.add_account()
    bela.session = anna.session
    assert (await bela.client.refused("videoroom-join", **await bela.join_request())).endswith("already in use")
    await clara.join()
    after = await gateway.janus.inspector.rooms()
    assert [room["room"] for room in after] == [room["room"] for room in before]
    assert anna.endings == []


async def test_B28_a_session_id_is_free_again_after_the_end(visitors):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    await anna.terminate()
    await anna.client.acked("videoroom-join", **await anna.join_request())
    assert len(await anna.client.event("initial_publishers", anna.session)) == 4


@pytest.mark.parametrize("session, text", [
    ("", "session: must not be empty"), ("videoroom", 'session: must not be "videoroom"'),
    ("x" * 129, "session: must have at most 128 bytes"),
])
async def test_B28_a_session_id_that_could_be_mistaken_is_refused(visitors, session, text):
    anna = await visitors.participant("Anna", visitors.new_room())
    await anna.add_account()
    anna.session = session
    assert await anna.client.refused("videoroom-join", **await anna.join_request()) == text
