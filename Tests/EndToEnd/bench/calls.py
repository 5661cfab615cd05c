"""Registrations and calls by the hundred, through the gateway to a real registrar, answered and made by sipp.
deploy/bench-calls calls it."""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.checks import nothing_left
from harness.gateway import Gateway
from harness.janus import Janus
from harness.kamailio import Kamailio
from harness.nameserver import NameServer
from harness.ports import own_address
from harness.running import running
from harness.sipp import Sipp
from harness.subscribers import Subscribers

ACCOUNTS = 8  # of one connection
PATIENCE = 120.0  # seconds for any one step of anybody
ECHO, CALLER = "echo", "caller"


@dataclass
class Found:
    """Times in seconds: of everything, and of each call from its request to the answer."""

    registrations: int
    calls: int
    registering: float = 0.0
    unregistering: float = 0.0
    outgoing: float = 0.0
    incoming: float = 0.0
    outgoing_each: list = field(default_factory=list)
    among_registrations: list = field(default_factory=list)


def main():
    options = _options()
    with tempfile.TemporaryDirectory(prefix="continuo-calls-") as folder:
        found = asyncio.run(measure(Path(folder), options.registrations, options.calls))
    _print(found)


async def measure(folder, registrations, calls):
    """Returns what was found; raises when somebody was refused, forgotten, or left behind."""
    found = Found(registrations, calls)
    async with _site(folder) as (gateway, kamailio):
        subscribers = Subscribers(gateway, kamailio)
        echo = Sipp(folder, "uas_answer", kamailio, user=ECHO, at_once=calls + 1)
        try:
            await echo.start()
            await kamailio.place(ECHO, echo.uri)
            people = await _people(subscribers, gateway, registrations)
            await _register(people, kamailio, found)
            await _call_out(people[:calls], kamailio, echo, found)
            await _are_called(people[:calls], kamailio, folder, found)
            await _unregister(people, kamailio, found)
            await nothing_left(gateway, within=PATIENCE)
        finally:
            await echo.stop()
            await subscribers.leave()
    return found


async def _people(subscribers, gateway, count):
    people, client = [], None
    for number in range(count):
        if number % ACCOUNTS == 0:
            client = await subscribers.client(number // ACCOUNTS % len(gateway.ports))
        people.append(await subscribers.subscriber(f"user{number}", client=client))
    return people


async def _register(people, kamailio, found):
    """All at once; the first one calls while the others wait for their turns."""
    began = time.monotonic()
    registering = [asyncio.create_task(_registered(person)) for person in people]
    await registering[0]
    while not all(task.done() for task in registering):
        found.among_registrations.append(await _one_call(people[0], kamailio, len(found.among_registrations)))
    await asyncio.gather(*registering)
    found.registering = time.monotonic() - began
    missing = {kamailio.address_of(person.user) for person in people} - set(await kamailio.registrations())
    assert not missing, f"the registrar does not know {sorted(missing)[:10]}"


async def _registered(person):
    await person.client.acked("account-register", account=person.account)
    await _told(person, "registration_state", state="registered")


async def _told(person, event, **data):
    """Several accounts share a connection: the event of this one."""
    client, deadline = person.client, time.monotonic() + PATIENCE
    after = -1
    while True:
        await client.event(event, after=after, within=deadline - time.monotonic(), **data)
        position, message = client.events(event, after=after, **data)[0]
        if message["account"] == person.account:
            return message
        after = position


async def _one_call(person, kamailio, number):
    """How long it took from the request to the answer."""
    began = time.monotonic()
    call = await person.dial_silently(kamailio.address_of(ECHO), f"among-{number}")
    await call.told("accepted", PATIENCE)
    took = time.monotonic() - began
    await call.terminate()
    await call.ends(within=PATIENCE)
    return took


async def _call_out(people, kamailio, echo, found):
    """All set up, then all in a call at once, then all torn down."""
    async def one(person):
        called = time.monotonic()
        call = await person.dial_silently(kamailio.address_of(ECHO), f"out-{person.user}")
        await call.told("accepted", PATIENCE)
        found.outgoing_each.append(time.monotonic() - called)
        return call

    answered = echo.counts().succeeded
    began = time.monotonic()
    calls = await asyncio.gather(*(one(person) for person in people))
    found.outgoing = time.monotonic() - began
    await echo.is_in_calls(len(people))
    await _torn_down(calls)
    await echo.succeeds(answered + len(people), PATIENCE)


async def _are_called(people, kamailio, folder, found):
    """sipp calls everybody, everybody answers, and everybody hangs up."""
    password = await kamailio.add_user(CALLER)
    caller = Sipp(folder, "uac_stay", kamailio, rows=[(CALLER, password, person.user) for person in people],
                  rate=max(10, len(people)), at_once=len(people), name="Caller")

    async def answered(person):
        message = await _told(person, "incoming_session")
        call = person.taken(message)
        await person.answer_silently(call)
        await call.told("accepted", PATIENCE)
        return call

    began = time.monotonic()
    await caller.start()
    try:
        calls = await asyncio.gather(*(answered(person) for person in people))
        found.incoming = time.monotonic() - began
        await caller.is_in_calls(len(people))
        await _torn_down(calls)
        counts = await caller.finished(PATIENCE)
        assert counts.failed == 0 and counts.succeeded == len(people), f"{counts}\n{caller.trouble()}"
    finally:
        await caller.stop()


async def _torn_down(calls):
    await asyncio.gather(*(call.terminate() for call in calls))
    await asyncio.gather(*(call.ends("200", PATIENCE) for call in calls))


async def _unregister(people, kamailio, found):
    began = time.monotonic()
    await asyncio.gather(*(person.unregister() for person in people))
    await kamailio.forget_places()
    await kamailio.nothing_registered(PATIENCE)
    found.unregistering = time.monotonic() - began


@asynccontextmanager
async def _site(folder):
    """Registrar, name server, Janus and a gateway of two front doors and two slots; ended in the reverse order."""
    async with AsyncExitStack() as stack:
        kamailio = Kamailio(folder, address=own_address())
        name_server = NameServer(folder, kamailio.domain)
        janus = Janus(folder)
        for one in (kamailio, name_server, janus):
            await one.start()
            stack.push_async_callback(one.stop)
        await name_server.publish(
            name_server.srv(f"_sip._udp.{kamailio.domain}", f"proxy.{kamailio.domain}", kamailio.port),
            name_server.host(f"proxy.{kamailio.domain}", kamailio.address), ttl=300)
        settings = {
            "General": {"log_level": "notice", "trust_claimed_accounts": "no"},
            "Worker": {"dns_servers": f"{name_server.address}:{name_server.port}"},
            # All come from one address.
            "Limits": {"connections_per_address": 0, "handshakes_per_address": 0},
        }
        gateway = Gateway(folder, janus, workers=2, slots=2, settings=settings)
        yield await stack.enter_async_context(running(gateway)), kamailio


def _print(found):
    def rate(count, seconds):
        return f"{count / seconds:7.1f} a second, {count} in {seconds:.1f} s"

    def spread(times):
        times = sorted(times)
        return f"median {times[len(times) // 2]:.3f} s, worst {times[-1]:.3f} s"

    print(f"registrations       {rate(found.registrations, found.registering)}")
    print(f"call set-ups, out   {rate(found.calls, found.outgoing)}; {spread(found.outgoing_each)}")
    print(f"call set-ups, in    {rate(found.calls, found.incoming)}")
    if found.among_registrations:
        print(f"a call meanwhile    {spread(found.among_registrations)}, of {len(found.among_registrations)} "
              "while others were registered")
    print(f"unregistrations     {rate(found.registrations, found.unregistering)}")
    print("nothing left        in Janus, in the registry and at the registrar")


def _options():
    parser = argparse.ArgumentParser(prog="deploy/bench-calls")
    parser.add_argument("--registrations", type=int, default=200)
    parser.add_argument("--calls", type=int, default=50)
    options = parser.parse_args()
    if not 1 <= options.calls <= options.registrations:
        parser.error("--calls: at least 1, and at most one for each registration")
    return options


if __name__ == "__main__":
    sys.exit(main())
