"""A worker is killed before or after each step of registrations and calls: nobody is dialled twice, no telephone is left
ringing or in a call, every request is answered once, and who is in a call is heard.

One slot, one worker and telephones for the whole file, and two calls of neighbours that are up all the time."""

import asyncio
import itertools

import pytest
import pytest_asyncio

from harness.baresip import VOICE, Baresip
from harness.checks import calls_are_over, nothing_left
from harness.fault_points import both_sides, known_points
from harness.gateway import Gateway
from harness.media import TONE
from harness.peer import bear_with_aiortc
from harness.running import running
from harness.subscribers import Subscribers
from harness.waiting import eventually

STEPS = {
    "register": "registration.record registration.attach registration.send",
    "register again": "registration.send",
    "unregister": "registration.detach registration.mark",
    "close the socket": "registration.detach",
    "create": "call.record call.register call.sent call.send",
    "give up": "call.hangup call.detach call.mark",
    "give up early media": "call.hangup",
    "be refused": "call.detach call.mark",
    "hang up": "call.hangup call.detach call.mark",
    "be hung up on": "call.detach call.mark",
    "ring": "call.record",
    "answer": "call.accept",
    "decline": "call.decline call.mark",
    "miss": "call.mark",
    "hang up on the caller": "call.hangup call.mark",
    "be hung up on by the caller": "call.mark",
}
POINTS = [(what, point) for what, steps in STEPS.items() for point in both_sides(steps)]
VOICES = 900  # seconds: longer than all of this takes

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def gateway_settings(name_server):
    return {
        "General": {"trust_claimed_accounts": "no"},
        "Worker": {"dns_servers": f"{name_server.address}:{name_server.port}"},
    }


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus, gateway_settings, points):
    """One slot, so that there is no doubt who meets the point, and no standby: the one that died comes back."""
    async with running(Gateway(
            folder, janus, workers=1, slots=1, settings=gateway_settings, worker=points.launcher)) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module")
async def telephones(folder, kamailio):
    """Bob's, who does as he is told, and the neighbours'."""
    made = {}
    for user, answers in (("bob", False), ("nora.s.friend", True), ("nils.s.friend", False)):
        await kamailio.add_user(user)
        made[user] = Baresip(folder, user, kamailio, answers=answers, talks=VOICES)
        await made[user].start()
    yield made
    for phone in made.values():
        await phone.stop()


class Neighbours:
    """Nora calls a friend, and Nils is called by one. If a test has cost them their calls, the next has new ones."""

    def __init__(self, gateway, kamailio, telephones):
        self._gateway, self._kamailio = gateway, kamailio
        self._friends = telephones["nora.s.friend"], telephones["nils.s.friend"]
        self._made, self._calls, self._marks = None, (), ()
        self.people = ()

    async def talk(self):
        if self._calls:
            return
        await self.leave()
        self._made = Subscribers(self._gateway, self._kamailio)
        called, calling = self._friends
        for friend in self._friends:
            if await friend.call_count():
                await friend.hang_up()
        # Nora's account is not registered: what a registration needs when a worker dies is the matter of who is tested.
        nora = await self._made.subscriber("nora", door=0)
        nils = await self._made.registered("nils", door=1)
        self.people = nora, nils
        out = await nora.dial(called.account)
        await calling.dial(f"sip:{nils.account}")
        incoming = await nils.rings()
        self._calls = await asyncio.gather(out.connects(), _established(incoming))
        self._remember()

    async def noticed_nothing(self):
        """They have heard each other since, and nothing else."""
        calls, self._calls = self._calls, ()
        await asyncio.gather(
            *(call.hears(VOICE) for call in calls), *(friend.hears(TONE) for friend in self._friends))
        told = [person.client.names(after=mark) for person, mark in zip(self.people, self._marks)]
        assert told == [[], []]
        self._calls = calls

    def _remember(self):
        self._marks = [person.client.now for person in self.people]

    async def leave(self):
        if self._made:
            await self._made.leave()
            await nothing_left(self._gateway)


async def _established(call):
    return await call.answer() or call


@pytest_asyncio.fixture(scope="module")
async def conversations(gateway, kamailio, telephones):
    bear_with_aiortc()
    neighbours = Neighbours(gateway, kamailio, telephones)
    yield neighbours
    await neighbours.leave()


@pytest_asyncio.fixture
async def neighbours(conversations):
    await conversations.talk()
    return conversations


@pytest_asyncio.fixture
async def exchange(kamailio, telephones):
    yield kamailio
    await kamailio.forget_places()
    await kamailio.nothing_registered(but=[*telephones, "nils"])


@pytest_asyncio.fixture
async def subscribers(gateway, exchange, neighbours):
    subscribers = Subscribers(gateway, exchange)
    yield subscribers
    await subscribers.leave()
    await nothing_left(gateway, staying=neighbours.people)


def test_the_points_are_all_of_those_the_worker_has():
    _, of_telephones = known_points()
    assert sorted(of_telephones) == sorted({point for _, point in POINTS})


@pytest.mark.parametrize("what, point", POINTS, ids=[f"{what}-{point}" for what, point in POINTS])
async def test_R03_R04_R06_R07_R08_R09_E02_E03_E04_E06_nobody_notices_a_worker_killed(
        subscribers, exchange, telephones, reached, gateway, neighbours, points, killing, what, point):
    scene = SCENES[what](subscribers, exchange, telephones["bob"], reached, point)
    before = await exchange.dialled()
    await scene.prepare()
    await points.kill(gateway, point, scene.act)
    await scene.told()

    await scene.alice.client.all_answered()
    await calls_are_over(gateway, staying=neighbours.people)
    await eventually(scene.is_hung_up, 10, "the telephone to be free")
    dialled = {call: count for call, count in (await exchange.dialled()).items() if call not in before}
    assert list(dialled.values()) == [1] * scene.dials
    await neighbours.noticed_nothing()


class Scene:
    """Alice, whom nobody else knows; Bob's telephone; and what happens when the worker dies."""

    dials = 0  # calls that the registrar has seen

    def __init__(self, subscribers, exchange, bob, reached, point):
        self._subscribers, self._exchange, self._bob, self._reached = subscribers, exchange, bob, reached
        self._point = point
        self._user = f"alice{next(_numbers)}"
        self.alice = self._call = self._mark = None
        bob.events.clear()

    async def prepare(self):
        self.alice = await self._subscribers.registered(self._user)

    async def act(self):
        """Every request of it must be acked."""

    async def told(self):
        """What must follow it."""

    async def is_hung_up(self):
        return await self._bob.call_count() == 0

    async def _are_heard(self):
        await asyncio.gather(self._call.hears(VOICE), self._bob.hears(TONE))

    def _nothing_was_missed(self):
        assert self.alice.missed == []
        assert self.alice.registrations() == ["registering", "registered"]


# MARK: registrations

class Register(Scene):
    """She can be called afterwards, and her registration can go."""

    dials = 1

    @property
    def _may_be_late(self):
        return self._point == "registration.send.after"

    async def prepare(self):
        self.alice = await self._subscribers.subscriber(self._user)
        self._mark = self.alice.client.now

    async def act(self):
        await self.alice.client.acked("account-register", account=self.alice.account)

    async def told(self):
        await self.alice.is_told("registered", after=self._mark)
        await self._exchange.registered(self._user)
        await self._bob.dial(f"sip:{self.alice.account}")
        call = await self.alice.rings()
        await call.terminate()
        await call.ends("486")
        told = self.alice.registrations(after=self._mark)
        # Who takes over tells what is so by then.
        if not (self._may_be_late and told == ["registered"]):
            assert told == ["registering", "registered"]
        await self.alice.unregister()
        await self._exchange.registered(self._user, count=0)


class RegisterAgain(Register):
    async def prepare(self):
        self.alice = await self._subscribers.registered(self._user)
        self._mark = self.alice.client.now
        self._contacts = await self._exchange.contacts(self._user)

    _may_be_late = False

    async def told(self):
        await self.alice.is_told("registered", after=self._mark)
        assert await self._exchange.contacts(self._user) == self._contacts
        await super().told()


class Unregister(Scene):
    async def act(self):
        await self.alice.unregister()

    async def told(self):
        await self._exchange.registered(self._user, count=0)
        self._nothing_was_missed()


class Vanish(Scene):
    async def act(self):
        await self.alice.client.close()

    async def told(self):
        await self._exchange.registered(self._user, count=0)


# MARK: calls that go out

class Outgoing(Scene):
    dials = 1

    async def told(self):
        await self._call.ends()
        assert self._call.states == self._states()
        await self._bob.told("CALL_CLOSED")
        assert len(self._bob.events_of("CALL_INCOMING")) == 1
        self._nothing_was_missed()

    def _states(self):
        return ["progress", "terminated"]

    async def _dial(self):
        self._call = await self.alice.dial(self._bob.account)
        await self._call.told("progress")
        await self._bob.told("CALL_INCOMING")

    async def _dial_and_talk(self):
        await self._dial()
        await self._bob.answer()
        await self._call.connects()


class Create(Outgoing):
    """Candidates follow at once. When it is noted that the INVITE may be out, and it is not, nobody dials any more."""

    @property
    def dials(self):
        return 0 if self._point in ("call.sent.after", "call.send.before") else 1

    async def act(self):
        client = self.alice.client
        self._call, request = await self.alice.offers(self._bob.account, candidates=False)
        asked = await client.send("session-create", **request)
        candidates = [[candidate] for candidate in self._call.candidates[:3]] + [[]]
        trickled = [await client.send("session-trickle", session=self._call.session, candidates=some)
                    for some in candidates]
        answer = await client.answer(asked)
        assert answer["sylkrtc"] == "ack", answer
        for transaction in trickled:
            answer = await client.answer(transaction)
            ended = answer.get("error") == f"Unknown session specified: {self._call.session}"
            assert answer["sylkrtc"] == "ack" or ended and not self.dials, answer

    async def told(self):
        if not self.dials:
            await self._call.ends()
            assert self._call.states[-1] == "terminated" and "accepted" not in self._call.states
            assert self._bob.events_of("CALL_INCOMING") == []
            return self._nothing_was_missed()
        await self._bob.told("CALL_INCOMING")
        await self._bob.answer()
        await self._call.connects()
        await self._are_heard()
        await self._call.terminate()
        await super().told()

    def _states(self):
        return ["progress", "accepted", "established", "terminated"]


class GiveUp(Outgoing):
    async def prepare(self):
        await super().prepare()
        await self._dial()

    async def act(self):
        await self._call.terminate()


class GiveUpEarly(Outgoing):
    """Whoever takes over cannot tell sound before the answer from the answer."""

    async def prepare(self):
        await super().prepare()
        self._phone = await self._reached("uas_tone", f"tone.{self._user}")
        self._call = await self.alice.dial(f"tone.{self._user}@{self._exchange.domain}")
        await self._call.told("progress")
        await self._phone.is_in_calls(1)

    async def act(self):
        await self._call.terminate()

    async def told(self):
        await self._call.ends()
        assert [state for state in self._call.states if state not in ("accepted", "established")] == [
            "progress", "terminated"]
        await self._phone.succeeds()
        assert self._phone.counts().created == 1
        self._nothing_was_missed()


class Refused(GiveUp):
    async def act(self):
        await self._bob.hang_up()


class HangUp(Outgoing):
    async def prepare(self):
        await super().prepare()
        await self._dial_and_talk()

    async def act(self):
        await self._call.terminate()

    def _states(self):
        return ["progress", "accepted", "established", "terminated"]


class HungUp(HangUp):
    async def act(self):
        await self._bob.hang_up()


# MARK: calls that come in

class Incoming(Scene):
    dials = 1

    async def prepare(self):
        await super().prepare()
        await self._bob.dial(f"sip:{self.alice.account}")
        self._call = await self.alice.rings()

    async def told(self):
        await self._call.ends()
        assert self._call.states == self._states()
        await self._bob.told("CALL_CLOSED")
        assert len(self.alice.client.events("incoming_session")) == 1
        self._nothing_was_missed()

    def _states(self):
        return ["accepted", "established", "terminated"]


class Ring(Incoming):
    async def prepare(self):
        await Scene.prepare(self)

    async def act(self):
        await self._bob.dial(f"sip:{self.alice.account}")

    async def told(self):
        self._call = await self.alice.rings()
        await self._call.answer()
        await self._are_heard()
        await self._bob.hang_up()
        await super().told()


class Answer(Incoming):
    async def act(self):
        await self.alice.client.acked("session-answer", **await self._call.answer_request())

    async def told(self):
        await self._call.told("established")
        await self._bob.told("CALL_ESTABLISHED")
        await self._are_heard()
        await self._call.terminate()
        await super().told()


class Decline(Incoming):
    async def act(self):
        await self._call.terminate()

    def _states(self):
        return ["terminated"]


class Miss(Incoming):
    async def act(self):
        await self._bob.hang_up()

    async def told(self):
        await self._call.ends()
        await self.alice.client.event("missed_session")
        assert self.alice.missed == [self._call.originator]
        assert self.alice.client.names()[-3:] == ["incoming_session", "terminated", "missed_session"]


class HangUpOnTheCaller(Incoming):
    async def prepare(self):
        await super().prepare()
        await self._call.answer()

    async def act(self):
        await self._call.terminate()


class HungUpByTheCaller(HangUpOnTheCaller):
    async def act(self):
        await self._bob.hang_up()


SCENES = {
    "register": Register, "register again": RegisterAgain, "unregister": Unregister, "close the socket": Vanish,
    "create": Create, "give up": GiveUp, "give up early media": GiveUpEarly, "be refused": Refused, "hang up": HangUp,
    "be hung up on": HungUp, "ring": Ring, "answer": Answer, "decline": Decline, "miss": Miss,
    "hang up on the caller": HangUpOnTheCaller, "be hung up on by the caller": HungUpByTheCaller,
}
