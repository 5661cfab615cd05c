"""Who goes first on a machine that is too small for everybody: media that is measured before a gateway, that before a mob."""

import os
from contextlib import suppress


def precede(nice, leader=None):
    """Gives a process that leads a session of its own (nobody: this one does) and all its threads another place, -20 (first) to
    19, where that is allowed.

    The kernel may share the processors among sessions and only then by nice values (sched(7), autogroup): then the session
    needs the value, too, or those inside it go first only among themselves.
    """
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PGRP, leader or os.getpid(), nice)
    with suppress(PermissionError, FileNotFoundError), open(f"/proc/{leader or os.getpid()}/autogroup", "w") as group:
        group.write(str(nice))
