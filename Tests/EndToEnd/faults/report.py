"""What a run found, for people."""

from dataclasses import dataclass, field

from .schedule import ALL_KINDS

AROUND = 0.1  # seconds after a fault in which what is asked counts as in flight
SHOWN = 25  # violations of one run that are named
TRANSCRIPTS = 6  # violations of one run that are shown with their transcripts


def schedule_lines(schedule):
    workers = "two slots, three workers" if schedule.standby else "two slots, two workers (no standby)"
    return [f"seed {schedule.seed}: {workers}, {schedule.duration:.1f} s"] + [f"  {fault}" for fault in schedule.faults]


def violation_lines(outcome):
    lines = []
    for number, violation in enumerate(outcome.violations[:SHOWN]):
        moment = f" at {violation.at - outcome.began:.2f} s" if violation.at else ""
        lines.append(f"VIOLATED: {violation.invariant}{moment}: {violation.text}")
        if violation.transcript and number < TRANSCRIPTS:
            transcript = violation.transcript
            lines.append(f"    {transcript.name} in {transcript.room} through front door {transcript.door + 1}:")
            lines += [f"    {at - outcome.began:8.3f} {direction} {word:18} {text[:200]}"
                      for at, direction, word, text in transcript.lines(violation.at, violation.about)]
    if len(outcome.violations) > SHOWN:
        lines.append(f"… and {len(outcome.violations) - SHOWN} more")
    return lines


@dataclass
class Row:
    """What happened around the faults of one kind."""

    kind: str
    count: int = 0
    pending: int = 0
    answered: int = 0
    slowest: float = 0.0
    gap: float = 0.0
    control: float = 0.0
    violations: int = 0


@dataclass
class Table:
    rows: dict = field(default_factory=dict)

    def add(self, outcome):
        for injected in outcome.injected:
            row = self._row(injected.fault.kind)
            row.count += 1
            for asked, answered in _requests(outcome):
                if asked <= injected.began + AROUND and (answered is None or answered > injected.began):
                    row.pending += 1
                    if answered is not None:
                        row.answered += 1
                        row.slowest = max(row.slowest, answered - injected.began)
            if outcome.schedule.media_untouched and outcome.gaps:
                row.gap = max(row.gap, *(gap.phase for gap in outcome.gaps if gap.kind == "audio"))
                row.control = max(row.control, *(gap.control for gap in outcome.gaps if gap.kind == "audio"))
        for violation in outcome.violations:
            self._row(_kind_before(outcome, violation.at)).violations += 1

    def lines(self):
        head = (f"{'fault':14} {'count':>5} {'in flight':>9} {'answered':>8} {'slowest':>9} "
                f"{'audio gap':>9} {'control':>9} {'violated':>8}")
        return [head] + [
            f"{row.kind:14} {row.count:5} {row.pending:9} {row.answered:8} {_ms(row.slowest)} {_ms(row.gap)} "
            f"{_ms(row.control)} {row.violations:8}"
            for kind in (*ALL_KINDS, "none") if (row := self.rows.get(kind))]

    def _row(self, kind):
        return self.rows.setdefault(kind, Row(kind))


def _requests(outcome):
    """When each was sent, and when answered or None; those without an answer because the client had gone left out."""
    for transcript in outcome.transcripts:
        answers = {message["transaction"]: at for at, message in reversed(transcript.messages)
                   if message["sylkrtc"] in ("ack", "error")}
        for request in transcript.requests:
            answered = answers.get(request["transaction"])
            if answered or transcript.open:
                yield request["at"], answered


def _kind_before(outcome, at):
    before = [injected for injected in outcome.injected if at is None or injected.began <= at]
    return before[-1].fault.kind if before else "none"


def _ms(seconds):
    return f"{1000 * seconds:6.0f} ms" if seconds else f"{'–':>9}"
