"""A name server: dnsmasq, which knows the records a test gives it and nothing else."""

import asyncio
import signal
import socket

from .ports import free_port
from .process import Process
from .waiting import eventually

# A question without a name, and who reads it answers something: a query of one root NS.
_PROBE = bytes.fromhex("0001010000010000000000000000020001")


class NameServer:
    """It serves `domain` and all below it: what is not published there does not exist. Everything else is refused."""

    def __init__(self, folder, domain="phones.test", name="dnsmasq"):
        self.address, self.port = "127.0.0.1", free_port()
        self._domain = domain
        self._folder = folder / name
        self._folder.mkdir()
        self._configuration = self._folder / "dnsmasq.conf"
        self._records, self._ttl = [], 0
        self._log = folder / f"{name}.log"
        self.process = Process(
            name, ["dnsmasq", "--keep-in-foreground", "--conf-file=" + str(self._configuration)], self._log)

    async def start(self):
        self._configure()
        await self.process.start()
        await eventually(self._answers, 10, "dnsmasq to answer")

    async def stop(self):
        if self.process.running:
            self.resume()
            status = await self.process.stop()
            assert status in (0, -signal.SIGTERM), f"{self.process}\n{self.process.last_lines()}"

    def pause(self):
        """Nothing is answered; what has been asked is, when it resumes."""
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        self.process.signal(signal.SIGCONT)

    # MARK: records

    async def publish(self, *records, ttl=0):
        """In the place of all that was known before: what `naptr`, `srv` and `host` return; `ttl` (seconds) is that of
        all. It is away for a moment."""
        self._records, self._ttl = list(records), ttl
        if self.process.running:
            await self.stop()
            await self.start()

    async def add(self, *records):
        await self.publish(*self._records, *records, ttl=self._ttl)

    @staticmethod
    def naptr(name, order, preference, service, replacement, flags="s"):
        """`service` such as SIP+D2U."""
        return f'naptr-record={name},{order},{preference},{flags},{service},"",{replacement}'

    @staticmethod
    def srv(name, target, port, priority=0, weight=0):
        """`name` such as _sip._udp.phones.test; a `target` of "." says that there is none."""
        return f"srv-host={name},{target},{port},{priority},{weight}" if target != "." else f"srv-host={name}"

    @staticmethod
    def host(name, *addresses):
        """A for IPv4 addresses, AAAA for others. Each name at most once."""
        return f"host-record={name},{','.join(addresses)}"

    # MARK: what it was asked

    def questions(self, name=""):
        """[(type, name), …] in order since the beginning, all or those for one name; what starting asks is left out."""
        found = []
        for line in self._log.read_text(errors="replace").splitlines():
            words = line.split()
            for position, word in enumerate(words[:-1]):
                if word.startswith("query[") and words[position + 1] not in (".", "from"):
                    found.append((word[len("query["):-1], words[position + 1].lower()))
        return [question for question in found if not name or question[1] == name.lower()]

    # MARK: the rest

    def _configure(self):
        lines = [
            f"port={self.port}", f"listen-address={self.address}", "bind-interfaces", "no-resolv", "no-hosts",
            "no-poll", "pid-file=", "cache-size=0", "log-queries", "log-facility=-", f"local=/{self._domain}/",
            f"local-ttl={self._ttl}", *self._records]
        self._configuration.write_text("".join(f"{line}\n" for line in lines))

    async def _answers(self):
        assert self.process.running, f"{self.process}\n{self.process.last_lines()}"
        return await asyncio.to_thread(self._asked_once)

    def _asked_once(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            client.connect((self.address, self.port))
            try:
                client.send(_PROBE)
                return bool(client.recv(512))
            except OSError:
                return False
