"""A private Janus and a gateway before it, as targets of load."""

from contextlib import asynccontextmanager

from harness.gateway import Gateway
from harness.janus import Janus
from harness.running import running

from .generator import Target

SUBSCRIBERS = 50  # publishers that a room admits


@asynccontextmanager
async def site(folder, front_doors=1, trusts_claims=False):
    """One loop a front door, one worker: so that one loop is compared with one loop. Yields the site."""
    janus = Janus(folder)
    await janus.start()
    settings = {
        "General": {"log_level": "notice", "trust_claimed_accounts": "yes" if trusts_claims else "no"},
        "Frontdoor": {"loops": 1}, "Janus": {"max_publishers": SUBSCRIBERS},
        # The generator is one address.
        "Limits": {"connections_per_address": 0, "handshakes_per_address": 0},
    }
    try:
        async with running(Gateway(folder, janus, front_doors, workers=1, slots=1, settings=settings)) as gateway:
            yield Site(janus, gateway)
    finally:
        await janus.stop()


class Site:
    def __init__(self, janus, gateway):
        self.process_of_door = gateway.front_doors[0]
        self.end = gateway.end
        processes = {"door": gateway.front_doors[0].pid, "worker": gateway.workers[0].pid}
        self.gateway = Target("gateway", gateway.socket_url(), processes)
        self.elsewhere = [gateway.socket_url(door) for door in range(1, len(gateway.front_doors))]
        self.janus = Target("janus", janus.api_url, {"janus": janus.process.pid}, secret=janus.api_secret)
