"""Notes made and recognised: 16-bit mono sound in WAV files."""

import math
import wave

import numpy

RATE = 8000  # of telephone sound, in samples a second
LOUDNESS = 8000


def write_tone(path, frequency, seconds=120, rate=RATE):
    """A steady note, which ends in silence that nobody hears before the call is over."""
    moments = numpy.arange(int(seconds * rate)) / rate
    samples = (numpy.sin(2 * numpy.pi * frequency * moments) * LOUDNESS).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def read_sound(path):
    """(samples of the first channel, rate). A file that is still being written has no true length in its head: all that
    is there is read."""
    content = path.read_bytes()
    assert content[:4] == b"RIFF" and content[8:12] == b"WAVE", f"{path} is no WAV file"
    position, channels, rate = 12, 1, RATE
    while position + 8 <= len(content):
        kind, size = content[position:position + 4], int.from_bytes(content[position + 4:position + 8], "little")
        body = content[position + 8:]
        if kind == b"fmt ":
            channels = int.from_bytes(body[2:4], "little")
            rate = int.from_bytes(body[4:8], "little")
            assert int.from_bytes(body[14:16], "little") == 16, f"{path} is not of 16 bits"
        if kind == b"data":
            whole = len(body) - len(body) % (2 * channels)
            return numpy.frombuffer(body[:whole], dtype="<i2")[::channels], rate
        position += 8 + size + size % 2
    return numpy.zeros(0, dtype="<i2"), rate


def share_of_tone(samples, rate, frequency):
    """How much of the sound's energy is in this note, from 0 to 1: Goertzel's algorithm over pieces of 50 ms, whose
    window is 20 Hz wide; the louder pieces count for more."""
    length = rate // 20
    energy = in_tone = 0.0
    for start in range(0, len(samples) - length + 1, length):
        piece = samples[start:start + length].astype(float)
        energy += float(piece @ piece)
        in_tone += _goertzel(piece, frequency, rate)
    return in_tone / energy if energy else 0.0


def loudness(samples):
    """Root of the mean square."""
    return math.sqrt(float(numpy.mean(samples.astype(float) ** 2))) if len(samples) else 0.0


def _goertzel(piece, frequency, rate):
    """The energy of the piece at this frequency: that of a pure tone is all of it."""
    turn = 2 * math.pi * frequency / rate
    coefficient = 2 * math.cos(turn)
    last = before = 0.0
    for sample in piece:
        last, before = sample + coefficient * last - before, last
    return (last * last + before * before - coefficient * last * before) * 2 / len(piece)
