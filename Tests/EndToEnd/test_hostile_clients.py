"""Rooms and sessions as clients attack them, beside people who notice nothing."""

import asyncio
import itertools
import json

import pytest

from harness.client import Client
from harness.offer import candidate, offer
from harness.participant import PASSWORD, Participant
from harness.waiting import eventually

OPTIONS = {
    "configure-room": {"active_participants": []}, "feed-attach": {"session": "theirs", "publisher": "p"},
    "feed-answer": {"session": "f", "sdp": "v=0"}, "feed-detach": {"session": "f"},
    "invite-participants": {"participants": ["b@example.org"]}, "trickle": {"candidates": [candidate()]},
    "update": {"video": False},
}


async def account(client, address="mallory@example.com"):
    await client.acked("account-add", account=address, password=PASSWORD)
    return address


# Other people's sessions.


async def test_R19_sessions_of_others_are_unknown_in_every_request_and_nothing_happens_to_them(visitors):
    room = visitors.new_room()
    anna = await (await visitors.participant("Anna", room)).join()
    # In the same room, too: knowing a name is no right to it.
    bela = await (await visitors.participant("Bela", room, door=1)).join()
    before = anna.client.now
    for stranger in (await visitors.client(), bela.client):
        texts = [await stranger.refused("videoroom-terminate", session=anna.session)]
        for kind, members in (("session-answer", {"sdp": "v=0"}), ("session-trickle", {"candidates": []}),
                              ("session-terminate", {})):
            texts.append(await stranger.refused(kind, session=anna.session, **members))
        for option, parameters in OPTIONS.items():
            name = option.replace("-", "_")
            if "session" in parameters and option != "feed-attach":
                parameters = {**parameters, "session": anna.session}
            texts.append(await stranger.refused("videoroom-ctl", session=anna.session, option=option, **{name: parameters}))
        texts.append(await stranger.refused(
            "videoroom-ctl", session=anna.session, option="trickle", trickle={"session": anna.session, "candidates": []}))
        assert all("nknown" in text and anna.session in text for text in texts), texts
    await anna.controlled("update", {"audio": True})
    assert anna.client.names(after=before) == ["ack"]
    assert anna.endings == []


async def test_D42_a_session_id_is_taken_once_for_each_connection_and_room(visitors):
    room = visitors.new_room()
    anna = await (await visitors.participant("Anna", room)).join()
    bela = await visitors.participant("Bela", room, door=1)
    await bela.add_account()
    taken = f"Session ID {anna.session} already in use"
    request = {**await bela.join_request(), "session": anna.session}
    refusals = [await bela.client.send("videoroom-join", **request) for _ in range(20)]
    assert {(await bela.client.answer(number))["error"] for number in refusals} == {taken}
    # In another room it is free; there it is Bela's.
    await bela.client.acked("videoroom-join", **{**request, "uri": visitors.new_room()})
    await bela.client.acked("videoroom-terminate", session=anna.session)
    assert anna.endings == []
    await anna.controlled("update", {"audio": True})


async def test_D42_one_id_many_times_at_once_makes_one_session(visitors):
    room = visitors.new_room()
    mallory = await visitors.participant("Mallory", room)
    await mallory.add_account()
    request = await mallory.join_request()
    sent = [await mallory.client.send("videoroom-join", **request) for _ in range(50)]
    answers = [(await mallory.client.answer(number))["sylkrtc"] for number in sent]
    assert answers == ["ack"] + ["error"] * 49


# Ghosts of rooms.


async def test_B08_two_hundred_who_join_and_close_at_once_leave_nothing(gateway, visitors):
    room = visitors.new_room()
    anna = await (await visitors.participant("Anna", room)).join()

    async def ghost(number):
        client = await Client.connect(gateway.socket_url(number % 2))
        assert await client.became_ready()
        person = Participant(client, f"Ghost {number}", room)
        await client.send("account-add", account=person.account, password=PASSWORD)
        await client.send("videoroom-join", **await person.join_request())
        if number % 3:
            await asyncio.sleep(0.01 * (number % 7))
        client._socket._response.connection.transport.abort()
        await client.close()

    for start in range(0, 200, 20):
        await asyncio.gather(*(ghost(number) for number in range(start, start + 20)))
    await eventually(lambda: [row["account"] for row in gateway.registry.sessions()] == [anna.account], 30,
                     "the ghosts to be gone")
    joined = anna.publishers("publishers_joined")
    await eventually(lambda: sorted(anna.departures) == sorted(joined), 10, "everybody who came to have left")
    await anna.controlled("update", {"audio": True})


async def test_a_storm_of_joins_and_terminates_of_one_room_ends_in_peace(gateway, visitors):
    """The room is destroyed while others are about to join it."""
    room = visitors.new_room()

    async def storm(number):
        client = await visitors.client(number % 2)
        person = Participant(client, f"Storm {number}", room)
        await client.acked("account-add", account=person.account, password=PASSWORD)
        for turn in range(8):
            person.session = f"storm-{number}-{turn}"
            answer = await client.request("videoroom-join", **await person.join_request())
            assert answer["sylkrtc"] == "ack", answer
            await client.acked("videoroom-terminate", session=person.session)
            await client.event("state", person.session, state="terminated")

    await asyncio.gather(*(storm(number) for number in range(6)))
    await eventually(lambda: not gateway.registry.slot_of(room), 10, "the room to be gone")
    anna = await (await visitors.participant("Anna", room)).join()
    assert anna.publishers("initial_publishers") == []


# Names.

NAMES = [
    "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "/", ".", "..", "con", "a/b", "a\\b", "'; drop table room; --",
    "%00", "%s%n", "${HOME}", "$(id)", "`id`", "*", "a b", "\u202egnp", "\u200b", "ﬁ", "é", "e\u0301", "😀", "\t", "\r\nx: y",
    "-rf", "x" * 200, "[General]", "a@b", "<script>", "\"", "\x7f", "a;b", "a:b", "a?b", "a#b", "&",
]


async def test_rooms_may_be_called_anything_or_are_refused_and_no_file_comes_of_it(gateway, visitors, folder):
    client = await visitors.client()
    address = await account(client)
    before = {path for path in folder.rglob("*")}
    joined = set()
    for number, name in enumerate(NAMES):
        session = f"odd-{number}"
        answer = await client.request(
            "videoroom-join", account=address, session=session, uri=f"{name}@conference.example.com", sdp=offer())
        if answer["sylkrtc"] == "error":
            assert answer["error"].startswith("invalid URI: "), (name, answer)
            continue
        joined.add(name)
        await client.event("initial_publishers", session)
        await client.acked("videoroom-terminate", session=session)
        await client.event("state", session, state="terminated")
    assert {"con", "-rf"} <= joined
    made = {path for path in folder.rglob("*")} - before
    assert not [path for path in made if "passwd" in path.name or path.parent.name == "recordings"], made


async def test_sessions_may_be_called_anything(visitors):
    room = visitors.new_room()
    anna = await (await visitors.participant("Anna", room)).join()
    client = await visitors.client(1)
    address = await account(client)
    for number, name in enumerate(name for name in NAMES if len(name.encode()) <= 128):
        await client.acked("videoroom-join", account=address, session=name, uri=room, sdp=offer())
        await client.event("initial_publishers", name)
        assert await client.refused("videoroom-join", account=address, session=name, uri=room, sdp=offer()) == (
            f"Session ID {name} already in use")
        await client.acked("videoroom-terminate", session=name)
    await anna.controlled("update", {"audio": True})


async def test_D42_session_ids_that_only_look_the_same_are_two(visitors):
    room = visitors.new_room()
    anna = await (await visitors.participant("Anna", room)).join()
    client = await visitors.client(1)
    address = await account(client)
    for name in ("\u00e9", "e\u0301"):
        await client.acked("videoroom-join", account=address, session=name, uri=room, sdp=offer())
        await client.event("initial_publishers", name)
    await anna.controlled("configure-room", {"active_participants": ["e\u0301"]})
    await eventually(lambda: anna.configurations == [(anna.session, ["e\u0301"])], 5, "the other to be prominent")
    await client.acked("videoroom-terminate", session="\u00e9")
    await client.event("state", "\u00e9", state="terminated")
    assert await client.refused("videoroom-join", account=address, session="e\u0301", uri=room, sdp=offer()) == (
        "Session ID e\u0301 already in use")
    assert await anna.control_refused("configure-room", {"active_participants": ["\u00e9"]}) == (
        "configure-room: unknown participant session id: \u00e9")


# Bounds.


async def test_B36_candidates_up_to_the_bound_are_taken_and_a_hundred_are_not(visitors):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    await anna.controlled("trickle", {"candidates": [candidate(number) for number in range(64)]})
    text = await anna.control_refused("trickle", {"candidates": [candidate(number) for number in range(100)]})
    assert text == "trickle.candidates: must have at most 64 elements"
    many = [await anna.client.send("videoroom-ctl", **anna.control("trickle", {"candidates": [candidate()] * 64}))
            for _ in range(100)]
    assert {(await anna.client.answer(number))["sylkrtc"] for number in many} == {"ack"}


BOUNDS = [
    ("account-add", {"account": "x@example.com", "password": None}, "password", 9999),
    ("account-add", {"account": "x@example.com", "password": "p", "display_name": None}, "display_name", 128),
    ("account-add", {"account": "x@example.com", "password": "p", "user_agent": None}, "user_agent", 255),
    ("account-devicetoken", {"account": "x@example.com", "new_token": None}, "new_token", 4096),
    ("account-devicetoken", {"account": "x@example.com", "old_token": None}, "old_token", 4096),
    ("videoroom-terminate", {"session": None}, "session", 128),
    ("session-terminate", {"session": None}, "session", 128),
]


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
@pytest.mark.parametrize("kind, members, field, bound", BOUNDS, ids=[f"{kind} {field}" for kind, _, field, _ in BOUNDS])
async def test_B36_a_field_may_be_as_long_as_its_bound_and_no_longer(visitors, kind, members, field, bound, letter):
    client = await visitors.client()
    width = len(letter.encode())

    async def told(length):
        text = letter * (length // width) + "x" * (length % width)
        answer = await client.request(kind, **{**members, field: text})
        if kind == "account-add" and answer["sylkrtc"] == "ack":
            await client.acked("account-remove", account=members["account"])
        return answer.get("error", "")

    too_long = f"{field}: must have at most {bound} bytes"
    assert too_long not in await told(bound)
    assert await told(bound + 1) == too_long
    assert await told(2 * bound) == too_long


async def test_R19_every_wrong_type_in_every_field_is_answered_once_with_its_name(visitors):
    client = await visitors.client()
    wrong = [None, True, 0, -1, 1.5, 10 ** 40, "", "x" * 300, [], [[]], {}, {"a": {}}, "\0", [None], ["\0"]]
    templates = [
        ("account-add", {"account": "a@b.c", "password": "p", "display_name": "d", "user_agent": "u"}),
        ("account-remove", {"account": "a@b.c"}), ("account-register", {"account": "a@b.c"}),
        ("account-unregister", {"account": "a@b.c"}),
        ("account-devicetoken", {"account": "a@b.c", "old_token": "o", "new_token": "n"}),
        ("session-create", {"account": "a@b.c", "session": "s", "uri": "b@c.d", "sdp": "v=0"}),
        ("session-answer", {"session": "s", "sdp": "v=0"}), ("session-trickle", {"session": "s", "candidates": [candidate()]}),
        ("session-terminate", {"session": "s"}),
        ("videoroom-join", {"account": "a@b.c", "session": "s", "uri": "r@c.d", "sdp": "v=0"}),
        ("videoroom-terminate", {"session": "s"}),
        *(("videoroom-ctl", {"session": "s", "option": option, option.replace("-", "_"): parameters})
          for option, parameters in OPTIONS.items()),
    ]
    sent = 0
    for kind, members in templates:
        for field, value in itertools.product(members, wrong):
            await client.send(kind, **{**members, field: value})
            sent += 1
            inner = members[field]
            for name in inner if isinstance(inner, dict) else ():
                await client.send(kind, **{**members, field: {**inner, name: value}})
                sent += 1
        for field in members:
            await client.send(kind, **{name: value for name, value in members.items() if name != field})
            sent += 1
    await client.all_answered()
    answers = [answers for answers in client.answers.values()]
    assert len(answers) == sent and all(len(answer) == 1 for answer in answers)
    assert all(len(answer[0].get("error", "").encode()) <= 512 for answer in answers)


async def test_B36_a_session_description_may_be_as_long_as_its_bound_and_no_longer(visitors):
    client = await visitors.client()
    bound = 128 * 1024
    assert await client.refused("session-answer", session="s", sdp="x" * bound) == "Unknown session specified: s"
    # Escaped, it stands in twice as many bytes and is as long as before.
    assert await client.refused("session-answer", session="s", sdp="\n" * (bound - 100)) == "Unknown session specified: s"
    text = await client.refused("session-answer", session="s", sdp="x" * (bound + 1))
    assert text == f"sdp: must have at most {bound} bytes"


@pytest.mark.parametrize("text", [
    '{"sylkrtc":"account-remove","transaction":"odd","account":' + "[" * 5000 + "]" * 5000 + "}",
    '{"sylkrtc":"account-remove","transaction":"odd","account":' + '{"a":' * 30000 + "1" + "}" * 30000 + "}",
    '{"sylkrtc":"account-remove","transaction":"odd"' + ',"account":"a@b"' * 10000 + "}",
    '{"sylkrtc":"account-remove","transaction":"odd","account":"a@b","x":1' + "0" * 200_000 + "}",
    '{"sylkrtc":"account-remove","transaction":"odd","account":"a@b","x":1e' + "9" * 100_000 + "}",
    '{"sylkrtc":"account-remove","transaction":"other","transaction":"odd","account":"a@b","account":"c@d"}',
    '{' + "".join(f'"m{number}":1,' for number in range(20_000)) + '"sylkrtc":"account-remove","transaction":"odd","account":"a@b"}',
    '{"\\u0073ylkrtc":"account-remove","transaction":"odd","account":"a\\u0040b"}',
    "\ufeff" + '{"sylkrtc":"account-remove","transaction":"odd","account":"a@b"}',
], ids=["nested arrays", "nested objects", "a member again and again", "a long number", "a huge number", "doubles", "many members",
        "escapes", "a mark of byte order"])
async def test_R19_odd_json_is_answered_once_or_not_at_all_and_the_connection_goes_on(visitors, text):
    client = await visitors.client()
    client.answers["odd"] = []
    await client.send_text(text)
    assert await client.refused("account-remove", account="z@example.com") == "Unknown account specified: z@example.com"
    assert len(client.answers["odd"]) <= 1
    assert not client.closed.is_set()


async def test_ten_thousand_requests_at_once_are_answered_once_and_in_order(visitors):
    anna = await (await visitors.participant("Anna", visitors.new_room())).join()
    client, neighbour = await visitors.client(), anna.client
    numbers = []
    for start in range(0, 10_000, 500):
        for number in range(start, start + 500):
            transaction = f"n{number}"
            client.answers[transaction] = []
            numbers.append(transaction)
        await client.send_text(json.dumps({"sylkrtc": "account-remove", "transaction": numbers[start], "account": "a@b.c"}))
        for transaction in numbers[start + 1:]:
            await client.send_text(json.dumps({"sylkrtc": "account-remove", "transaction": transaction, "account": "a@b.c"}))
        await neighbour.acked("videoroom-ctl", **anna.control("update", {"audio": True}))
    await client.all_answered(60)
    answered = [message["transaction"] for message in client.messages if message["sylkrtc"] == "error"]
    assert answered == numbers
