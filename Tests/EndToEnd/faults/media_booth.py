"""Participants with real media in a process of their own, so that the load does not disturb what they measure.

Started by `Booth`; speaks JSON lines on its standard input and output: a description of what is wanted first, then
commands `rosters`, `report`, `leave`.
"""

import asyncio
import json
import sys
import time
import uuid
from dataclasses import asdict
from pathlib import Path

from harness.calls import outgoing
from harness.client import Client
from harness.media import Arrivals
from harness.offer import answer
from harness.peer import Feed, MediaParticipant, bear_with_aiortc
from harness.precedence import precede
from harness.subscribers import Subscriber
from harness.waiting import eventually

from .transcript import Transcript

TICK = 0.01  # seconds


class Guest(MediaParticipant):
    """One of the booth: sends, watches some of the others and measures."""

    def __init__(self, client, name, room, door):
        super().__init__(client, name, room)
        self.door = door

    async def watch(self, publisher):
        await self.client.event("publishers_joined" if publisher not in self.publishers("initial_publishers") else
                                "initial_publishers", self.session)
        feed = Feed(self, publisher, Arrivals)
        await feed.attach()
        await feed.answer()
        return feed

    def transcript(self):
        return Transcript.of(self.client, self.name, self.room, self.door, True)


async def subscribe(person, publisher):
    """A feed with nobody behind it."""
    name = f"feed-{uuid.uuid4().hex[:8]}"
    await person.controlled("feed-attach", {"session": name, "publisher": publisher})
    offered = await person.client.event("feed_attached", person.session, subscription=name)
    await person.controlled("feed-answer", {"session": name, "sdp": answer(offered["data"]["sdp"])})


class Sound(Arrivals):
    """Of a call, which has no picture."""

    @property
    def flowing(self):
        return len(self.packets["audio"]) > 5


class Caller:
    """One of the booth who is in a call with a telephone all the time, and measures what comes from there."""

    def __init__(self, client, number, wanted):
        self.name, self.door = f"Caller {number}", wanted["door"]
        user, _, domain = wanted["account"].partition("@")
        self._subscriber = Subscriber(client, user, domain, wanted["password"], self.name)
        self._uri = wanted["uri"]
        self._call = None

    async def call(self):
        await self._subscriber.add_account()
        self._call = await outgoing(self._subscriber, self._uri, reception=Sound)
        await self._call.connects()

    @property
    def reception(self):
        return self._call.reception

    def transcript(self):
        return Transcript.of(self._subscriber.client, self.name, "", self.door, True)

    async def close(self):
        await self._call.close()
        await self._subscriber.close()


class Inside:
    """The child's side."""

    def __init__(self):
        self._guests = []
        self._callers = []
        self._stalls = []  # (time, length) of our own loop's pauses

    async def run(self):
        bear_with_aiortc()
        precede(-10)  # what is measured is the gateway's doing, not that of other programs
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        ticking = asyncio.create_task(self._tick())
        await self._enter(json.loads(await reader.readline()))
        _say({"ready": True})
        while line := await reader.readline():
            command = json.loads(line)
            _say(await getattr(self, command)())
        ticking.cancel()

    async def _enter(self, wanted):
        await asyncio.gather(*(self._enter_room(room, index, wanted) for index, room in enumerate(wanted["rooms"])),
                             *(self._call(number, call) for number, call in enumerate(wanted["calls"])))
        receptions = [one.reception for one in self._feeds + self._callers]
        await eventually(lambda: all(reception.flowing for reception in receptions), 20, "media")

    async def _call(self, number, wanted):
        client = await Client.connect(wanted["url"])
        assert await client.became_ready()
        caller = Caller(client, number, wanted)
        self._callers.append(caller)
        await caller.call()

    async def _enter_room(self, room, index, wanted):
        """Two or more; each watches the next one."""
        guests = []
        for number in range(wanted["guests"]):
            door = number % len(wanted["urls"])
            client = await Client.connect(wanted["urls"][door])
            assert await client.became_ready()
            guests.append(Guest(client, f"Booth {index}.{number}", room, door))
        self._guests += guests
        await asyncio.gather(*(guest.join() for guest in guests))
        for guest in guests:
            await eventually(lambda: self._knows_all(guest, guests), 20, "to know the others")
        await asyncio.gather(*(
            guest.watch(guests[(number + 1) % len(guests)].session) for number, guest in enumerate(guests)))

    @staticmethod
    def _knows_all(guest, guests):
        known = guest.publishers("initial_publishers") + guest.publishers("publishers_joined")
        return {other.session for other in guests} - {guest.session} <= set(known)

    @property
    def _feeds(self):
        return [feed for guest in self._guests for feed in guest.feeds]

    async def rosters(self):
        """Who is live, in which room, and whom each one sees."""
        found = []
        for guest in self._guests:
            transcript = guest.transcript()
            if session := transcript.live():
                found.append((guest.room, guest.name, session, sorted(transcript.roster(session)),
                              transcript.active(session)))
        return found

    async def report(self):
        return {
            "transcripts": [asdict(guest.transcript()) for guest in self._guests + self._callers],
            "packets": [feed.reception.packets for feed in self._feeds],
            "calls": [caller.reception.packets["audio"] for caller in self._callers],
            "stalls": self._stalls,
        }

    async def watch_everybody(self):
        """Everybody else in the room, too; only signalling, nothing is received."""
        for guest in self._guests:
            known = {*guest.publishers("initial_publishers"), *guest.publishers("publishers_joined")}
            for publisher in sorted(known - {feed.publisher for feed in guest.feeds}):
                await subscribe(guest, publisher)
        return True

    async def update(self):
        """A request of everybody, not waited for."""
        for guest in self._guests:
            await guest.client.send("videoroom-ctl", **guest.control("update", {"bitrate": 500000}))
        return True

    async def leave(self):
        for guest in self._guests + self._callers:
            await guest.close()
        return True

    async def _tick(self):
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            if now - last > 2 * TICK:
                self._stalls.append((last, now - last - TICK))
            last = now


class Booth:
    """The parent's side."""

    def __init__(self, gateway, rooms, guests):
        """`guests` in each of the rooms, two or more; as many receivers as guests."""
        self._wanted = {
            "rooms": rooms, "guests": guests, "calls": [],
            "urls": [gateway.socket_url(door) for door in range(len(gateway.ports))]}
        self._child = None

    def add_call(self, account, password, uri, door):
        """One more who calls a telephone that answers and speaks, before `begin`."""
        self._wanted["calls"].append({
            "account": account, "password": password, "uri": uri, "door": door, "url": self._wanted["urls"][door]})

    async def open(self):
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "faults.media_booth", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[1], limit=1 << 28, start_new_session=True)

    async def begin(self):
        self._child.stdin.write(json.dumps(self._wanted).encode() + b"\n")

    async def ready(self):
        return await self._hear()

    async def ask(self, command):
        self._child.stdin.write(json.dumps(command).encode() + b"\n")
        return await self._hear()

    async def close(self):
        if self._child and self._child.returncode is None:
            self._child.stdin.close()
            try:
                await asyncio.wait_for(self._child.wait(), 5)
            except asyncio.TimeoutError:
                self._child.kill()
                await self._child.wait()

    async def _hear(self):
        line = await asyncio.wait_for(self._child.stdout.readline(), 60)
        assert line, "the media booth ended"
        return json.loads(line)


def _say(what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(Inside().run())
