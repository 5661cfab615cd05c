"""What must be true when everybody has left."""

import asyncio

from .waiting import until_empty

CLEARING = 0.3  # seconds of Janus's between a call that is over and one that may come, of which it does not tell


async def nothing_left(gateway, within=20.0, connected=(), staying=()):
    """Janus holds no handle of a session, no call and no room of ours; the registry has no row for either, and knows of no
    account but those of participants who are still connected. `staying`: subscribers whose registrations and calls go on."""
    accounts = {participant.account for participant in (*connected, *staying)}
    subscribers = {subscriber.account for subscriber in staying}
    await until_empty(lambda: _leftovers(gateway, accounts, subscribers), within, "what clients left behind")


async def calls_are_over(gateway, within=10.0, staying=()):
    """No handle in Janus has one, but those of the subscribers who stay in theirs."""
    subscribers = {subscriber.account for subscriber in staying}
    await until_empty(lambda: _calls_of_others(gateway, subscribers), within, "calls in Janus")


async def nothing_left_of(gateway, sessions, within=20.0):
    """The same for some sessions, by their internal ids as the registry has them."""
    async def leftovers():
        handles = [handle.opaque_id for handle in await gateway.janus.inspector.session_handles()
                   if handle.purpose in sessions]
        rows = [row["id"] for row in gateway.registry.sessions() if row["id"] in sessions]
        return {"handles": handles, "rows": rows} if handles or rows else {}

    await until_empty(leftovers, within, "what the lost sessions left behind")


async def line_is_free(gateway):
    """Janus takes no call for an account, and says that it is busy, while it still clears up the call before."""
    async def busy():
        return [handle.plugin for handle in await gateway.janus.inspector.session_handles()
                if handle.plugin.get("call_status", "idle") != "idle"
                or any(handle.plugin.get(state) for state in ("establishing", "established", "hangingup"))]

    await until_empty(busy, 10, "calls that are cleared up")
    await asyncio.sleep(CLEARING)


def sessions_of(gateway, participants):
    """Internal ids of all sessions, feeds included, of these participants."""
    accounts = {participant.account for participant in participants}
    return {row["id"] for row in gateway.registry.sessions() if row["account"] in accounts}


async def _calls_of_others(gateway, accounts):
    rows = [row for row in gateway.registry.sessions() if row["account"] in accounts]
    return [(handle.opaque_id, handle.plugin) for handle in await gateway.janus.inspector.handles()
            if handle.is_in_a_call and not _is_of(handle, rows)]


def _is_of(handle, rows):
    """A registration's helper is named after it; an outgoing call's handle has only its number in the row."""
    return (handle.purpose.removeprefix("spare-") in {row["id"] for row in rows}
            or handle.id in {row["handle"] for row in rows})


async def _leftovers(gateway, accounts, subscribers):
    rows = [row for row in gateway.registry.sessions() if row["account"] in subscribers]
    left = {
        "handles": [handle.opaque_id for handle in await gateway.janus.inspector.session_handles()
                    if not _is_of(handle, rows)],
        "calls": await _calls_of_others(gateway, subscribers),
        "Janus rooms": [room["description"] for room in await gateway.janus.inspector.rooms()],
        "room rows": [row["uri"] for row in gateway.registry.rooms()],
        "accounts": [row["account"] for row in gateway.registry.claimed() if row["account"] not in accounts],
        "session rows": [(row["role"], row["account"], row["ended"]) for row in gateway.registry.sessions()
                         if row["account"] not in subscribers],
    }
    return {kind: found for kind, found in left.items() if found}
