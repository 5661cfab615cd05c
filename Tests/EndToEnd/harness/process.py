"""One child process, known by its pid, writing to a log file."""

import asyncio
import ctypes
import os
import signal

from .precedence import precede

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Process:
    def __init__(self, name, command, log, environment=None, descriptors=()):
        """`descriptors` are open in the process under the same numbers."""
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self._environment = {**os.environ, **(environment or {})}
        self._descriptors = tuple(descriptors)
        self._child = None

    def __repr__(self):
        return f"{self.name} (pid {self.pid}, status {self.status})"

    async def start(self):
        """Starts it, or starts it again; the log goes on."""
        with open(self.log, "ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                *self.command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment,
                start_new_session=True, preexec_fn=_prepare, pass_fds=self._descriptors)

    @property
    def pid(self):
        return self._child.pid if self._child else None

    @property
    def status(self):
        """None while it runs; minus the signal's number when a signal ended it."""
        return self._child.returncode if self._child else None

    @property
    def running(self):
        return self._child is not None and self._child.returncode is None

    async def ended(self, within=None):
        """Waits for its end and returns the status."""
        return await asyncio.wait_for(self._child.wait(), within)

    def signal(self, number):
        assert self.running, f"{self} does not run"
        self._child.send_signal(number)

    async def stop(self, within=10.0):
        """SIGTERM, and SIGKILL for what does not listen. Returns the status."""
        if self.running:
            self.signal(signal.SIGTERM)
            try:
                return await self.ended(within)
            except asyncio.TimeoutError:
                self._child.kill()
        return await self.ended()

    def prefer(self):
        """Lets it and its threads go first on a busy machine, where that is allowed."""
        precede(-10, self.pid)

    def last_lines(self, count=25):
        try:
            with open(self.log, errors="replace") as log:
                return "".join(log.readlines()[-count:])
        except FileNotFoundError:
            return ""


def _prepare():
    # Should the tests themselves be killed, nothing lives on.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # A shell in the background ignores it and would pass that on.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
