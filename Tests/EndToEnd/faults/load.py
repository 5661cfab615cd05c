"""People who come, ask for things and go, as their seeds say."""

import asyncio
import random
import time
from contextlib import suppress

import aiohttp
from aiortc.exceptions import InvalidStateError
from harness.client import Client, ConnectionLost
from harness.offer import answer, candidate
from harness.participant import PASSWORD, Participant
from harness.peer import Feed, QuietParticipant

from .transcript import Transcript

ACTIONS = (("burst", 5), ("attach", 6), ("pause-feed", 3), ("detach", 2), ("update", 2), ("feed-trickle", 2),
           ("configure", 2), ("invite", 2))
PATIENCE = 12.0  # seconds for what follows an ack


class Left(Exception):
    """The session ended while we waited for more of it."""


class Refused(Exception):
    """No session came of it."""


class Setback(Exception):
    """One step came to nothing; the checker judges whether it may."""


def account_of(number):
    return f"person.{number}@example.com"


class Life:
    """Somebody who connects through a front door, asks for things, goes and comes back.

    Each step draws the same numbers whatever the gateway does, so one seed makes the same decisions again; what they are
    about (who is there to be watched) depends on what was told.
    """

    def __init__(self, name, door, gateway, chance):
        self.name, self.door = name, door
        self._gateway, self._chance = gateway, chance
        self.client = None
        self._is_known = False  # its accounts are added
        self._past = []  # transcripts of closed connections
        self._stopped = asyncio.Event()

    def stop(self):
        """The current step is the last; the connection stays open."""
        self._stopped.set()

    def transcripts(self):
        return self._past + ([self._transcript()] if self.client else [])

    async def run(self):
        await self._pause(0.0, 0.6)
        while not self._stopped.is_set():
            try:
                if self.client is None:
                    await self._connect()
                if not self._is_known:
                    await self._introduce()
                    self._is_known = True
                await self._live()
            except (ConnectionLost, Left, Refused):
                await self._pause(0.05, 0.3)
            except (aiohttp.ClientError, ConnectionError):
                await self._pause(0.05, 0.3)  # the door is shut
            except (Setback, InvalidStateError):
                await self._leave_by_closing(abruptly=False)  # its end was refused; or its media was closed under aiortc's hands
            except AssertionError:
                return  # something was never told. It stays as it is, for the checker to see
            if self.client and self.client.closed.is_set():
                await self._forget_client()

    async def close(self):
        if self.client:
            await self._leave_by_closing(abruptly=False)

    async def _live(self):
        """One episode of a connected life."""
        raise NotImplementedError

    async def _connect(self):
        self.client = await Client.connect(self._gateway.socket_url(self.door))
        if not await self.client.became_ready():
            raise ConnectionLost("closed before ready")

    async def _introduce(self):
        """What is asked first on a connection."""

    async def _leave_by_closing(self, abruptly):
        client = self.client
        client.closing_at = time.monotonic()
        connection = client._socket._response.connection
        if abruptly and connection and connection.transport:  # its front door may have died first
            connection.transport.abort()
        with suppress(Exception):
            await client.close()
        await self._forget_client()

    async def _forget_client(self):
        with suppress(Exception):
            await self.client.close()
        self._past.append(self._transcript())
        self.client = None
        self._is_known = False

    async def _asked(self, kind, **members):
        answer = await self.client.request(kind, **members)
        if answer["sylkrtc"] == "error":
            raise Refused(answer["error"]) if kind in ("account-add", "videoroom-join") else Setback()
        return answer

    def _transcript(self):
        raise NotImplementedError

    async def _pause(self, least, most):
        length = self._chance.uniform(least, most)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), length)


class Actor(Life):
    """One person in conferences: a life of stays in one room."""

    def __init__(self, number, seed, gateway, room, media, count=1):
        """`count`: how many there are, numbered from 0, whom this one may invite."""
        super().__init__(f"{'Seen' if media else 'Unseen'} {number}", number % len(gateway.ports), gateway,
                         random.Random(f"actor {number} of {seed}"))
        self._media = media
        self._account = account_of(number)
        self._count = count
        self.room = room
        self._participant = None
        self._present = False  # between joining and leaving
        self._stays = 0
        self._watched = 0
        self._feeds = {}  # publisher → subscription
        self._peers = []

    async def volley(self):
        """Something to be in flight when the next thing happens."""
        if self._present and not self.client.closed.is_set() and not self._has_ended():
            await self._burst(0.0, 0.0)

    async def close(self):
        await super().close()
        await self._hang_up()

    # Coming and going.

    async def _introduce(self):
        await self._asked("account-add", account=self._account, password=PASSWORD, display_name=self.name)

    async def _live(self):
        """One session, from its join to its end."""
        chance = self._chance
        steps, way = chance.randint(4, 14), chance.random()
        self._present = False
        kind = QuietParticipant if self._media else Participant
        person = self._participant = kind(self.client, self.name, self.room)
        self._stays += 1
        person.account = self._account
        person.session = f"{self.name.lower().replace(' ', '-')}.{self._stays}"
        self._feeds = {}
        if self._media:
            self._peers.append(person)
        await self._asked("videoroom-join", **await person.join_request())
        await self._until_told("accepted")
        if self._media:
            await person.take_answer()
            await self._until_told("established")
        self._present = True
        for _ in range(steps):
            if self._stopped.is_set():
                return
            await self._step()
            await self._pause(0.03, 0.25)
        if self._stopped.is_set():
            return
        self._present = False
        if way < 0.5:
            await self._asked("videoroom-terminate", session=person.session)
            await self._until_told("terminated")
        else:
            await self._leave_by_closing(abruptly=way > 0.75)
        await self._hang_up()
        if self.client and self.client.closed.is_set():
            await self._forget_client()

    async def _hang_up(self):
        for peer in self._peers:
            await peer.hang_up()
        self._peers.clear()

    async def _leave_by_closing(self, abruptly):
        self._present = False
        await super()._leave_by_closing(abruptly)

    async def _forget_client(self):
        self._present = False
        await super()._forget_client()

    # What is done during a stay.

    async def _step(self):
        chance = self._chance
        action = chance.choices([name for name, _ in ACTIONS], [weight for _, weight in ACTIONS])[0]
        first, second = chance.random(), chance.random()
        self._still_here()
        with suppress(Setback):
            await getattr(self, "_" + action.replace("-", "_"))(first, second)

    async def _burst(self, first, second):
        """Several requests at once, whose answers are not waited for."""
        for number in range(1 + int(first * 3)):
            await self._control("trickle", {"candidates": [candidate(number)]}, wait=False)
        if second < 0.3:
            await self._control("update", {"bitrate": 100000 + int(second * 1000000)}, wait=False)

    async def _update(self, first, second):
        await self._control("update", {"bitrate": 64000 + int(first * 1000000)})

    async def _configure(self, first, second):
        """One or two of those we know, ourselves among them, become prominent, or nobody."""
        session = self._participant.session
        known = sorted(self._transcript().roster(session) | {session})
        start = int(first * len(known))
        chosen = (known[start:] + known[:start])[:int(second * 3)]
        await self._control("configure-room", {"active_participants": chosen})

    async def _attach(self, first, second):
        session = self._participant.session
        strangers = sorted(self._transcript().roster(session) - set(self._feeds))
        if not strangers:
            return
        publisher = strangers[int(first * len(strangers))]
        feed = Feed(self._participant, publisher) if self._media and second < 0.2 else None
        self._watched += 1
        name = f"{session}.feed{self._watched}"
        if feed:
            feed.id = name
        await self._control("feed-attach", {"session": name, "publisher": publisher})
        self._feeds[publisher] = name
        offered = await self._until_offered(name, publisher)
        if feed:
            await self._answer_with_media(feed)
        else:
            await self._control("feed-answer", {"session": name, "sdp": answer(offered["data"]["sdp"])})

    async def _pause_feed(self, first, second):
        if name := self._some_feed(first):
            await self._control("update", {"video": second > 0.6}, session=name)

    async def _detach(self, first, second):
        if name := self._some_feed(first):
            self._feeds = {publisher: other for publisher, other in self._feeds.items() if other != name}
            await self._control("feed-detach", {"session": name})

    async def _feed_trickle(self, first, second):
        if name := self._some_feed(first):
            await self._control("trickle", {"session": name, "candidates": [candidate()] if second < 0.7 else []})

    async def _invite(self, first, second):
        """Two people, wherever they are and whether or not; sometimes himself, which rings nowhere here."""
        invited = {account_of(int(chance * self._count)) for chance in (first, second)}
        await self._control("invite-participants", {"participants": sorted(invited)})

    def _some_feed(self, first):
        """One of those whose publisher is still there, as far as we know."""
        present = self._transcript().roster(self._participant.session)
        self._feeds = {publisher: name for publisher, name in self._feeds.items() if publisher in present}
        names = sorted(self._feeds.values())
        return names[int(first * len(names))] if names else None

    # Asking and waiting.

    async def _control(self, option, parameters, session=None, wait=True):
        members = self._participant.control(option, parameters, session)
        if wait:
            await self._asked("videoroom-ctl", **members)
        else:
            await self.client.send("videoroom-ctl", **members)

    async def _until_told(self, state):
        """That state, or the end of the session."""
        session = self._participant.session

        def found():
            words = [word for _, word, _ in self._transcript().told(session)]
            return words if state in words or "terminated" in words or self.client.closed.is_set() else None

        words = await self.client._until(found, PATIENCE, f"{state} of {session}")
        if state not in words:
            raise Left

    async def _until_offered(self, name, publisher):
        def found():
            return (self.client.events("feed_attached", self._participant.session, subscription=name)
                    or publisher not in self._transcript().roster(self._participant.session)
                    or self.client.closed.is_set() or self._has_ended())

        told = await self.client._until(found, PATIENCE, f"feed_attached of {name}")
        if not isinstance(told, list):
            self._feeds.pop(publisher, None)
            raise Setback
        return told[0][1]

    async def _answer_with_media(self, feed):
        """Until it is established. A publisher who leaves takes the feed along."""
        answering = asyncio.create_task(feed.answer())
        try:
            while not answering.done():
                self._still_here()
                if feed.publisher not in self._transcript().roster(self._participant.session):
                    raise Setback
                await asyncio.wait((answering,), timeout=0.1)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    def _still_here(self):
        if self.client.closed.is_set():
            raise ConnectionLost("closed")
        if self._has_ended():
            raise Left

    def _has_ended(self):
        return bool(self._participant.endings)

    def _transcript(self):
        return Transcript.of(self.client, self.name, self.room, self.door, self._media)
