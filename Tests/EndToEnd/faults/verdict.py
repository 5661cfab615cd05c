"""The checker's verdict on a few visitors, for tests that make one fault themselves."""

from harness.waiting import until_empty

from .agreement import disagreements
from .checker import Checker
from .transcript import Transcript


def transcripts(gateway, participants):
    doors = {gateway.socket_url(door): door for door in range(len(gateway.ports))}
    return [Transcript.of(person.client, person.name, person.room, doors[person.client.url], person.media)
            for person in participants]


async def nobody_noticed(gateway, participants, within=20.0, lists_may_be_skipped=False):
    """Every request was answered once and not refused, every state told once and in order, nothing is owed; all in a room see
    the same, and so does Janus, which holds no more than the rows say.

    `lists_may_be_skipped`: of several lists of active participants that one missed while a worker was away, the last one counts."""
    async def wrong():
        found = Checker(transcripts(gateway, participants), ()).check_debts()
        return [violation.text for violation in found] or await disagreements(gateway, _rosters(gateway, participants))

    await until_empty(wrong, within, "what is still owed")
    violations = Checker(transcripts(gateway, participants), (), lists_may_be_skipped).check()
    assert not violations, "\n".join(f"{violation.invariant}: {violation.text}" for violation in violations)
    await until_empty(lambda: _strangers(gateway), within, "what Janus holds beyond the rows")


def _rosters(gateway, participants):
    return [(transcript.room, transcript.name, session, transcript.roster(session), transcript.media,
             transcript.active(session))
            for transcript in transcripts(gateway, participants) if (session := transcript.live())]


async def _strangers(gateway):
    """Handles of no session, or several of one; rooms of no row."""
    handles = [handle.purpose for handle in await gateway.janus.inspector.session_handles()]
    rows = {row["id"] for row in gateway.registry.sessions()}
    rooms = {row["janus_room"] for row in gateway.registry.rooms()}
    return ([purpose for purpose in handles if purpose not in rows or handles.count(purpose) > 1]
            + [room["description"] for room in await gateway.janus.inspector.rooms() if room["room"] not in rooms])
