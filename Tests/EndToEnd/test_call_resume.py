"""A worker goes away under calls and registrations: sound goes on, nobody is called twice, and nothing is stuck.

One slot and one worker, so that there is no doubt whose call it is, and so that nobody owns it while the worker is away."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio

from faults.gaps import FACTOR, FLOOR, largest_gap
from harness.baresip import VOICE
from harness.calls import Ear
from harness.checks import line_is_free
from harness.gateway import Gateway
from harness.media import TONE, Arrivals
from harness.running import running
from harness.waiting import eventually

SLOT = "host1/1"
STRETCH = 2.0  # seconds watched before a death, and as long from it on
TICK = 0.01
SLACK = 0.7  # seconds in which something that must not come would have come


@pytest.fixture(scope="module")
def gateway_settings(name_server):
    return {
        "General": {"trust_claimed_accounts": "no"},
        "Worker": {"dns_servers": f"{name_server.address}:{name_server.port}"},
    }


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus, gateway_settings):
    async with running(Gateway(folder, janus, workers=1, slots=1, settings=gateway_settings)) as gateway:
        yield gateway


async def dies(gateway):
    """The worker is killed, and has its slot again."""
    former = gateway.incarnation_of(SLOT)
    await gateway.end(gateway.workers[0])
    await back(gateway, former)


async def back(gateway, former):
    await eventually(lambda: gateway.incarnation_of(SLOT) != former, 15, "the worker's return")
    await gateway.serving()


@asynccontextmanager
async def nobody_owns(gateway):
    """No worker for as long as this lasts, and one that has found out what happened meanwhile."""
    former = gateway.incarnation_of(SLOT)
    await gateway.take_away(gateway.workers[0])
    try:
        yield
    finally:
        gateway.bring_back(gateway.workers[0])
    await back(gateway, former)


async def told_nothing_but(client, mark, *names):
    """Since then, for a while."""
    await asyncio.sleep(SLACK)
    assert client.names(after=mark) == list(names)


@pytest_asyncio.fixture
async def stalls():
    """[(time, length)] of our own loop's pauses, which are no gaps of anybody's."""
    found = []

    async def tick():
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            if (late := time.monotonic() - before - TICK) > TICK:
                found.append((before + TICK, late))

    ticking = asyncio.create_task(tick())
    yield found
    ticking.cancel()
    with suppress(asyncio.CancelledError):
        await ticking


class Packets:
    """What arrives, and when, without a look at the sound."""

    def __init__(self, peer):
        self._arrivals = Arrivals(peer)
        self.packets = self._arrivals.packets["audio"]

    async def close(self):
        pass


# MARK: in a call

@pytest.mark.parametrize("who", ["calls", "is called"])
async def test_E06_sound_goes_on_when_a_worker_dies_in_a_call(subscribers, phones, gateway, stalls, who):
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=who == "calls")
    call = await (_dialled if who == "calls" else _taken)(alice, bob, Packets)
    packets = call.reception.packets
    await eventually(lambda: len(packets) > 20, 15, "sound")
    control = (time.monotonic(), time.monotonic() + STRETCH)
    await asyncio.sleep(STRETCH)
    mark, heard = alice.client.now, bob.heard()
    began = time.monotonic()
    await dies(gateway)
    await asyncio.sleep(max(0.0, began + STRETCH - time.monotonic()))
    before, after = (largest_gap(packets, window, stalls) for window in (control, (began, began + STRETCH)))
    assert after <= max(FLOOR["audio"], FACTOR * before), f"{1000 * after:.0f} ms, before {1000 * before:.0f} ms"
    assert bob.heard() > heard + STRETCH / 2
    await told_nothing_but(alice.client, mark)
    await bob.hears(TONE)

    await call.terminate()
    await call.ends("200")
    await bob.told("CALL_CLOSED")


async def _dialled(alice, bob, reception=Ear):
    call = await alice.dial(bob.account, reception=reception)
    return await call.connects()


async def _taken(alice, bob, reception=Ear):
    mark = alice.client.now
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings(after=mark, reception=reception)
    return await call.answer()


@pytest.mark.parametrize("how", [_dialled, _taken], ids=["outgoing", "incoming"])
async def test_E06_who_hangs_up_while_nobody_owns_the_call_ends_it(subscribers, phones, gateway, how):
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=how is _dialled)
    call = await how(alice, bob)
    mark = alice.client.now
    async with nobody_owns(gateway):
        await bob.hang_up()
        await bob.told("CALL_CLOSED")
    await call.ends()
    await told_nothing_but(alice.client, mark, "terminated")
    assert alice.missed == []
    await line_is_free(gateway)
    again = await how(alice, bob)
    await again.hears(VOICE)


async def test_R09_E06_a_client_hangs_up_while_nobody_owns_the_call(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=True)
    call = await _dialled(alice, bob)
    async with nobody_owns(gateway):
        asked = await alice.client.send("session-terminate", session=call.session)
        await asyncio.sleep(0.2)
    assert (await alice.client.answer(asked))["sylkrtc"] == "ack"
    await call.ends()
    await bob.told("CALL_CLOSED")


# MARK: on the way out

@pytest.mark.parametrize("delay", [0, 0.003, 0.01, 0.03, 0.1])
async def test_R06_nobody_is_called_twice_when_a_worker_dies_in_the_request(subscribers, reached, gateway, delay):
    alice = await subscribers.registered("alice")
    callee = await reached("uas_answer", "echo")
    asked = await alice.client.send("session-create", **alice.create_request("echo@phones.test", "once"))
    await asyncio.sleep(delay)
    await dies(gateway)
    answered = await alice.client.answer(asked)
    if answered["sylkrtc"] == "ack":
        # Accepted, or given up with a reason: either is told, and then no more.
        await eventually(lambda: {"accepted", "terminated"} & {*_states(alice, "once")}, 20, "what became of the call")
        if "terminated" not in _states(alice, "once"):
            await alice.client.acked("session-terminate", session="once")
            await alice.client.event("state", "once", state="terminated")
        assert _states(alice, "once").count("terminated") == 1
    assert callee.counts().created <= 1, callee.counts()
    await eventually(lambda: callee.counts().current == 0, 35, "the telephone to be free")
    assert await alice.client.refused("session-terminate", session="once") == "Unknown session specified: once"


def _states(subscriber, session):
    return [message["data"]["state"] for _, message in subscriber.client.events("state", session)]


async def test_R06_E06_a_telephone_that_rings_is_answered_after_a_worker_has_died(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    call = await alice.dial(bob.account)
    await bob.told("CALL_INCOMING")
    await call.told("progress")
    await dies(gateway)
    await bob.answer()
    await call.connects()
    await asyncio.gather(call.hears(VOICE), bob.hears(TONE))
    assert call.states == ["progress", "accepted", "established"]
    assert len(bob.events_of("CALL_INCOMING")) == 1


async def test_R06_E06_a_telephone_that_answers_while_nobody_owns_the_call_is_heard(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    call = await alice.dial(bob.account)
    await bob.told("CALL_INCOMING")
    await call.told("progress")
    async with nobody_owns(gateway):
        await bob.answer()
        await bob.told("CALL_ESTABLISHED")
    await call.connects()
    await call.hears(VOICE)
    assert call.states == ["progress", "accepted", "established"]
    assert len(bob.events_of("CALL_INCOMING")) == 1


async def test_R06_E06_D28_sound_before_the_answer_survives_a_death(subscribers, reached, gateway):
    alice = await subscribers.registered("alice")
    early = await reached("uas_early", "early", early=4000)
    call = await alice.dial("early@phones.test")
    await call.told("progress")
    await dies(gateway)
    await call.connects()
    assert call.states == ["progress", "accepted", "established"]
    # A successor cannot tell sound before the answer from the answer: by now there is one.
    await asyncio.sleep(5)
    await call.terminate()
    await call.ends("200")
    assert early.counts().created == 1
    await early.succeeds()


@pytest.mark.parametrize("status", ["486 Busy Here", "603 Decline"])
async def test_E06_a_refusal_while_nobody_owns_the_call_is_told(subscribers, reached, gateway, status):
    alice = await subscribers.registered("alice")
    refuser = await reached("uas_ring_refuse", "refuser", ringing=1000, status=status)
    call = await alice.dial_silently("refuser@phones.test", "refused")
    await call.told("progress")
    async with nobody_owns(gateway):
        await refuser.succeeds()
    await call.ends()
    assert call.states == ["progress", "terminated"]
    assert refuser.counts().created == 1


async def test_R09_E06_a_call_that_rings_is_given_up_after_a_worker_has_died(subscribers, reached, gateway):
    alice = await subscribers.registered("alice")
    ringer = await reached("uas_ring", "ringer")
    call = await alice.dial_silently("ringer@phones.test", "given-up")
    await call.told("progress")
    await ringer.is_in_calls(1)
    await dies(gateway)
    await call.terminate()
    await call.ends("487")
    await ringer.succeeds()
    assert ringer.counts().created == 1


# MARK: on the way in

async def test_E03_R07_a_call_that_rings_is_answered_after_a_worker_has_died(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    mark = alice.client.now
    await dies(gateway)
    await told_nothing_but(alice.client, mark)
    await call.answer()
    await asyncio.gather(call.hears(VOICE), bob.hears(TONE))
    assert call.states == ["accepted", "established"]


async def test_R07_an_answer_in_flight_arrives_when_a_worker_dies(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    asked = await alice.client.send("session-answer", **await call.answer_request())
    await dies(gateway)
    assert (await alice.client.answer(asked))["sylkrtc"] == "ack"
    await bob.told("CALL_ESTABLISHED")
    await call.told("established")
    await call.hears(VOICE)
    assert call.states == ["accepted", "established"]


async def test_E04_E06_a_caller_who_gives_up_while_nobody_owns_the_call_was_missed(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    mark = alice.client.now
    async with nobody_owns(gateway):
        await bob.hang_up()
        await bob.told("CALL_CLOSED")
    await call.ends()
    await alice.client.event("missed_session")
    await told_nothing_but(alice.client, mark, "terminated", "missed_session")
    assert alice.missed == [call.originator]


async def test_E03_a_call_that_comes_while_nobody_owns_the_registration_rings(subscribers, phones, gateway):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    async with nobody_owns(gateway):
        await bob.dial(f"sip:{alice.account}")
        await bob.told("CALL_RINGING")
    call = await alice.rings()
    await call.answer()
    await asyncio.gather(call.hears(VOICE), bob.hears(TONE))
    assert len(alice.client.events("incoming_session")) == 1


async def _calls_in_vain(caller, callee):
    ringing, closed = (len(caller.events_of(kind)) for kind in ("CALL_RINGING", "CALL_CLOSED"))
    await caller.dial(f"sip:{callee.account}")
    await caller.told("CALL_RINGING", count=ringing + 1)
    await caller.hang_up()
    await caller.told("CALL_CLOSED", count=closed + 1)


def _missed(caller):
    return {"uri": caller.account.removeprefix("sip:"), "display_name": ""}


async def test_E04_a_call_that_comes_and_goes_while_nobody_owns_the_registration_is_missed_once(
        subscribers, phones, gateway):
    alice, bob, clara = await subscribers.registered("alice"), await phones("bob"), await phones("clara")
    mark = alice.client.now
    async with nobody_owns(gateway):
        await _calls_in_vain(bob, alice)
    await alice.client.event("missed_session", after=mark)
    await told_nothing_but(alice.client, mark, "missed_session")
    assert alice.missed == [_missed(bob)]
    await line_is_free(gateway)

    # Neither the next worker nor the one after it tells that again, but of somebody else.
    mark = alice.client.now
    await dies(gateway)
    await told_nothing_but(alice.client, mark)
    async with nobody_owns(gateway):
        await _calls_in_vain(clara, alice)
    await alice.client.event("missed_session", after=mark)
    await told_nothing_but(alice.client, mark, "missed_session")
    assert alice.missed == [_missed(bob), _missed(clara)]
    call = await _taken(alice, bob)
    await call.hears(VOICE)


async def test_E04_a_call_beside_another_that_nobody_saw_is_missed_once(subscribers, phones, gateway):
    alice, bob, clara = await subscribers.registered("alice"), await phones("bob"), await phones("clara")
    call = await _taken(alice, bob)
    mark = alice.client.now
    async with nobody_owns(gateway):
        await _calls_in_vain(clara, alice)
    await alice.client.event("missed_session", after=mark)
    await told_nothing_but(alice.client, mark, "missed_session")
    assert alice.missed == [_missed(clara)]
    await call.hears(VOICE)
    await call.terminate()
    await call.ends("200")
    mark = alice.client.now
    await dies(gateway)
    await told_nothing_but(alice.client, mark)


@pytest.mark.parametrize("end", ["answered", "missed", "declined"])
async def test_E04_a_call_that_was_told_before_the_death_is_not_missed_after_it(subscribers, phones, gateway, end):
    alice, bob = await subscribers.registered("alice"), await phones("bob")
    await bob.dial(f"sip:{alice.account}")
    call = await alice.rings()
    if end == "answered":
        await call.answer()
        await bob.hang_up()
    elif end == "missed":
        await bob.hang_up()
    else:
        await call.terminate()
    await call.ends()
    await bob.told("CALL_CLOSED")
    await asyncio.sleep(SLACK)
    mark, missed = alice.client.now, len(alice.missed)
    assert missed == (end == "missed")
    await dies(gateway)
    await told_nothing_but(alice.client, mark)
    # Whom alice has declined Janus does not remember: his next call is news.
    async with nobody_owns(gateway):
        await _calls_in_vain(bob, alice)
    await asyncio.sleep(SLACK)
    assert len(alice.missed) == missed + (end == "declined")


# MARK: registrations

async def test_R03_E02_a_registration_survives_and_a_request_in_flight_is_answered(
        subscribers, phones, exchange, gateway):
    alice, bela = await subscribers.registered("alice"), await subscribers.subscriber("bela", door=1)
    before, mark = await exchange.contacts("alice"), alice.client.now
    asked = await bela.client.send("account-register", account=bela.account)
    await dies(gateway)
    assert (await bela.client.answer(asked))["sylkrtc"] == "ack"
    await bela.is_told("registered")
    await exchange.registered("bela")
    await told_nothing_but(alice.client, mark)
    assert bela.registrations() == ["registering", "registered"]
    assert await exchange.contacts("alice") == before
    call = await _taken(alice, await phones("bob"))
    await call.hears(VOICE)
    await call.terminate()
    await call.ends("200")
    # While a call is up, its registration's handle stays.
    await alice.unregister()
    await exchange.registered("alice", count=0)


async def test_R04_unregistering_in_flight_is_done_when_a_worker_dies(subscribers, exchange, gateway):
    alice = await subscribers.registered("alice")
    asked = await alice.client.send("account-unregister", account=alice.account)
    await dies(gateway)
    assert (await alice.client.answer(asked))["sylkrtc"] == "ack"
    await exchange.nothing_registered()
    assert alice.registrations() == ["registering", "registered"]


async def test_R04_B08_a_socket_that_closes_while_nobody_owns_the_registration_ends_it(
        subscribers, phones, exchange, gateway):
    alice, bela, bob = await subscribers.registered("alice"), await subscribers.registered("bela"), await phones(
        "bob", answers=True)
    await _dialled(bela, bob)
    async with nobody_owns(gateway):
        await alice.client.close()
        await bela.client.close()
    await exchange.registered("alice", count=0, within=20)
    await exchange.registered("bela", count=0, within=20)
    await bob.told("CALL_CLOSED", within=20)


async def test_E02_E06_janus_is_restarted_and_registrations_are_renewed(subscribers, phones, exchange, gateway, janus):
    people = [await subscribers.registered(f"guest{number}", number % 2) for number in range(5)]
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=True)
    call = await _dialled(alice, bob)
    marks = [person.client.now for person in people]
    await janus.kill()
    for person in [*people, alice]:
        await exchange.forget(person.user)  # phones that are no more
    await janus.restart()
    await call.ends("500 Janus lost")
    for person, mark in zip(people, marks):
        await person.is_told("registered", after=mark, within=30)
        assert person.registrations(after=mark) == ["registering", "registered"]
        await exchange.registered(person.user)
        assert not person.client.closed.is_set()
    await exchange.registered("alice")
    await bob.hang_up()
    await (await _taken(alice, await phones("clara"))).hears(VOICE)
