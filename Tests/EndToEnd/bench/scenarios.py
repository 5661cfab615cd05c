"""The scenarios by their names. Each is one run: the gateway and, beside it, its floor or peer. It returns
{what: (value, reference)}; `table` knows the targets."""

import asyncio

from .generator import echo, relay, result
from .site import site

IDLE = 10_000
COMING_BACK = 5_000
SECONDS = 3


async def p1(folder):
    """Requests that the front door answers itself, beside a WebSocket echo."""
    how = {"connections": 10, "in_flight": 4, "seconds": SECONDS}
    async with site(folder) as ours, echo(folder) as floor:
        reference = await floor.load(folder, "account", **how)
        found = await ours.gateway.load(folder, "account", **how)
        return {
            "requests/s": (found["requests_per_s"], reference["requests_per_s"]),
            "front door CPU, µs": (found["cpu_us_door"], reference["cpu_us_floor"]),
        }


async def p2(folder):
    """A candidate from the client through everything to Janus and the answer back, beside Janus alone."""
    measured = {}
    async with site(folder) as ours:
        for name, connections, in_flight in (("10", 10, 1), ("50", 50, 1), ("10, pipelined", 10, 4)):
            how = {"connections": connections, "in_flight": in_flight, "rooms": connections // 10, "seconds": SECONDS}
            reference = await ours.janus.load(folder, "trickle", **how)
            found = await ours.gateway.load(folder, "trickle", **how)
            measured[f"requests/s, {name}"] = (found["requests_per_s"], reference["requests_per_s"])
            measured[f"gateway CPU, {name}, µs"] = (found["cpu_us_door"] + found["cpu_us_worker"], reference["cpu_us_janus"])
            measured[f"of it front door, {name}, µs"] = (found["cpu_us_door"], None)
            measured[f"sleeps a request, {name}"] = (found["sleeps_door"] + found["sleeps_worker"], None)
    return measured


async def p3(folder):
    """What one client with one request under way waits longer than at Janus, beside the way without any work."""
    how = {"connections": 1, "rooms": 1, "seconds": SECONDS}
    async with site(folder) as ours, relay(folder) as floor:
        alone = await ours.janus.load(folder, "trickle", **how)
        reference = await floor.load(folder, "trickle", **how)
        found = await ours.gateway.load(folder, "trickle", **how)
        return {
            f"added {percentile}, µs": (
                found[f"{percentile}_us"] - alone[f"{percentile}_us"], reference[f"{percentile}_us"])
            for percentile in ("p50", "p99")
        }


async def p4(folder):
    """Fifty participants into five rooms at once, beside Janus alone."""
    how = {"connections": 50, "rooms": 5}
    async with site(folder) as ours:
        reference = await ours.janus.load(folder, "join", **how)
        found = await ours.gateway.load(folder, "join", **how)
        return {
            "joins/s": (found["joins_per_s"], reference["joins_per_s"]),
            "gateway CPU, µs a join": (found["cpu_us_door"] + found["cpu_us_worker"], None),
        }


async def p6(folder):
    """Ten accounts invited, until the last one knows, among ever more connections."""
    measured = {}
    async with site(folder, trusts_claims=True) as ours:
        for connections in (100, 1000, 4000):
            found = await ours.gateway.load(folder, "invite", connections=connections, seconds=SECONDS)
            measured[f"last told p50, among {connections}, µs"] = (found["p50_us"], None)
        first = measured["last told p50, among 100, µs"][0]
        measured["among 4000 beside 100"] = (measured["last told p50, among 4000, µs"][0], first)
    return measured


async def p7(folder):
    """Memory of connections that do nothing."""
    async with site(folder) as ours, echo(folder) as floor:
        reference = await floor.load(folder, "idle", connections=IDLE)
        found = await ours.gateway.load(folder, "idle", connections=IDLE)
        ours = found["memory_kb_door"] + found["memory_kb_worker"]
        return {"KB a connection": (ours, reference["memory_kb_floor"])}


async def p8(folder):
    """Connections from opening to ready; and those of a front door that dies, back at another."""
    measured = {}
    async with site(folder, front_doors=2) as ours, echo(folder) as floor:
        reference = await floor.load(folder, "idle", connections=2000)
        found = await ours.gateway.load(folder, "idle", connections=2000)
        measured["opened/s"] = (found["opened_per_s"], reference["opened_per_s"])
        measured["front door CPU, µs"] = (found["cpu_us_door"], reference["cpu_us_floor"])
        child = await ours.gateway.start(folder, "come-back", connections=COMING_BACK, elsewhere=ours.elsewhere)
        ready = await asyncio.wait_for(child.stdout.readline(), 60)
        if ready == b"ready\n":
            await ours.end(ours.process_of_door)
        measured["all back, s"] = ((await result(child))["back_s"], None)
    return measured


SCENARIOS = {"P1": p1, "P2": p2, "P3": p3, "P4": p4, "P6": p6, "P7": p7, "P8": p8}
