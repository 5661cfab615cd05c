"""A participant with real media, and the feeds it watches."""

import asyncio
import traceback
import uuid

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from .media import Darkness, MovingPicture, Reception, Silence, Tone
from .participant import Participant


class MediaParticipant(Participant):
    """Sends sound and a moving picture. All candidates are in the offer."""

    media = True
    tracks = (Tone, MovingPicture)

    def __init__(self, client, name, room):
        super().__init__(client, name, room)
        self._peer = None
        self.feeds = []

    async def offer(self):
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for track in self.tracks:
            self._peer.addTransceiver(track(), direction="sendonly")
        await self._peer.setLocalDescription(await self._peer.createOffer())
        return self._peer.localDescription.sdp

    async def join(self):
        """Joins, up to flowing media."""
        await super().join()
        await self.send_media()
        return self

    async def send_media(self):
        """Takes the answer that came with `accepted`, and waits for `established`."""
        await self.take_answer()
        await self.told("established")

    async def take_answer(self):
        accepted = await self.told("accepted")
        await self._peer.setRemoteDescription(RTCSessionDescription(accepted["data"]["sdp"], "answer"))

    async def watch(self, publisher):
        """Attaches to somebody, up to flowing media."""
        feed = Feed(self, publisher)
        await feed.attach()
        await feed.answer()
        return feed

    async def close(self):
        await super().close()
        await self.hang_up()

    async def hang_up(self):
        """Ends the media only."""
        for feed in self.feeds:
            await feed.close()
        if self._peer:
            await self._peer.close()


class QuietParticipant(MediaParticipant):
    """Its media is up, so that others hear of it, and nothing is ever sent: numbers of these cost little."""

    tracks = (Silence, Darkness)


class Feed:
    """One subscription; `reception` counts what it brings."""

    def __init__(self, base, publisher, reception=Reception):
        self.id = f"feed-{uuid.uuid4().hex[:8]}"
        self.publisher = publisher
        self._base = base
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.reception = reception(self._peer)
        base.feeds.append(self)

    async def attach(self):
        """Up to Janus's offer."""
        await self._base.controlled("feed-attach", {"session": self.id, "publisher": self.publisher})
        return await self._base.client.event("feed_attached", self._base.session, subscription=self.id)

    async def answer(self):
        """Answers the offer and waits for media."""
        offer = await self._base.client.event("feed_attached", self._base.session, subscription=self.id)
        await self._peer.setRemoteDescription(RTCSessionDescription(offer["data"]["sdp"], "offer"))
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        answer = {"session": self.id, "sdp": self._peer.localDescription.sdp}
        await self._base.controlled("feed-answer", answer)
        await self._base.client.event(
            "feed_established", self._base.session, subscription=self.id, state="established")

    async def update(self, **what):
        await self._base.controlled("update", what, session=self.id)

    async def detach(self):
        """Our own end of it is left open: what still arrives would be seen."""
        await self._base.controlled("feed-detach", {"session": self.id})

    async def close(self):
        await self.reception.close()
        await self._peer.close()


def bear_with_aiortc():
    """It leaves tasks and timers behind when a connection is closed while it is being made; that they fail is no news."""
    def handle(loop, context):
        error = context.get("exception")
        frames = traceback.extract_tb(error.__traceback__) if error else ()
        places = [frame.filename for frame in frames] + [repr(context.get("task"))]
        if not any(name in place for place in places for name in ("/aioice/", "/aiortc/")):
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(handle)
