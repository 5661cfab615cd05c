"""How long media stayed away in one stretch of time and in another."""

from dataclasses import dataclass

# Up to here a gap is nobody's business: what two busy processors do by themselves. In a call a telephone is one more process.
FLOOR = {"audio": 0.100, "video": 0.150, "call": 0.150}
FACTOR = 1.5


@dataclass
class Gaps:
    """Of one kind of media, over all sampled receivers: the control's largest gap and lost packets, and the phase's."""

    kind: str
    control: float
    phase: float
    control_lost: int
    phase_lost: int

    @property
    def within(self):
        return self.phase <= max(FLOOR[self.kind], FACTOR * self.control)

    def __str__(self):
        return (f"{self.kind}: largest gap {1000 * self.phase:.0f} ms, control {1000 * self.control:.0f} ms; "
                f"lost packets {self.phase_lost}, control {self.control_lost}")


def compare(report, control, phase):
    """`control` and `phase` are (from, to), of the same length. Calls have sound only, and are compared among themselves."""
    received = {kind: [receiver[kind] for receiver in report["packets"]] for kind in ("audio", "video")}
    received["call"] = report.get("calls", [])
    return [
        Gaps(kind, *(max(largest_gap(packets, window, report["stalls"]) for packets in receivers)
                     for window in (control, phase)),
             *(sum(lost(packets, window) for packets in receivers) for window in (control, phase)))
        for kind, receivers in received.items() if receivers]


def largest_gap(packets, window, stalls=()):
    """Without the time in which the receiver's own process stood still."""
    began, ended = window
    times = [began] + [at for at, _ in packets if began <= at <= ended] + [ended]
    return max((_net(earlier, later, stalls) for earlier, later in zip(times, times[1:])), default=0.0)


def lost(packets, window):
    """Sequence numbers that never came."""
    began, ended = window
    numbers = _unwrapped([number for at, number in packets if began <= at <= ended])
    return max(numbers) - min(numbers) + 1 - len(set(numbers)) if numbers else 0


def _net(earlier, later, stalls):
    stood = sum(max(0.0, min(later, at + length) - max(earlier, at)) for at, length in stalls
                if at < later and at + length > earlier)
    return later - earlier - stood


def _unwrapped(numbers):
    unwrapped, last = [], None
    for number in numbers:
        if last is not None:
            number = last + ((number - last + 0x8000) & 0xFFFF) - 0x8000
        unwrapped.append(number)
        last = number
    return unwrapped
