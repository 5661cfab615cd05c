"""A registrar and proxy: Kamailio, for one domain, with digest authentication and locations in memory."""

import hashlib
import os
import secrets
import signal
from contextlib import suppress

import aiohttp

from .paths import PHONES
from .ports import free_port
from .process import Process
from .waiting import eventually, until_empty


class Kamailio:
    """An account is everything before @domain; all ports are those of UDP and TCP."""

    def __init__(self, folder, name="kamailio", domain="phones.test", address="127.0.0.1", expires=3600,
                 trying_timeout=5000, ringing_timeout=60000):
        """`expires` (seconds) is the longest registration granted; a next hop has so many milliseconds for a first
        answer to a request, and a phone so many to ring."""
        self.domain, self.address, self.port = domain, address, free_port()
        self._folder = folder / name
        self._folder.mkdir()
        self._passwords, self._placed = {}, set()
        configuration = self._folder / "kamailio.cfg"
        text = (PHONES / "kamailio.cfg").read_text()
        for place, value in {
                "DOMAIN": domain, "EXPIRES": expires, "TRYING_TIMEOUT": trying_timeout,
                "RINGING_TIMEOUT": ringing_timeout,
                "LISTEN": "\n".join(f"listen={kind}:{address}:{self.port}" for kind in ("udp", "tcp"))}.items():
            assert f"@{place}@" in text, place
            text = text.replace(f"@{place}@", str(value))
        configuration.write_text(text)
        self.process = Process(
            name, ["kamailio", "-DD", "-E", "-f", configuration, "-m", "32", "-M", "4", "-w", self._folder,
                   "-Y", self._folder, "-P", self._folder / "pid"], folder / f"{name}.log")

    # MARK: where it is

    @property
    def uri(self):
        return f"sip:{self.address}:{self.port}"

    def address_of(self, user):
        return f"{user}@{self.domain}"

    # MARK: running

    async def start(self):
        """Locations are forgotten over a restart, users are not."""
        await self.process.start()
        await eventually(self._answers, 15, "kamailio to answer")
        for user, password in self._passwords.items():
            await self._tell_password(user, password)

    async def stop(self):
        """Whatever state it is in."""
        if self.process.running:
            self.resume()
            status = await self.process.stop()
            assert status in (0, -signal.SIGTERM), f"{self.process}\n{self.process.last_lines()}"

    async def kill(self):
        """As a crash would: no answer to anything, no FIN that it had a say in."""
        self._signal_all(signal.SIGKILL)
        await self.process.ended(10)

    def pause(self):
        """Everything that arrives waits, until it resumes or everybody has lost patience."""
        self._signal_all(signal.SIGSTOP)

    def resume(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number):
        """It has children, all in the group that Process has made."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    # MARK: users and what they are allowed

    async def add_user(self, user, password=None):
        """Returns the password: that one, the one they have already, or a new one."""
        password = password or self._passwords.get(user) or secrets.token_hex(8)
        self._passwords[user] = password
        if self.process.running:
            await self._tell_password(user, password)
        return password

    async def add_users(self, users):
        """{user: password}"""
        return {user: await self.add_user(user) for user in users}

    def password(self, user):
        return self._passwords[user]

    def ha1(self, user):
        text = f"{user}:{self.domain}:{self._passwords[user]}"
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    async def place(self, user, uri):
        """Says where a user is who does not register: one more contact."""
        self._placed.add(user)
        await self.call("ul.add", "location", self.address_of(user), uri, 0, 1.0, "", 0, 0, 0x7fffffff)

    async def forget_places(self):
        """All that `place` has said, and only that."""
        for user in self._placed:
            await self.forget(user)
        self._placed.clear()

    async def forget(self, user):
        """Wherever it is said to be: a registrar that has lost it, or phones that are gone for good."""
        with suppress(KamailioError):
            await self.call("ul.rm", "location", self.address_of(user))

    async def answer_registrations(self, how):
        """`normal`; `silent`; `silent-when-authenticated`, which falls silent after its challenge; or a status."""
        await self.call("htable.sets", "settings", "register", how)

    async def ring_for(self, milliseconds):
        """How long a phone may ring from now on; then the call is cancelled there, and the caller told 408. None: as long as
        was said in the beginning."""
        if milliseconds:
            await self.call("htable.sets", "settings", "ringing", str(milliseconds))
        else:
            with suppress(KamailioError):
                await self.call("htable.delete", "settings", "ringing")

    async def _tell_password(self, user, password):
        await self.call("htable.sets", "passwords", self.address_of(user), password)

    # MARK: looking inside

    async def registrations(self):
        """{user@domain: [contact URI, …]} of all registrations that have not run out."""
        try:
            answer = await self.call("ul.dump")
        except KamailioError:
            return {}
        found = {}
        for domain in answer["Domains"]:
            for entry in domain["Domain"]["AoRs"]:
                record = entry["Info"]
                contacts = [contact["Contact"]["Address"] for contact in record["Contacts"]
                            if contact["Contact"]["Expires"] not in ("expired", "deleted")]
                if contacts:
                    found[record["AoR"]] = contacts
        return found

    async def contacts(self, user):
        return (await self.registrations()).get(self.address_of(user), [])

    async def registered(self, user, count=1, within=10.0):
        """Waits until the user has so many contacts."""
        async def enough():
            return len(await self.contacts(user)) == count

        await eventually(enough, within, f"{count} contacts of {user}")

    async def nothing_registered(self, within=10.0, but=()):
        """`but`: users who may be."""
        allowed = {self.address_of(user) for user in but}

        async def some():
            return sorted(set(await self.registrations()) - allowed)[:10]

        await until_empty(some, within, "registrations")

    async def dialled(self, user=None):
        """{Call-ID: INVITEs that began it} of the calls that this user, or anybody, made through it. Repeats that UDP asks for
        and the first try, which is challenged, are left out: each call has one, or somebody has dialled twice."""
        try:
            answer = await self.call("htable.dump", "dialled")
        except KamailioError:
            return {}
        entries = [item for slot in answer for item in slot["slot"]]
        pairs = [(*item["name"].split(" ", 1), int(item["value"])) for item in entries]
        return {call: count for caller, call, count in pairs if user in (None, caller)}

    async def transactions(self):
        """The number of transactions that are not over."""
        return int((await self.call("tm.stats"))["current"])

    # MARK: what it is asked over HTTP

    async def call(self, method, *arguments):
        """One JSON-RPC request."""
        request = {"jsonrpc": "2.0", "method": method, "params": list(arguments), "id": 1}
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            async with http.post(f"http://{self.address}:{self.port}/", json=request) as response:
                answer = await response.json(content_type=None)
        if "error" in answer:
            raise KamailioError(f"{method}: {answer['error'].get('message')}")
        return answer.get("result")

    async def _answers(self):
        assert self.process.running, f"{self.process}\n{self.process.last_lines()}"
        try:
            await self.call("core.uptime")
            return True
        except aiohttp.ClientError:
            return False


class KamailioError(Exception):
    pass
