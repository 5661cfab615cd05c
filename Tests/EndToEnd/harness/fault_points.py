"""Workers that kill themselves at a named step of a request, once."""

import shlex
import signal
import subprocess

from .paths import fault_worker
from .waiting import eventually

LAUNCHER = """#!/bin/sh
# What is to be set can change from one start to the next.
. {environment}
exec {worker} "$@"
"""


def both_sides(steps):
    """`room.claim join.send`: the points before and after each."""
    return [f"{step}.{side}" for step in steps.split() for side in ("before", "after")]


def known_points():
    """The names of all, as the worker tells them: (those of conferences, those of registrations and calls)."""
    told = subprocess.run([fault_worker(), "fault-points"], capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, f"{fault_worker()} is no debug build with fault points: {told.stderr}"
    points = told.stdout.split()
    of_telephones = [point for point in points if point.startswith(("call.", "registration."))]
    return [point for point in points if point not in of_telephones], of_telephones


class FaultPoints:
    """Give `launcher` to a gateway as its worker."""

    def __init__(self, folder):
        self._environment = folder / "worker.env"
        self._mark = folder / "killed"
        self.launcher = folder / "worker"
        self.launcher.write_text(LAUNCHER.format(
            environment=shlex.quote(str(self._environment)), worker=shlex.quote(str(fault_worker()))))
        self.launcher.chmod(0o755)
        self.disarm()

    def arm(self, point):
        """For workers that start from now on: the first to reach the point dies there."""
        self._mark.unlink(missing_ok=True)
        self._environment.write_text(
            f"export CONTINUO_KILL_AT={shlex.quote(point)} CONTINUO_KILL_MARK={shlex.quote(str(self._mark))}\n")

    def disarm(self):
        """Also for who is running: whoever finds the mark lives on."""
        self._environment.write_text("")
        self._mark.touch()

    async def kill(self, gateway, point, act):
        """The gateway's only worker dies at the point, in what `act` does, and is back."""
        worker, former = gateway.workers[0], gateway.holders()
        self.arm(point)
        await gateway.end(worker, signal.SIGTERM)
        await gateway.changed_hands(former)
        await act()
        await eventually(lambda: self.reached, what=f"that {point} is reached")

    @property
    def reached(self):
        return self._mark.exists()
