"""Every request is validated, then checked, then answered with the texts of docs/protocol.md."""

import asyncio
import json

import pytest

from harness.offer import candidate, offer
from harness.participant import PASSWORD

ANNA = "anna@example.com"
ROOM = "validation@conference.example.com"


@pytest.fixture(scope="module")
def gateway_settings():
    return {"General": {"sip_domains": "example.com, example.org"}}


async def add(client, account=ANNA, **more):
    return await client.request("account-add", account=account, password=PASSWORD, **more)


# R01, R02: accounts.


async def test_R01_R02_an_account_is_added_once_and_removed_once(visitors):
    client = await visitors.client()
    assert (await add(client, display_name="Anna", user_agent="Tests"))["sylkrtc"] == "ack"
    assert (await add(client))["error"] == f"Account {ANNA} already added"
    await client.acked("account-remove", account=ANNA)
    assert await client.refused("account-remove", account=ANNA) == f"Unknown account specified: {ANNA}"
    assert (await add(client))["sylkrtc"] == "ack"


async def test_R01_spellings_of_one_address_are_one_account_named_as_the_client_did(visitors):
    client = await visitors.client()
    await add(client, "sip:Anna@Example.COM:5060")
    for spelling in ("Anna@example.com", "sips:Anna@example.com.", "%41nna@example.com;transport=tcp"):
        assert (await add(client, spelling))["error"] == f"Account {spelling} already added"
    assert (await add(client, "anna@example.com"))["sylkrtc"] == "ack", "the user part is case-sensitive"
    await client.acked("account-remove", account="Anna@EXAMPLE.com")


async def test_R01_an_account_of_another_domain_is_refused(visitors):
    client = await visitors.client()
    assert (await add(client, "anna@Example.NET"))["error"] == "SIP domain not allowed: example.net"
    assert (await add(client, "anna@example.org"))["sylkrtc"] == "ack"


async def test_R01_two_connections_may_hold_the_same_account(visitors):
    first, second = await visitors.client(0), await visitors.client(1)
    assert (await add(first))["sylkrtc"] == "ack"
    assert (await add(second))["sylkrtc"] == "ack"


async def test_R01_B36_the_seventeenth_account_is_refused(visitors):
    client = await visitors.client()
    for number in range(16):
        assert (await add(client, f"user{number}@example.com"))["sylkrtc"] == "ack"
    assert (await add(client, "user16@example.com"))["error"] == "too many accounts"


@pytest.mark.parametrize("password, text", [
    (None, "password: required"), (7, "password: must be a string"), ("", "password: must not be empty"),
    ("s3cret" * 2000, "password: must have at most 9999 bytes"), ("s3cret\0", "password: must not contain a null character"),
])
async def test_R01_a_wrong_password_field_is_named_without_its_value(visitors, password, text):
    client = await visitors.client()
    assert await client.refused("account-add", account=ANNA, password=password) == text


# R19, the envelope and validation.


async def test_B02_an_unknown_or_missing_type_is_named(visitors):
    client = await visitors.client()
    assert await client.refused("make-coffee") == "unknown request type: make-coffee"
    assert await client.refused(None) == "missing request type"
    client.answers["untyped"] = []
    await client.send_text('{"transaction":"untyped"}')
    assert (await client.answer("untyped"))["error"] == "missing request type"


OPTIONS = ["configure-room", "feed-answer", "feed-attach", "feed-detach", "invite-participants", "trickle", "update"]


@pytest.mark.parametrize("option", OPTIONS)
async def test_R19_an_option_without_its_object_is_refused(visitors, option):
    client = await visitors.client()
    name = option.replace("-", "_")
    text = f"missing '{name}' field in request"
    assert await client.refused("videoroom-ctl", session="s", option=option) == text
    assert await client.refused("videoroom-ctl", session="s", option=option, **{name: None}) == text


async def test_R19_an_unknown_option_is_told_the_known_ones(visitors):
    client = await visitors.client()
    known = ", ".join(f"'{option}'" for option in OPTIONS)
    assert await client.refused("videoroom-ctl", session="s", option="dance") == f"field value should be one of: {known}"


LONG = "x" * 129
MANY = [f"p{number}@example.com" for number in range(101)]

INVALID = [
    ("account-add", {"password": "p"}, "account: required"),
    ("account-add", {"account": "nonsense", "password": "p"}, "invalid URI: nonsense"),
    ("account-add", {"account": ANNA, "password": "p", "display_name": "é" * 65}, "display_name: must have at most 128 bytes"),
    ("account-add", {"account": ANNA, "password": "p", "user_agent": 1}, "user_agent: must be a string"),
    ("account-remove", {"account": 7}, "account: must be a string"),
    ("account-register", {}, "account: required"),
    ("account-register", {"account": "example.com"}, "invalid URI: example.com"),
    ("account-unregister", {"account": "@example.com"}, "invalid URI: @example.com"),
    ("account-devicetoken", {"account": ANNA, "old_token": 1}, "old_token: must be a string"),
    ("account-devicetoken", {"account": ANNA, "new_token": "t" * 4097}, "new_token: must have at most 4096 bytes"),
    ("session-create", {"account": ANNA, "session": "", "uri": "b@example.org", "sdp": "v=0"}, "session: must not be empty"),
    ("session-create", {"account": ANNA, "session": "videoroom", "uri": "b@example.org", "sdp": "v=0"},
     'session: must not be "videoroom"'),
    ("session-create", {"account": ANNA, "session": "c", "uri": "sip:", "sdp": "v=0"}, "invalid URI: sip:"),
    ("session-create", {"account": ANNA, "session": "c", "uri": "b@example.org"}, "sdp: required"),
    ("session-answer", {"session": "c", "sdp": ["v=0"]}, "sdp: must be a string"),
    ("session-answer", {"session": "c", "sdp": "x" * (128 * 1024 + 1)}, "sdp: must have at most 131072 bytes"),
    ("session-trickle", {"session": LONG}, "session: must have at most 128 bytes"),
    ("session-trickle", {"session": "c", "candidates": {}}, "candidates: must be an array of candidates"),
    ("session-trickle", {"session": "c", "candidates": [candidate(), {**candidate(), "sdpMid": None}]},
     "candidates[1].sdpMid: required"),
    ("session-trickle", {"session": "c", "candidates": [{**candidate(), "sdpMLineIndex": True}]},
     "candidates[0].sdpMLineIndex: must be an integer"),
    ("session-trickle", {"session": "c", "candidates": [{**candidate(), "sdpMLineIndex": -1}]},
     "candidates[0].sdpMLineIndex: must be at least 0"),
    ("session-trickle", {"session": "c", "candidates": [candidate()] * 65}, "candidates: must have at most 64 elements"),
    ("session-terminate", {}, "session: required"),
    ("videoroom-join", {"account": ANNA, "session": LONG, "uri": ROOM, "sdp": "v=0"}, "session: must have at most 128 bytes"),
    ("videoroom-join", {"account": ANNA, "session": "videoroom", "uri": ROOM, "sdp": "v=0"}, 'session: must not be "videoroom"'),
    ("videoroom-join", {"account": ANNA, "session": "s", "uri": "room", "sdp": "v=0"}, "invalid URI: room"),
    ("videoroom-terminate", {"session": None}, "session: required"),
    ("videoroom-ctl", {"session": "s"}, "option: required"),
    ("videoroom-ctl", {"option": "update", "update": {}}, "session: required"),
    ("videoroom-ctl", {"session": "s", "option": "configure-room", "configure_room": {"active_participants": ["a", "b", "c"]}},
     "configure_room.active_participants: must have at most 2 elements"),
    ("videoroom-ctl", {"session": "s", "option": "configure-room", "configure_room": {"active_participants": None}},
     "configure_room.active_participants: must be an array of strings"),
    ("videoroom-ctl", {"session": "s", "option": "invite-participants", "invite_participants": {"participants": MANY}},
     "invite_participants.participants: must have at most 100 elements"),
    ("videoroom-ctl", {"session": "s", "option": "invite-participants", "invite_participants": {"participants": ["b"]}},
     "invalid URI: b"),
    ("videoroom-ctl", {"session": "s", "option": "feed-attach", "feed_attach": {"publisher": "p"}}, "feed_attach.session: required"),
    ("videoroom-ctl", {"session": "s", "option": "feed-answer", "feed_answer": {"session": "f", "sdp": 1}},
     "feed_answer.sdp: must be a string"),
    ("videoroom-ctl", {"session": "s", "option": "feed-detach", "feed_detach": []}, "feed_detach: must be an object"),
    ("videoroom-ctl", {"session": "s", "option": "trickle", "trickle": {"candidates": [{"candidate": "c", "sdpMid": "0"}]}},
     "trickle.candidates[0].sdpMLineIndex: required"),
    ("videoroom-ctl", {"session": "s", "option": "update", "update": {"bitrate": 63999}}, "update.bitrate: must be at least 64000"),
    ("videoroom-ctl", {"session": "s", "option": "update", "update": {"bitrate": 1.5}}, "update.bitrate: must be an integer"),
    ("videoroom-ctl", {"session": "s", "option": "update", "update": {"video": "no"}}, "update.video: must be a boolean"),
]


@pytest.mark.parametrize("kind, members, text", INVALID, ids=[f"{kind}: {text}"[:70] for kind, _, text in INVALID])
async def test_an_invalid_field_is_named_with_what_is_wrong(visitors, kind, members, text):
    client = await visitors.client()
    assert await client.refused(kind, **members) == text


async def test_B36_a_transaction_that_is_too_long_is_refused(visitors):
    client = await visitors.client()
    client.answers[LONG] = []
    await client.send_text(json.dumps({"sylkrtc": "account-remove", "transaction": LONG, "account": ANNA}))
    assert (await client.answer(LONG))["error"] == "transaction: must have at most 128 bytes"


# Preconditions: sessions and accounts that do not exist.


@pytest.mark.parametrize("kind, members", [
    ("account-remove", {}), ("account-register", {}), ("account-unregister", {}), ("account-devicetoken", {"new_token": "t"}),
    ("session-create", {"session": "c", "uri": "b@example.org", "sdp": "v=0"}),
    ("videoroom-join", {"session": "s", "uri": ROOM, "sdp": "v=0"}),
])
async def test_R02_R10_an_unknown_account_is_named(visitors, kind, members):
    client = await visitors.client()
    assert await client.refused(kind, account="Who@Example.com", **members) == "Unknown account specified: Who@Example.com"


@pytest.mark.parametrize("kind, members, text", [
    ("session-answer", {"sdp": "v=0"}, "Unknown session specified: x"),
    ("session-trickle", {"candidates": [candidate()]}, "Unknown session specified: x"),
    ("session-terminate", {}, "Unknown session specified: x"),
    ("videoroom-terminate", {}, "Unknown video room session: x"),
])
async def test_R18_an_unknown_session_is_named(visitors, kind, members, text):
    client = await visitors.client()
    assert await client.refused(kind, session="x", **members) == text


@pytest.mark.parametrize("option, parameters, text", [
    ("configure-room", {"active_participants": ["a"]}, "configure-room: unknown video room session: x"),
    ("feed-attach", {"session": "f", "publisher": "p"}, "feed-attach: unknown video room session: x"),
    ("feed-answer", {"session": "f", "sdp": "v=0"}, "feed-answer: unknown video room session: f"),
    ("feed-detach", {"session": "f"}, "feed-detach: unknown video room session to detach: f"),
    ("invite-participants", {"participants": ["b@example.org"]}, "invite-participants: unknown video room session: x"),
    ("trickle", {"candidates": [candidate()]}, "trickle: unknown video room session: x"),
    ("trickle", {"session": "f", "candidates": []}, "trickle: unknown video room session: f"),
    ("update", {"video": False}, "update: unknown video room session: x"),
])
async def test_R11_R12_R13_R14_R15_R16_R17_an_option_for_an_unknown_session_names_it(visitors, option, parameters, text):
    client = await visitors.client()
    name = option.replace("-", "_")
    assert await client.refused("videoroom-ctl", session="x", option=option, **{name: parameters}) == text


async def test_R17_R18_a_session_of_another_connection_is_unknown(visitors):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    stranger = await visitors.client(1)
    assert await stranger.refused("videoroom-terminate", session=anna.session) == (
        f"Unknown video room session: {anna.session}")
    assert await stranger.refused("videoroom-ctl", session=anna.session, option="update", update={}) == (
        f"update: unknown video room session: {anna.session}")
    assert anna.endings == []


# Rooms: refusals that need somebody inside.


async def test_R10_B28_a_session_id_in_use_is_refused_on_the_connection_and_in_the_room(visitors):
    room = visitors.new_room()
    anna = await (await visitors.participant("Anna", room)).join()
    text = f"Session ID {anna.session} already in use"
    request = {"account": anna.account, "session": anna.session, "uri": room, "sdp": offer()}
    assert await anna.client.refused("videoroom-join", **{**request, "uri": visitors.new_room()}) == text
    bela = await visitors.participant("Bela", room, door=1)
    await bela.add_account()
    assert await bela.client.refused("videoroom-join", **{**request, "account": bela.account}) == text


async def test_R10_B24_an_sdp_that_janus_does_not_take_leaves_nothing_behind(visitors):
    anna = await visitors.participant("Anna", visitors.new_room())
    await anna.add_account()
    request = {**await anna.join_request(), "sdp": "this is no SDP"}
    answer = await anna.client.request("videoroom-join", **request)
    assert answer["sylkrtc"] == "error" and answer["error"]
    assert await anna.client.refused("videoroom-terminate", session=anna.session) == (
        f"Unknown video room session: {anna.session}")


async def test_R16_R17_requests_about_a_session_are_acked_without_events(visitors):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    before = anna.client.now
    await anna.controlled("trickle", {"candidates": [candidate(), candidate(2)]})
    await anna.controlled("trickle", {"session": "", "candidates": [{**candidate(), "usernameFragment": "extra"}]})
    await anna.controlled("trickle", {"candidates": None})
    await anna.controlled("update", {"audio": True, "video": True, "bitrate": 128000})
    await anna.controlled("update", {})
    assert anna.client.names(after=before) == ["ack"] * 5


async def test_R02_B19_a_removed_account_ends_its_rooms_after_the_ack(visitors):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    before = anna.client.now
    await anna.client.acked("account-remove", account=anna.account)
    await anna.told("terminated")
    assert anna.client.names(after=before) == ["ack", "terminated"]
    assert anna.endings[0]["data"] == {"state": "terminated"}


# Many at once.


async def test_B36_two_hundred_requests_at_once_are_answered_once_each(visitors):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    client, expected = anna.client, {}
    for number in range(50):
        unknown = f"nobody{number}@example.com"
        expected[await client.send("account-remove", account=unknown)] = f"Unknown account specified: {unknown}"
        expected[await client.send("account-add", account="x", password="p")] = "invalid URI: x"
        expected[await client.send("videoroom-ctl", **anna.control("trickle", {"candidates": [candidate(number)]}))] = None
        expected[await client.send("videoroom-ctl", **anna.control("update", {"bitrate": 64000 + number}))] = None
    await client.all_answered()
    assert {transaction: client.answers[transaction][0].get("error") for transaction in expected} == expected


async def test_connections_do_not_wait_for_each_other(visitors):
    room = visitors.new_room()
    guests = [await visitors.participant(f"Guest {number}", room, door=number % 2) for number in range(8)]
    await asyncio.gather(*(guest.join() for guest in guests))
    await asyncio.gather(*(guest.terminate() for guest in guests))
