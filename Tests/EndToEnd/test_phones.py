"""The telephones, registrar and name server of the tests work: everything here happens without the gateway."""

import asyncio

import pytest

from harness.baresip import VOICE, Baresip
from harness.kamailio import Kamailio

OTHER_VOICE = 500


async def test_two_telephones_hear_each_other(phones):
    alice, bob = await phones("alice", voice=OTHER_VOICE), await phones("bob", answers=True, transport="tcp")
    await alice.dial(bob.account)
    await alice.told("CALL_ESTABLISHED")
    await asyncio.gather(alice.hears(VOICE), bob.hears(OTHER_VOICE))
    await alice.press("5")
    assert (await bob.told("CALL_DTMF_START"))["param"] == "5"
    await bob.hang_up()
    await alice.told("CALL_CLOSED")
    assert await alice.call_count() == 0


async def test_a_call_is_answered_by_hand_refused_and_given_up(phones):
    alice, bob = await phones("alice"), await phones("bob")
    await alice.dial(bob.account)
    await bob.told("CALL_INCOMING")
    await bob.answer()
    await alice.told("CALL_ESTABLISHED")
    await alice.hang_up()
    await bob.told("CALL_CLOSED")

    await alice.dial(bob.account)
    await bob.told("CALL_INCOMING", count=2)
    await bob.hang_up()
    assert (await alice.told("CALL_CLOSED", count=2))["param"].startswith("486 ")

    await alice.dial(bob.account)
    await bob.told("CALL_INCOMING", count=3)
    await alice.hang_up()
    await bob.told("CALL_CLOSED", count=3)


async def test_everywhere_it_rings_and_one_answers(phones):
    alice = await phones("alice")
    desk, kitchen = await phones("bob"), await phones("bob")
    await alice.dial(desk.account)
    await asyncio.gather(desk.told("CALL_INCOMING"), kitchen.told("CALL_INCOMING"))
    await kitchen.answer()
    await asyncio.gather(desk.told("CALL_CLOSED"), kitchen.told("CALL_ESTABLISHED"))
    assert await desk.call_count() == 0


async def test_a_wrong_password_is_refused(folder, kamailio):
    await kamailio.add_user("mallory")
    phone = Baresip(folder, "mallory", kamailio, password="wrong")
    await phone.start(registers=False)
    try:
        await phone.told("REGISTER_FAIL")
        await kamailio.nothing_registered()
    finally:
        await phone.stop()


async def test_a_telephone_without_registrar_is_called_directly(folder, phones):
    alice = await phones("alice")
    loner = Baresip(folder, "loner", answers=True)
    await loner.start()
    try:
        await alice.dial(loner.uri)
        await loner.told("CALL_ESTABLISHED")
        await alice.hears(VOICE)
    finally:
        await loner.stop()


async def test_a_killed_registrar_has_forgotten_locations_and_a_paused_one_has_not(folder):
    kamailio = Kamailio(folder, "kamailio-of-its-own")
    await kamailio.start()
    try:
        await kamailio.add_user("alice")
        await kamailio.place("alice", "sip:alice@127.0.0.1:9")
        kamailio.pause()
        kamailio.resume()
        await kamailio.registered("alice")
        await kamailio.kill()
        await kamailio.start()
        assert await kamailio.registrations() == {}
    finally:
        await kamailio.stop()


async def test_a_registrar_answers_what_it_is_told(kamailio, sipp, callers):
    rows = await callers(1, "nobody")
    for how in ("503", "silent", "silent-when-authenticated"):
        await kamailio.answer_registrations(how)
        one = sipp("register", rows=rows, expires=60, contact="sip:x@127.0.0.1:9")
        await one.start()
        if how == "503":
            assert (await one.finished()).failed == 1
            assert "503" in one.trouble()
        await one.stop()
    await kamailio.answer_registrations("normal")
    assert (await kamailio.registrations()) == {}


async def test_many_register_and_are_called_at_once(kamailio, sipp, callers):
    rows = await callers(200, "echo")
    contact = "sip:[field0]@127.0.0.1:9"
    assert (await sipp("register", rows=rows, rate=400, expires=60, contact=contact).run()).succeeded == 200
    assert len(await kamailio.registrations()) == 200

    echo = sipp("uas_answer", user="echo")
    await echo.start()
    await kamailio.place("echo", echo.uri)
    counts = await sipp("uac_call", rows=rows[:50], rate=100, name="Many", talk=500).run()
    assert counts.succeeded == 50
    await echo.succeeds(50)

    assert (await sipp("register", rows=rows, rate=400, expires=0, contact=contact).run()).succeeded == 200


async def test_who_is_called_sends_back_what_it_hears(kamailio, phones, sipp):
    echo = sipp("uas_answer", user="echo")
    await echo.start()
    await kamailio.place("echo", echo.uri)
    alice = await phones("alice", voice=OTHER_VOICE)
    await alice.dial(f"sip:{kamailio.address_of('echo')}")
    await alice.hears(OTHER_VOICE)
    await alice.hang_up()
    await echo.succeeds()


async def test_early_media_is_heard_before_the_answer(kamailio, phones, sipp):
    early = sipp("uas_early", user="early", early=3000)
    await early.start()
    await kamailio.place("early", early.uri)
    alice = await phones("alice", voice=OTHER_VOICE)
    await alice.dial(f"sip:{kamailio.address_of('early')}")
    await alice.told("CALL_PROGRESS")
    await alice.hears(OTHER_VOICE)
    assert not alice.events_of("CALL_ESTABLISHED")
    await alice.told("CALL_ESTABLISHED")
    await alice.hang_up()
    await early.succeeds()


@pytest.mark.parametrize("scenario, places, status", [
    ("uas_refuse", {"status": "486 Busy Here"}, 486),
    ("uas_refuse", {"status": "603 Decline"}, 603),
    ("uas_ring_refuse", {"status": "480 Away", "ringing": 100}, 480),
])
async def test_who_is_called_refuses(kamailio, sipp, callers, scenario, places, status):
    refuser = sipp(scenario, user="refuser", **places)
    await refuser.start()
    await kamailio.place("refuser", refuser.uri)
    await sipp("uac_refused", rows=await callers(1, "refuser"), name="Caller", status=status).run()
    await refuser.succeeds()


async def test_who_is_called_hangs_up_or_never_answers_or_is_elsewhere(kamailio, sipp, callers):
    hanger = sipp("uas_hangup", user="hanger", talk=200)
    ringer = sipp("uas_ring", user="ringer")
    mover = sipp("uas_moved", user="mover", uri="sip:elsewhere@127.0.0.1:9")
    for one in (hanger, ringer, mover):
        await one.start()
        await kamailio.place(one.user, one.uri)
    await asyncio.gather(
        sipp("uac_stay", rows=await callers(1, "hanger"), name="Caller").run(),
        sipp("uac_cancel", rows=await callers(1, "ringer"), name="Caller", ringing=300).run(),
        sipp("uac_refused", rows=await callers(1, "mover"), name="Caller", status=302).run())
    await asyncio.gather(hanger.succeeds(), ringer.succeeds(), mover.succeeds())


async def test_callers_and_called_that_keep_no_rule(kamailio, phones, sipp, callers):
    bob = await phones("bob")
    caller = sipp("uac_cancel", rows=await callers(1, "bob"), name="x" * 4096, ringing=200)
    await caller.run()
    assert bob.events_of("CALL_INCOMING")

    mad = sipp("uas_malformed", user="mad")
    await mad.start()
    await kamailio.place("mad", mad.uri)
    await bob.dial(f"sip:{kamailio.address_of('mad')}")
    await mad.succeeds()
    await bob.hang_up()

    body = "v=0\n" + "m=audio 9 RTP/AVP 0\n" * 1000
    offer = sipp("uac_offer", rows=await callers(1, "bob"), name="Caller", body=body, status=488)
    await offer.start()
    assert (await offer.finished()).created == 1
    assert bob.process.running
