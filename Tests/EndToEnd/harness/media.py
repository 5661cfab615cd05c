"""Pictures and sound made up on the spot, and counting what arrives."""

import asyncio
import fractions
import time

import numpy
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from av import AudioFrame, VideoFrame

WIDTH, HEIGHT, FRAMES_PER_SECOND = 160, 120, 10
SAMPLE_RATE, TONE = 8000, 440
VIDEO_CLOCK = 90000


class MovingPicture(VideoStreamTrack):
    """A bright bar that wanders; small and slow, since software encodes it."""

    def __init__(self):
        super().__init__()
        self._pace = _Pace(1 / FRAMES_PER_SECOND)

    async def recv(self):
        number = await self._pace.next()
        picture = numpy.full((HEIGHT, WIDTH, 3), 40, dtype=numpy.uint8)
        left = (number * 8) % (WIDTH - 20)
        picture[:, left:left + 20] = (240, 200, 60)
        frame = VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number * VIDEO_CLOCK // FRAMES_PER_SECOND
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        return frame


class Tone(AudioStreamTrack):
    """A steady note in frames of 20 ms."""

    SAMPLES = SAMPLE_RATE // 50

    def __init__(self):
        super().__init__()
        self._pace = _Pace(1 / 50)

    async def recv(self):
        number = await self._pace.next()
        moments = numpy.arange(number * self.SAMPLES, (number + 1) * self.SAMPLES) / SAMPLE_RATE
        wave = (numpy.sin(2 * numpy.pi * TONE * moments) * 8000).astype(numpy.int16)
        frame = AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = number * self.SAMPLES
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        return frame


class Silence(AudioStreamTrack):
    """A microphone that never says anything, not even silence."""

    async def recv(self):
        await asyncio.Event().wait()


class Darkness(VideoStreamTrack):
    """Likewise a camera."""

    async def recv(self):
        await asyncio.Event().wait()


class Reception:
    """Counts decoded video frames and audio frames (one per packet) of a peer connection."""

    def __init__(self, peer):
        self.video = 0
        self.audio = 0
        self._tasks = []
        peer.on("track", lambda track: self._tasks.append(asyncio.create_task(self._count(track))))

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _count(self, track):
        try:
            while True:
                await track.recv()
                if track.kind == "video":
                    self.video += 1
                else:
                    self.audio += 1
        except MediaStreamError:
            pass  # the connection was closed


class Arrivals:
    """When each RTP packet of a peer connection arrived, and its sequence number. Nothing is decoded."""

    def __init__(self, peer):
        self.packets = {"audio": [], "video": []}  # (time, sequence number)
        peer.on("track", lambda track: self._listen(peer, track.kind))

    @property
    def count(self):
        return {kind: len(packets) for kind, packets in self.packets.items()}

    @property
    def flowing(self):
        return all(len(packets) > 5 for packets in self.packets.values())

    async def close(self):
        pass

    def _listen(self, peer, kind):
        packets = self.packets[kind]

        async def arrived(packet, arrival_time_ms):
            packets.append((time.monotonic(), packet.sequence_number))

        for transceiver in peer.getTransceivers():
            if transceiver.kind == kind:
                # Where aiortc would begin to buffer and decode, which costs a hundred times as much.
                transceiver.receiver._handle_rtp_packet = arrived


class _Pace:
    """Real time, as a camera keeps it."""

    def __init__(self, interval):
        self._interval = interval
        self._began = None
        self._number = -1

    async def next(self):
        self._number += 1
        self._began = self._began or time.monotonic()
        await asyncio.sleep(max(0, self._began + self._number * self._interval - time.monotonic()))
        return self._number
