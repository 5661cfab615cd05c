"""Debian's Janus, with the configuration the project ships, on ports of its own."""

import secrets
import signal
import subprocess

import aiohttp

from .janus_inspector import JanusInspector
from .paths import JANUS_CONFIG
from .ports import free_port
from .process import Process
from .waiting import eventually


class Janus:
    def __init__(self, folder):
        self.api_port, self.admin_port = free_port(), free_port()
        self.api_secret, self.admin_secret = secrets.token_hex(16), secrets.token_hex(16)
        self._configuration = folder / "janus"
        self.process = Process("janus", ["janus", "--configs-folder", self._configuration], folder / "janus.log")
        self.inspector = JanusInspector(self.admin_url, self.admin_secret)

    @property
    def api_url(self):
        return f"ws://127.0.0.1:{self.api_port}"

    @property
    def admin_url(self):
        return f"ws://127.0.0.1:{self.admin_port}"

    async def start(self):
        subprocess.run(
            [JANUS_CONFIG, self._configuration, str(self.api_port), str(self.admin_port), self.api_secret, self.admin_secret],
            check=True)
        await self.process.start()
        await eventually(self._answers, 15, "janus to answer")

    async def kill(self):
        """As a crash would: everything in it is lost."""
        self.process._child.kill()
        await self.process.ended(10)

    async def restart(self):
        await self.process.start()
        await eventually(self._answers, 15, "janus to answer again")

    async def stop(self):
        await self.inspector.close()
        await self.process.stop()

    def mishap(self):
        """What nobody may bring it to: that a signal ended it which nobody here has sent, with what it said last, or that its
        SIP plugin stood still."""
        if self.process.status in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS):
            return f"{self.process!r} crashed:\n{self.process.last_lines()}"
        pauses = self.process.log.read_text(errors="replace").count("still no NUA")
        return f"{self.process!r}: the SIP plugin waited {pauses} times for a handle that was detached too early" if pauses else None

    async def _answers(self):
        assert self.process.running, f"janus ended with status {self.process.status}:\n{self.process.last_lines()}"
        try:
            await self.inspector.request("ping")
            return True
        except aiohttp.ClientError:
            return False
