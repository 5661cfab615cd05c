"""Clients call telephones and are called by them, through a real registrar and Janus, with sound where it matters."""

import asyncio
import secrets
import socket

import pytest

from harness.baresip import VOICE, Baresip
from harness.checks import line_is_free
from harness.management import grown, metrics
from harness.media import TONE
from harness.offer import answer, candidate
from harness.waiting import eventually, until_empty

SLACK = 0.7  # seconds in which something that must not come would have come


@pytest.fixture(scope="module")
def gateway_settings(name_server):
    return {
        "General": {"trust_claimed_accounts": "no"},
        "Worker": {"dns_servers": f"{name_server.address}:{name_server.port}"},
    }


async def masters_and_calls(gateway):
    """The handles of registrations and calls; a registration's spare handle comes and goes with it."""
    return {handle.id for handle in await gateway.janus.inspector.session_handles()
            if not handle.purpose.startswith("spare-")}


async def handle_count(gateway):
    return len(await masters_and_calls(gateway))


async def handles_become(gateway, count):
    """Registrations keep theirs, calls that are over do not."""
    async def found():
        return await handle_count(gateway) == count

    await eventually(found, 10, f"{count} handles in Janus")


# MARK: calls that are answered

async def test_R06_R09_E06_a_client_calls_a_telephone_and_they_hear_each_other(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=True)
    before = await metrics(*gateway.workers)
    call = await alice.dial(bob.account)
    await call.connects()
    await asyncio.gather(call.hears(VOICE), bob.hears(TONE))
    caller = (await bob.told("CALL_ESTABLISHED"))["peeruri"]
    assert caller.removeprefix("sip:").startswith(alice.account), caller
    await call.terminate()
    await call.ends("200")
    await bob.told("CALL_CLOSED")
    assert call.states == ["progress", "accepted", "established", "terminated"]
    await handles_become(gateway, 1)
    ended = grown(before, await metrics(*gateway.workers), "gateway_worker_calls_ended_total")
    assert ended == {'direction="outgoing",outcome="answered"': 1}


async def test_E03_R07_E06_a_telephone_calls_a_client_and_hangs_up(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    assert len(call.session) == 32 and int(call.session, 16)
    assert call.originator["uri"].split(";")[0] == bob.account.removeprefix("sip:")
    assert isinstance(call.originator["display_name"], str)
    await call.answer()
    await bob.told("CALL_ESTABLISHED")
    await asyncio.gather(call.hears(VOICE), bob.hears(TONE))
    await bob.hang_up()
    await call.ends("200")
    assert call.states == ["accepted", "established", "terminated"]
    assert alice.missed == []
    await handles_become(gateway, 1)
    # The registration's handle is fit for the next call.
    await line_is_free(gateway)
    mark = alice.client.now
    await bob.dial(f"sip:{alice.account}")
    again = await alice.rings(after=mark)
    assert again.session != call.session
    await again.terminate()
    await again.ends("486")


async def test_R06_who_is_not_registered_may_call_and_where_there_is_no_registrar(subscribers, folder):
    loner = Baresip(folder, "loner", answers=True)
    await loner.start()
    try:
        alice = await subscribers.subscriber("alice")
        call = await alice.dial(loner.uri)
        await call.connects()
        await call.hears(VOICE)
        await loner.hang_up()
        await call.ends("200")
    finally:
        await loner.stop()


async def test_R08_candidates_are_told_later(subscribers, phones):
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=True)
    call = await alice.dial(bob.account, candidates=False)
    assert call.candidates
    for one in call.candidates:
        await alice.client.acked(
            "session-trickle", session=call.session, candidates=[{**one, "usernameFragment": "left out"}])
    await alice.client.acked("session-trickle", session=call.session, candidates=[])
    await call.connects()
    await call.hears(VOICE)


async def test_E06_R09_either_side_hangs_up(subscribers, reached, sipp, callers, gateway):
    alice = await subscribers.registered("alice")
    await reached("uas_hangup", "hanger", talk=300)
    call = await alice.dial_silently("hanger@phones.test", "to-hanger")
    assert "sdp" in await call.told("accepted")
    await call.ends("200")
    assert call.states == ["progress", "accepted", "terminated"]

    stayer = await reached("uas_answer", "stayer")
    call = await alice.dial_silently("sip:stayer@phones.test", "to-stayer")
    await call.told("accepted")
    await call.terminate()
    await call.ends("200")
    await stayer.succeeds()

    caller = sipp("uac_stay", rows=await callers(1, alice.user), name="Caller")
    await line_is_free(gateway)
    mark = alice.client.now
    await caller.start()
    call = await alice.rings(after=mark)
    await alice.answer_silently(call)
    await call.told("accepted")
    await call.terminate()
    await call.ends("200")
    await caller.succeeds()


async def test_E06_B18_D28_sound_before_the_answer_comes_with_the_answer(subscribers, reached):
    alice = await subscribers.registered("alice")
    early = await reached("uas_early", "early", early=1000)
    call = await alice.dial("early@phones.test")
    await call.told("progress")
    await asyncio.sleep(0.3)
    assert call.states == ["progress"], "no answer is told of while it only plays"
    assert (await call.told("accepted"))["sdp"].startswith("v=0")
    await call.connects()
    await call.hears(TONE)  # it sends back what it hears
    assert call.states == ["progress", "accepted", "established"]
    await call.terminate()
    await call.ends("200")
    await early.succeeds()


async def test_B08_a_closed_socket_hangs_up(subscribers, phones, gateway):
    alice, bob, clara = await subscribers.registered("alice"), await phones("bob", answers=True), await phones("clara")
    call = await alice.dial(bob.account)
    await call.connects()
    bela = await subscribers.registered("bela")
    await clara.dial(f"sip:{bela.account}")
    await bela.rings()
    await alice.client.close()
    await bela.client.close()
    await asyncio.gather(bob.told("CALL_CLOSED"), clara.told("CALL_CLOSED"))
    await handles_become(gateway, 0)


# MARK: calls that are not

@pytest.mark.parametrize("scenario, places, reason", [
    ("uas_refuse", {"status": "486 Busy Here"}, "486 "),
    ("uas_refuse", {"status": "603 Decline"}, "603 "),
    ("uas_ring_refuse", {"status": "480 Away", "ringing": 200}, "480 "),
])
async def test_E06_who_is_called_refuses(subscribers, reached, gateway, scenario, places, reason):
    alice = await subscribers.registered("alice")
    refuser = await reached(scenario, "refuser", **places)
    call = await alice.dial_silently("refuser@phones.test", "refused")
    await call.ends(reason)
    assert call.states == ["progress", "terminated"]
    assert alice.missed == []
    await refuser.succeeds()
    await handles_become(gateway, 1)


async def test_E06_nobody_has_that_address_or_is_there(subscribers, exchange):
    alice = await subscribers.registered("alice")
    await exchange.add_user("absent")
    for user, reason in (("nobody", "404"), ("absent", "480")):
        call = await alice.dial_silently(f"{user}@phones.test", user)
        await call.ends(reason)
        assert call.states == ["progress", "terminated"]


async def test_R09_E06_nobody_answers_and_the_call_is_given_up(subscribers, reached, gateway):
    alice = await subscribers.registered("alice")
    ringer = await reached("uas_ring", "ringer")
    call = await alice.dial_silently("ringer@phones.test", "given-up")
    await call.told("progress")
    await ringer.is_in_calls(1)
    await call.terminate()
    await call.ends("487")
    assert call.states == ["progress", "terminated"]
    await ringer.succeeds()
    assert alice.missed == []
    await handles_become(gateway, 1)


async def test_E06_nobody_answers_and_the_proxy_gives_up(subscribers, exchange, reached, gateway):
    alice = await subscribers.registered("alice")
    ringer, before = await reached("uas_ring", "ringer"), await exchange.dialled(alice.user)
    await exchange.ring_for(1500)
    call = await alice.dial_silently("ringer@phones.test", "unanswered")
    await ringer.is_in_calls(1)
    await call.ends("408")
    assert call.states == ["progress", "terminated"]
    await ringer.succeeds()  # it was told by CANCEL
    dialled = await exchange.dialled(alice.user)
    assert [dialled[call] for call in dialled.keys() - before.keys()] == [1]
    assert alice.missed == []
    await handles_become(gateway, 1)


async def test_E03_E04_E06_a_call_that_nobody_takes_is_missed_when_the_proxy_gives_up(
        subscribers, exchange, sipp, callers, gateway):
    alice = await subscribers.registered("alice")
    await exchange.ring_for(1500)
    caller = sipp("uac_refused", rows=await callers(1, alice.user), name="Carol", status=408)
    await caller.start()
    call = await alice.rings()
    await call.ends("487")
    await alice.client.event("missed_session")
    assert call.states == ["terminated"]
    assert alice.client.names()[-3:] == ["incoming_session", "terminated", "missed_session"]
    await caller.succeeds()
    await handles_become(gateway, 1)


async def test_E06_a_call_with_a_wrong_password_is_refused(subscribers, reached, gateway, exchange):
    alice = await subscribers.subscriber("alice")
    await alice.client.acked("account-remove", account=alice.account)
    await alice.add_account(ha1=secrets.token_hex(16))
    echo, before = await reached("uas_answer", "echo"), await exchange.dialled(alice.user)
    call = await alice.dial_silently("echo@phones.test", "forged")
    await call.told("terminated")
    assert call.states == ["progress", "terminated"]
    assert call.endings[0].split()[0] in ("407", "904"), call.endings
    assert echo.counts().created == 0 and await exchange.dialled(alice.user) == before
    await handles_become(gateway, 0)


async def test_E06_a_call_over_a_proxy_that_is_not_there_ends(subscribers, gateway):
    alice = await subscribers.subscriber("alice")
    call = await alice.dial_silently("bob@dead.phones.test", "into-the-void")
    await call.told("terminated", within=45)
    # A host that refuses at once is heard of before Janus has said that it is calling.
    assert call.states in (["progress", "terminated"], ["terminated"])
    assert call.endings[0].split()[0] in ("408", "503"), call.endings
    await handles_become(gateway, 0)


async def test_E04_E06_a_caller_who_gives_up_was_missed(subscribers, sipp, callers):
    alice = await subscribers.registered("alice")
    rows = await callers(1, alice.user)
    await sipp("uac_cancel", rows=rows, name="Carol", ringing=300).run()
    call = await alice.rings()
    await call.ends("487")
    await alice.client.event("missed_session")
    assert alice.client.names()[-3:] == ["incoming_session", "terminated", "missed_session"]
    assert alice.missed == [{"uri": f"{rows[0][0]}@phones.test", "display_name": "Carol"}] == [call.originator]


@pytest.mark.parametrize("pause", [0.0, 0.1, 0.4])
async def test_E03_E04_D29_who_gives_up_and_calls_again_is_answered(subscribers, phones, pause):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    for _ in range(2):
        mark = alice.client.now
        await bob.dial(f"sip:{alice.account}")
        await alice.rings(after=mark)
        await bob.hang_up()
        await alice.client.event("missed_session", after=mark)
        await asyncio.sleep(pause)
    mark = alice.client.now
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings(after=mark)
    await asyncio.sleep(1.2)  # in which Janus clears up the calls before
    assert call.states == []
    await call.answer()
    await call.hears(VOICE)
    assert len(alice.missed) == 2


async def test_R09_E04_a_client_declines(subscribers, sipp, callers):
    alice = await subscribers.registered("alice")
    caller = sipp("uac_refused", rows=await callers(1, alice.user), name="Caller", status=486)
    await caller.start()
    call = await alice.rings()
    await call.terminate()
    await call.ends("486")
    await caller.succeeds()
    await asyncio.sleep(SLACK)
    assert call.states == ["terminated"]
    assert alice.missed == []


async def test_E04_D32_who_answers_elsewhere_has_missed_nothing(subscribers, phones, gateway):
    desk, mobile = await subscribers.registered("alice", 0), await subscribers.registered("alice", 1)
    bob = await phones("bob")
    await bob.dial(f"sip:{desk.account}")
    here, there = await asyncio.gather(desk.rings(), mobile.rings())
    assert here.session != there.session
    await there.answer()
    await here.ends()
    await bob.told("CALL_ESTABLISHED")
    await there.hears(VOICE)
    await asyncio.sleep(SLACK)
    assert desk.missed == mobile.missed == []
    assert here.states == ["terminated"]
    await there.terminate()
    await there.ends("200")
    await bob.told("CALL_CLOSED")
    await handles_become(gateway, 2)


async def test_E04_R09_who_declines_here_still_rings_there(subscribers, phones):
    desk, mobile = await subscribers.registered("alice", 0), await subscribers.registered("alice", 1)
    bob = await phones("bob")
    await bob.dial(f"sip:{desk.account}")
    here, there = await asyncio.gather(desk.rings(), mobile.rings())
    await here.terminate()
    await here.ends("486")
    await asyncio.sleep(SLACK)
    assert there.states == []
    await bob.hang_up()
    await there.ends("487")
    await mobile.client.event("missed_session")
    assert desk.missed == []


async def test_E04_B18_a_second_caller_finds_it_busy_and_is_missed(subscribers, phones, sipp, callers):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    rows = await callers(1, alice.user)
    await sipp("uac_refused", rows=rows, name="Carol", status=486).run()
    await call.answer()
    await sipp("uac_refused", rows=rows, name="Dora", status=486).run()
    await eventually(lambda: len(alice.missed) == 2, 10, "both to be missed")
    assert [originator["display_name"] for originator in alice.missed] == ["Carol", "Dora"]
    await call.hears(VOICE)
    assert call.states == ["accepted", "established"]
    assert len(alice.client.events("incoming_session")) == 1


async def test_E04_B18_it_is_busy_while_it_calls(subscribers, phones, sipp, callers):
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=True)
    call = await alice.dial(bob.account)
    await call.connects()
    rows = await callers(1, alice.user)
    await sipp("uac_refused", rows=rows, name="Carol", status=486).run()
    await alice.client.event("missed_session")
    await call.hears(VOICE)
    assert alice.client.events("incoming_session") == []


async def test_E04_B18_D30_a_call_without_an_offer_is_declined_and_missed(subscribers, sipp, callers):
    alice = await subscribers.registered("alice")
    rows = await callers(1, alice.user)
    await sipp("uac_offer", rows=rows, name="Carol", body="", status=488).run()
    await alice.client.event("missed_session")
    assert alice.missed == [{"uri": f"{rows[0][0]}@phones.test", "display_name": "Carol"}]
    assert alice.client.events("incoming_session") == []


# MARK: what is refused

async def test_R06_R07_R08_R09_requests_that_make_no_sense_are_refused(subscribers, reached, gateway):
    alice = await subscribers.registered("alice")
    client = alice.client
    for kind, more in (("answer", {"sdp": "v=0"}), ("trickle", {}), ("terminate", {})):
        assert await client.refused(f"session-{kind}", session="nobody", **more) == (
            "Unknown session specified: nobody")
    request = alice.create_request("ringer@phones.test", "first")
    assert await client.refused("session-create", **{**request, "account": "nobody@phones.test"}) == (
        "Unknown account specified: nobody@phones.test")
    text = await client.refused("session-create", **{**request, "uri": "bob@unknown.phones.test"})
    assert text.startswith("DNS lookup error: "), text
    await handles_become(gateway, 1)
    await reached("uas_ring", "ringer")
    call = await alice.dial_silently("ringer@phones.test", "first")
    assert await client.refused("session-create", **request) == "Session ID first already in use"
    assert await client.refused("session-answer", session="first", sdp="v=0\r\n") == (
        "Cannot answer outgoing session first")
    await client.refused("session-trickle", session="first", candidates=[{"candidate": "x"}])
    await client.acked("session-trickle", session="first", candidates=[candidate(1), candidate(2)])
    await call.told("progress")
    await call.terminate()
    await call.ends("487")
    assert await client.refused("session-terminate", session="first") == "Unknown session specified: first"
    # The name is free again.
    await (await alice.dial_silently("nobody@phones.test", "first")).told("progress")


async def test_R07_D34_a_call_is_answered_once(subscribers, phones):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    first = await alice.client.send("session-answer", session=call.session, sdp=answer(call.offered, "sendrecv"))
    second = await alice.client.send("session-answer", session=call.session, sdp=answer(call.offered, "sendrecv"))
    assert (await alice.client.answer(first))["sylkrtc"] == "ack"
    refused = await alice.client.answer(second)
    assert refused["error"].startswith(f"Invalid state for answering session {call.session}: "), refused
    await call.told("accepted")


async def test_R06_an_offer_that_is_none_ends_in_a_clear_word(subscribers, gateway):
    alice = await subscribers.registered("alice")
    for number, sdp in enumerate(("no offer at all", "v=0\r\nm=audio x y z\r\n", "v=0\r\n" + "a=x\r\n" * 500)):
        session = f"broken-{number}"
        answered = await alice.client.request(
            "session-create", account=alice.account, session=session, uri="bob@phones.test", sdp=sdp)
        if answered["sylkrtc"] == "ack":
            await alice.client.event("state", session, state="terminated")
        else:
            assert answered["error"]
    await handles_become(gateway, 1)


# MARK: accounts that go

async def test_B19_R02_D23_removing_the_account_ends_its_calls(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=True)
    call = await alice.dial(bob.account)
    await call.connects()
    await alice.client.acked("account-remove", account=alice.account)
    await call.ends("reason unspecified")
    await bob.told("CALL_CLOSED")
    await handles_become(gateway, 0)


async def test_B19_R04_unregistering_leaves_the_call_and_takes_the_rest_when_it_is_over(
        subscribers, phones, exchange, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    await call.answer()
    mark = alice.client.now
    await alice.unregister()
    await call.hears(VOICE)
    assert alice.client.names(after=mark) == ["ack"]
    await bob.hang_up()
    await call.ends("200")
    await exchange.forget("alice")  # whatever is left of the registration is no place to be called at
    await handles_become(gateway, 0)


async def test_B17_every_handle_of_a_call_goes_and_that_of_the_account_stays(subscribers, phones, reached, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    before = await masters_and_calls(gateway)
    await reached("uas_refuse", "refuser", status="486 Busy Here")
    for number in range(3):
        await (await alice.dial_silently("refuser@phones.test", f"call-{number}")).ends("486")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    await alice.answer_silently(call)
    await call.told("accepted")
    await bob.hang_up()
    await call.ends("200")
    await handles_become(gateway, 1)
    assert await masters_and_calls(gateway) == before


# MARK: those who keep no rule

async def test_E03_a_name_of_four_kilobytes_rings_and_does_no_harm(subscribers, sipp, callers, phones, gateway):
    alice = await subscribers.registered("alice")
    caller = sipp("uac_cancel", rows=await callers(1, alice.user), name="x" * 4096, ringing=300)
    await caller.run()
    call = await alice.rings()
    name = call.originator["display_name"]
    assert len(name) >= 64 and set(name) == {"x"}, name
    await call.ends("487")
    await alice.client.event("missed_session")
    assert alice.missed == [call.originator]
    await still_fit(alice, phones, gateway)


@pytest.mark.parametrize("body", [
    pytest.param("v=0\n" + "m=audio 9 RTP/AVP 0\n" * 1000, id="a thousand streams"),
    pytest.param("this is no SDP\n" * 20, id="no SDP"),
    pytest.param("v=0\no=- 1 1 IN IP4 x\ns=-\nc=IN IP4 999.1.2.3\nt=0 0\nm=audio 99999 RTP/AVP 0\n", id="bad numbers"),
    pytest.param("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"
                 + "a=" + "y" * 8000 + "\n", id="a long line"),
])
async def test_B18_D31_an_offer_that_is_hostile_does_no_harm(subscribers, sipp, callers, phones, gateway, body):
    alice = await subscribers.registered("alice")
    offer = sipp("uac_offer", rows=await callers(1, alice.user), name="Mallory", body=body, status=486)
    await offer.start()

    def decided():
        return not offer.process.running or offer.counts().failed or alice.client.events("incoming_session")

    await eventually(decided, 20, "it to ring or to be refused")
    for _, message in alice.client.events("incoming_session"):
        answered = await alice.client.request("session-terminate", session=message["session"])
        assert answered["sylkrtc"] == "ack" or "Unknown session" in answered["error"], answered
        await alice.client.event("state", message["session"], state="terminated")
    await still_fit(alice, phones, gateway)


async def test_B18_what_is_no_sip_does_no_harm(subscribers, exchange, phones, reached, gateway):
    alice = await subscribers.registered("alice")
    place = (await exchange.contacts("alice"))[0]
    host, _, port = place.split("@")[1].split(";")[0].partition(":")
    head = f"Via: SIP/2.0/UDP {exchange.address}:9;branch=z9hG4bK1\r\nFrom: <sip:m@phones.test>;tag=1\r\nTo: <{place}>\r\n"
    messages = [
        b"\0" * 100, secrets.token_bytes(1400), b"INVITE\r\n\r\n", f"INVITE {place} SIP/2.0\r\n{head}\r\n".encode(),
        f"INVITE {place} SIP/2.0\r\n{head}Call-ID: 1\r\nCSeq: -1 INVITE\r\nContent-Length: -5\r\n\r\n".encode(),
        f"INVITE {place} SIP/2.0\r\n{head}Call-ID: 2\r\nCSeq: 99999999999 BYE\r\nContent-Length: 99999\r\n\r\nv=0".encode(),
        b"SIP/2.0 200 OK\r\n\r\n", b"SIP/2.0 999\r\nVia: x\r\nCSeq: 1 INVITE INVITE\r\n\r\n",
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for message in messages * 3:
            stranger.sendto(message, (host, int(port or 5060)))

    # Nor does an answer that is none: the registrar loses patience, and says so.
    await reached("uas_malformed", "mad")
    call = await alice.dial_silently("mad@phones.test", "mad")
    await call.ends("408")
    await still_fit(alice, phones, gateway)


async def still_fit(alice, phones, gateway):
    """It can be called, and nothing else rings."""
    await line_is_free(gateway)
    bob = await phones("bob")
    mark = alice.client.now
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings(after=mark)
    await alice.answer_silently(call)
    await call.told("accepted")
    await bob.hang_up()
    await call.ends("200")
    assert len(alice.client.events("incoming_session", after=mark)) == 1
    assert not alice.client.closed.is_set()


async def test_E06_everything_is_over_when_everybody_has_hung_up(subscribers, phones, reached, gateway, exchange):
    """Several at once, in every direction."""
    await reached("uas_answer", "echo")
    people = [await subscribers.registered(f"guest{number}", number % 2) for number in range(4)]
    calls = await asyncio.gather(*(
        person.dial_silently("echo@phones.test", f"call-{person.user}") for person in people))
    await asyncio.gather(*(call.told("accepted") for call in calls))
    await asyncio.gather(*(call.terminate() for call in calls))
    await asyncio.gather(*(call.ends("200") for call in calls))
    await handles_become(gateway, len(people))
    for person in people:
        await person.unregister()
    await handles_become(gateway, 0)
    await exchange.registered("guest0", count=0)
    await until_empty(lambda: [row["id"] for row in gateway.registry.sessions()], 10, "rows of sessions")
