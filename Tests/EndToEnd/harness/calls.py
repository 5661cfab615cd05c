"""One call of a client: its states, and an aiortc end that speaks a note, hears and measures."""

import asyncio
import uuid
from collections import deque

import numpy
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from .media import Tone
from .tones import loudness, share_of_tone
from .waiting import eventually

KEPT = 2.0  # seconds of sound


class Ear:
    """The last of what a peer connection's sound track has brought."""

    def __init__(self, peer):
        self._frames = deque()  # (samples of the first channel, rate)
        self._kept = 0.0
        self._tasks = []
        peer.on("track", lambda track: track.kind == "audio" and self._tasks.append(
            asyncio.create_task(self._listen(track))))

    async def hears(self, frequency, seconds=0.6, within=15.0):
        """Waits until the note is nearly all that it has heard for a while, beginning now."""
        self._frames.clear()
        self._kept = 0.0

        def heard():
            if self._kept < seconds:
                return False
            rate = self._frames[-1][1]
            samples = numpy.concatenate([samples for samples, at in self._frames if at == rate])[-int(seconds * rate):]
            return (len(samples) >= int(seconds * rate) and loudness(samples) > 500
                    and share_of_tone(samples, rate, frequency) > 0.8)

        await eventually(heard, within, f"the client to hear {frequency} Hz")

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, track):
        try:
            while True:
                frame = await track.recv()
                samples = frame.to_ndarray().reshape(-1)[::len(frame.layout.channels)]
                self._frames.append((samples, frame.sample_rate))
                self._kept += len(samples) / frame.sample_rate
                while self._kept > KEPT:
                    samples, rate = self._frames.popleft()
                    self._kept -= len(samples) / rate
        except MediaStreamError:
            pass  # the call is over


class Call:
    """A session of a subscriber. `reception` is what its peer connection brings: an `Ear`, unless told otherwise."""

    def __init__(self, subscriber, session, offered=None, originator=None, peer=None, reception=None):
        self.session, self.offered, self.originator = session, offered, originator
        self._client = subscriber.client
        self._peer, self.reception = peer, reception

    async def told(self, state, within=20.0):
        """Waits for that state, and returns its data."""
        return (await self._client.event("state", self.session, state=state, within=within))["data"]

    @property
    def states(self):
        return [message["data"]["state"] for _, message in self._client.events("state", self.session)]

    @property
    def endings(self):
        """The reasons of every `terminated` told."""
        return [message["data"]["reason"] for _, message in self._client.events(
            "state", self.session, state="terminated")]

    async def connects(self, within=20.0):
        """Outgoing: takes the answer, and waits for `established`."""
        sdp = (await self.told("accepted", within))["sdp"]
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await self.told("established")
        return self

    async def answer(self):
        """Incoming: up to `established`."""
        await self._client.acked("session-answer", **await self.answer_request())
        assert "sdp" not in await self.told("accepted")
        await self.told("established")
        return self

    async def answer_request(self):
        await self._peer.setRemoteDescription(RTCSessionDescription(self.offered, "offer"))
        self._peer.addTrack(Tone())
        await self._peer.setLocalDescription(await self._peer.createAnswer())
        return {"session": self.session, "sdp": self._peer.localDescription.sdp}

    async def terminate(self):
        await self._client.acked("session-terminate", session=self.session)

    async def ends(self, reason="", within=20.0):
        """Waits for the end, which is told once and with a reason that begins so."""
        told = (await self.told("terminated", within))["reason"]
        assert told.startswith(reason), f"it ended with {told!r}"
        assert self.endings == [told]
        return told

    async def hears(self, frequency, **how):
        await self.reception.hears(frequency, **how)

    async def close(self):
        if self.reception:
            await self.reception.close()
        if self._peer:
            await self._peer.close()


async def outgoing(subscriber, uri, **how):
    """Acknowledged; `how` is what `offered` takes."""
    call, request = await offered(subscriber, uri, **how)
    await subscriber.client.acked("session-create", **request)
    return call


async def offered(subscriber, uri, reception=Ear, candidates=True):
    """A call, and the request that makes it. Without `candidates` they are left out of the offer, to be told by
    `session-trickle`."""
    peer, session = _peer(), uuid.uuid4().hex
    call = Call(subscriber, session, peer=peer, reception=reception(peer))
    peer.addTransceiver(Tone(), direction="sendrecv")
    await peer.setLocalDescription(await peer.createOffer())
    lines = peer.localDescription.sdp.splitlines(keepends=True)
    call.candidates = [
        {"candidate": line.strip().removeprefix("a="), "sdpMLineIndex": 0, "sdpMid": "0"}
        for line in lines if line.startswith("a=candidate:")]
    sdp = "".join(line for line in lines if candidates or not line.startswith(("a=candidate:", "a=end-of-candidates")))
    return call, {"account": subscriber.account, "session": session, "uri": uri, "sdp": sdp}


def incoming(subscriber, message, reception=Ear):
    assert message["sylkrtc"] == "account_event" and message["account"] == subscriber.account, message
    peer, data = _peer(), message["data"]
    return Call(subscriber, message["session"], data["sdp"], data["originator"], peer, reception(peer))


def _peer():
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))
