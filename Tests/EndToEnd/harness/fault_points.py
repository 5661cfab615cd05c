"""Workers that kill themselves at a named step of a request, once."""

import shlex

LAUNCHER = """#!/bin/sh
# What is to be set can change from one start to the next.
. {environment}
exec {worker} "$@"
"""


class FaultPoints:
    """Give `launcher` to a gateway as its worker."""

    def __init__(self, folder, worker):
        self._environment = folder / "worker.env"
        self._mark = folder / "killed"
        self.launcher = folder / "worker"
        self.launcher.write_text(LAUNCHER.format(
            environment=shlex.quote(str(self._environment)), worker=shlex.quote(str(worker))))
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

    @property
    def reached(self):
        return self._mark.exists()
