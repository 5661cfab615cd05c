"""Telephones for the load: a registrar, some that always do the same, and friends who do as they are told."""

import asyncio

from harness.baresip import Baresip
from harness.kamailio import Kamailio
from harness.nameserver import NameServer
from harness.ports import own_address
from harness.sipp import Sipp
from harness.waiting import until_empty

# Whom clients call: they stay until the caller hangs up, hang up, refuse, or ring for ever.
ECHO, HANGER, REFUSER, RINGER = "echo", "hanger", "refuser", "ringer"
SCENARIOS = {
    ECHO: ("uas_answer", {}), HANGER: ("uas_hangup", {"talk": 300}),
    REFUSER: ("uas_ring_refuse", {"ringing": 100, "status": "486 Busy Here"}), RINGER: ("uas_ring", {})}
SPEAKER = "speaker"  # whose sound is measured
HANGING_UP = 20.0  # seconds until the last telephone is free


class Exchange:
    def __init__(self, folder, friends):
        """So many friends, each of whom calls one client."""
        self._folder = folder
        self.kamailio = Kamailio(folder, address=own_address())
        self._name_server = NameServer(folder, self.kamailio.domain)
        self.friends, self._callees, self._speaker = [], {}, None
        self._wanted = [f"friend{number}" for number in range(friends)]

    @property
    def settings(self):
        """What workers must be told of it, in a gateway's settings."""
        return {"Worker": {"dns_servers": f"{self._name_server.address}:{self._name_server.port}"}}

    async def start(self):
        await self._name_server.publish(
            self._name_server.srv(
                f"_sip._udp.{self.kamailio.domain}", f"proxy.{self.kamailio.domain}", self.kamailio.port),
            self._name_server.host(f"proxy.{self.kamailio.domain}", self.kamailio.address), ttl=300)
        await asyncio.gather(self.kamailio.start(), self._name_server.start())
        await self.kamailio.add_users([*self._wanted, SPEAKER])
        self.friends = [Baresip(self._folder, user, self.kamailio) for user in self._wanted]
        self._speaker = Baresip(self._folder, SPEAKER, self.kamailio, answers=True)
        self._callees = {
            user: Sipp(self._folder, scenario, self.kamailio, user=user, **places)
            for user, (scenario, places) in SCENARIOS.items()}
        await asyncio.gather(*(phone.start() for phone in [*self._phones, *self._callees.values()]))
        self._speaker.process.prefer()  # a pause of its own would be a gap in what is measured
        for user, callee in self._callees.items():
            await self.kamailio.place(user, callee.uri)

    async def stop(self):
        """Whatever they are doing."""
        for phone in self._phones:
            if phone.process.running:
                await phone.kill()
        for callee in self._callees.values():
            await callee.stop()
        await self._name_server.stop()
        await self.kamailio.stop()

    def address_of(self, user):
        return self.kamailio.address_of(user)

    @property
    def _phones(self):
        return [*self.friends, *([self._speaker] if self._speaker else [])]

    # MARK: what must be true when all clients have left

    async def everybody_has_hung_up(self):
        await until_empty(self._busy, HANGING_UP, "telephones that ring or are in a call")

    async def nobody_is_registered(self):
        """But those that do so themselves."""
        await self.kamailio.nothing_registered(but=[*self._wanted, SPEAKER, *self._callees])

    async def _busy(self):
        return ([user for user, callee in self._callees.items() if callee.counts().current]
                + [phone.user for phone in self._phones if await phone.call_count()])
