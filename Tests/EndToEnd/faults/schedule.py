"""Which faults, when: drawn from a seed, and the same for the same seed."""

import random
from dataclasses import dataclass

WORKER_KINDS = ("worker-kill", "worker-term", "worker-stop", "worker-hang")
LINK_KINDS = ("link-cut", "link-cut-all", "link-stall")
DOOR_KINDS = ("door-kill", "door-term", "door-stop", "door-hang")
REGISTRY_KINDS = ("registry-lock",)
JANUS_KINDS = ("janus-kill",)
ALL_KINDS = WORKER_KINDS + LINK_KINDS + DOOR_KINDS + REGISTRY_KINDS + JANUS_KINDS

GROUPS = {"worker": WORKER_KINDS, "link": LINK_KINDS, "door": DOOR_KINDS, "registry": REGISTRY_KINDS, "janus": JANUS_KINDS,
          "all": ALL_KINDS}

TARGETS = {"worker": "slot", "link": "slot", "door": "front door"}
WATCHDOG = 3.0  # seconds a worker may stand still; then its supervisor kills it
QUIET_AT_THE_END = 1.2  # seconds of a phase after its last fault

# How often a mixture is drawn, and of which kinds it is.
MIXTURES = (
    (4, WORKER_KINDS[1:3] + WORKER_KINDS[:1]),
    (4, WORKER_KINDS[:1] + WORKER_KINDS[1:2]),
    (3, WORKER_KINDS[:2] + WORKER_KINDS[2:3]),
    (2, WORKER_KINDS),
    (1, WORKER_KINDS[:3] + ("link-cut",)),
    (1, WORKER_KINDS[:3] + ("link-cut-all",)),
    (1, WORKER_KINDS[:3] + ("link-stall",)),
    (1, WORKER_KINDS[:3] + ("door-stop", "door-kill")),
    (1, WORKER_KINDS[:3] + ("door-kill", "door-term")),
    (1, WORKER_KINDS[:2] + REGISTRY_KINDS),
    (1, WORKER_KINDS[:2] + JANUS_KINDS),
)  # the last of each is its first fault


@dataclass(frozen=True)
class Fault:
    at: float  # seconds from the beginning of the phase
    kind: str
    target: int  # a slot or a front door, from 0
    length: float  # seconds, for what lasts

    def __str__(self):
        what = TARGETS.get(self.kind.partition("-")[0])
        target = f" {what} {self.target + 1}" if what else ""
        lasting = f" for {self.length:.2f} s" if self.length else ""
        return f"{self.at:5.2f} s  {self.kind}{target}{lasting}"


@dataclass(frozen=True)
class Schedule:
    seed: int
    standby: bool
    faults: tuple

    @property
    def kinds(self):
        return {fault.kind for fault in self.faults}

    @property
    def duration(self):
        return max(fault.at + fault.length for fault in self.faults) + QUIET_AT_THE_END

    @property
    def media_untouched(self):
        """Whether the measured clients keep their sockets, and Janus its memory."""
        return not self.kinds & {*JANUS_KINDS, "door-kill", "door-term", "door-hang"}


def draw(seed, kinds=None, count=None, slots=2, doors=2):
    """`kinds` are those to draw from; without them a mixture is drawn first, mostly one of workers only."""
    chance = random.Random(f"schedule {seed}")
    standby = chance.random() < 0.6
    mixture = chance.choices([kinds for _, kinds in MIXTURES], [weight for weight, _ in MIXTURES])[0]
    kinds = tuple(kinds or mixture)
    faults, moment = [], 0.3
    for number in range(count or chance.randint(2, 4)):
        # What makes a mixture special must not be missed in it.
        special = kinds[-1] if number == 0 and kinds == mixture else None
        kind = special or chance.choice(kinds)
        target = chance.randrange(doors if kind.startswith("door") else slots)
        faults.append(Fault(round(moment, 3), kind, target, _length(kind, chance)))
        moment += chance.choice((0.02, 0.1, 0.4, 0.8, 1.2))  # some while the one before is still being repaired
    return Schedule(seed, standby, tuple(faults))


def expand(words):
    """`worker,janus-kill` → kinds. Raises KeyError for what is neither a kind nor a group."""
    kinds = []
    for word in words.split(","):
        kinds += [word] if word in ALL_KINDS else GROUPS[word]
    return tuple(dict.fromkeys(kinds))


def _length(kind, chance):
    drawn = chance.random()
    if kind.endswith("-hang"):
        return WATCHDOG
    if kind.endswith("-stop"):
        return round(0.1 + 1.4 * drawn, 2)
    if kind == "link-stall":
        return round(0.2 + 1.3 * drawn, 2)
    if kind == "registry-lock":
        return round(0.2 + 1.0 * drawn, 2)
    return 0.0
