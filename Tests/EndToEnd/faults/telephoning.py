"""People with SIP accounts, who call telephones and are called by their friends', as their seeds say."""

import random
import time
from contextlib import suppress

from harness.client import ConnectionLost
from harness.offer import answer, call_offer, candidate
from harness.waiting import eventually

from .exchange import ECHO, HANGER, REFUSER, RINGER
from .load import Left, Life, Setback
from .transcript import Transcript

ACTIONS = (("call_echo", 5), ("call_hanger", 2), ("call_refuser", 2), ("call_ringer", 3), ("be_called", 7),
           ("register_again", 2), ("register_anew", 1))
PATIENCE = 20.0  # seconds for what follows an ack
FREE = 10.0  # seconds for a friend's telephone to be free again
NO_ROOM = ""


class Subscriber(Life):
    """One account, whose owner registers it, calls, answers, declines, hangs up and closes the socket."""

    def __init__(self, number, seed, gateway, exchange, friend):
        super().__init__(f"Subscriber {number}", number % len(gateway.ports), gateway,
                         random.Random(f"subscriber {number} of {seed}"))
        user = f"subscriber{number}"
        self._exchange, self._friend = exchange, friend
        self._account, self._ha1 = exchange.address_of(user), exchange.kamailio.ha1(user)
        gateway.secrets.update({self._ha1, exchange.kamailio.password(user)})
        self._count = 0
        self._session = None  # of the call that is up or rings
        self._acts = []

    @staticmethod
    def user(number):
        return f"subscriber{number}"

    async def volley(self):
        """Something to be in flight when the next thing happens."""
        client = self.client
        if client is None or client.closed.is_set() or not self._registration():
            return
        if self._session:
            for number in range(2):
                await client.send("session-trickle", session=self._session, candidates=[candidate(number)])
        else:
            await client.send("account-register", account=self._account)

    # Coming and going.

    async def _introduce(self):
        await self._asked("account-add", account=self._account, password=self._ha1, display_name=self.name)

    async def _live(self):
        chance = self._chance
        steps, way = chance.randint(4, 10), chance.random()
        if self._registration() != "registered":
            await self._register()
        for _ in range(steps):
            if self._stopped.is_set():
                return
            await self._step()
            await self._pause(0.02, 0.2)
        if self._stopped.is_set():
            return
        if way < 0.4:
            await self._asked("account-unregister", account=self._account)
        elif way < 0.8:
            await self._leave_by_closing(abruptly=way > 0.6)

    async def _forget_client(self):
        await super()._forget_client()
        self._session, self._acts = None, []

    async def _step(self):
        chance = self._chance
        action = chance.choices([name for name, _ in ACTIONS], [weight for _, weight in ACTIONS])[0]
        first, second = chance.random(), chance.random()
        self._still_here()
        try:
            with suppress(Setback):
                await getattr(self, "_" + action)(first, second)
        finally:
            self._session = None

    # Registering.

    async def _register(self):
        mark = self.client.now
        await self._asked("account-register", account=self._account)
        await self._until(lambda: self._registration(mark) in ("registered", "failed"), "the registration's end")
        if self._registration(mark) == "failed":
            raise Left

    async def _register_again(self, first, second):
        await self._register()

    async def _register_anew(self, first, second):
        await self._asked("account-unregister", account=self._account)
        await self._pause(0.0, 0.1)
        await self._register()

    def _registration(self, after=-1):
        """The state told last, or None."""
        told = self.client.events("registration_state", after=after)
        return told[-1][1]["data"]["state"] if told else None

    # Calling.

    async def _call_echo(self, first, second):
        """Most hang up; some close the socket in the call."""
        await self._call(ECHO, first)
        await self._told("accepted")
        await self._pause(0.0, 0.4)
        if second > 0.85:
            await self._leave_by_closing(abruptly=first > 0.5)
            raise ConnectionLost("closed in a call")
        await self._terminate()

    async def _call_hanger(self, first, second):
        await self._call(HANGER, first)
        await self._told("terminated")

    async def _call_refuser(self, first, second):
        await self._call(REFUSER, first)
        await self._told("terminated")

    async def _call_ringer(self, first, second):
        await self._call(RINGER, first)
        if second > 0.3:
            await self._told("progress")
            await self._pause(0.0, 0.3)
        await self._terminate()

    async def _call(self, user, first):
        self._count += 1
        self._session = f"{self._account.partition('@')[0]}.{self._count}"
        await self._asked("session-create", account=self._account, session=self._session,
                          uri=self._exchange.address_of(user), sdp=call_offer())
        if first < 0.4:
            await self.client.send("session-trickle", session=self._session, candidates=[candidate()])

    # Being called.

    async def _be_called(self, first, second):
        """The friend's telephone rings here; one of both sides ends it."""
        if await self._friend.call_count():
            return  # what keeps it busy is looked at in the end
        mark, over = self.client.now, len(self._friend.events_of("CALL_CLOSED"))
        self._act("dials")
        await self._friend.dial(f"sip:{self._account}")

        def rung():
            return (self.client.events("incoming_session", after=mark)
                    or len(self._friend.events_of("CALL_CLOSED")) > over)

        rang = await self._until(rung, "what comes of the friend's call")
        if not isinstance(rang, list):
            raise Setback  # turned away; whether somebody was missed the checker knows
        message = rang[0][1]
        self._session = message["session"]
        if first < 0.5:
            await self._take(message, second)
        elif first < 0.7:
            await self._terminate()
        elif first < 0.9:
            await self._pause(0.0, 0.2)
            await self._friend_hangs_up()
        else:
            await self._leave_by_closing(abruptly=second > 0.5)
        await self._friend_is_free()
        if self.client is None:
            raise ConnectionLost("closed while it rang")

    async def _take(self, message, second):
        await self._asked("session-answer", session=self._session, sdp=answer(message["data"]["sdp"], "sendrecv"))
        await self._told("accepted")
        await self._pause(0.0, 0.4)
        if second < 0.5:
            await self._friend_hangs_up()
        else:
            await self._terminate()

    async def _friend_hangs_up(self):
        self._act("hangs up")
        with suppress(AssertionError):  # we may have been first
            await self._friend.hang_up()
        await self._told("terminated")

    async def _friend_is_free(self):
        async def free():
            return await self._friend.call_count() == 0

        with suppress(AssertionError):  # it is looked at in the end
            await eventually(free, FREE)

    def _act(self, what):
        self._acts.append({"what": what, "session": self._session, "at": time.monotonic()})

    # Asking and waiting.

    async def _terminate(self):
        await self._asked("session-terminate", session=self._session)
        await self._told("terminated")

    async def _told(self, state):
        """That state, or the end of the call."""
        session = self._session

        def found():
            words = self._words(session)
            return words if state in words or "terminated" in words or self.client.closed.is_set() else None

        words = await self._until(found, f"{state} of {session}")
        if state not in words:
            raise Setback

    async def _until(self, found, what):
        def looked():
            return found() or self.client.closed.is_set()

        result = await self.client._until(looked, PATIENCE, what)
        self._still_here()
        return result

    def _words(self, session):
        return [word for _, word, _ in self._transcript().told_of_call(session)]

    def _still_here(self):
        if self.client.closed.is_set():
            raise ConnectionLost("closed")

    def _transcript(self):
        transcript = Transcript.of(self.client, self.name, NO_ROOM, self.door, False)
        transcript.acts = list(self._acts)
        return transcript
