"""Whether all who are in a room agree with each other, and Janus with them."""

import json


async def disagreements(gateway, rosters):
    """`rosters` holds (room, name, session, whom it sees, whether others see it, who is prominent) of everybody live."""
    found = []
    in_janus = await _listed(gateway)
    rooms = {room for room, *_ in rosters} | in_janus.keys()
    for room in sorted(rooms):
        members = [entry for entry in rosters if entry[0] == room]
        seen = {session for _, _, session, _, media, _ in members if media}
        for _, name, session, sees, _, _ in members:
            if set(sees) != seen - {session}:
                found.append(f"{room}: {session} sees too many {sorted(set(sees) - seen)}, "
                             f"misses {sorted(seen - {session} - set(sees))}")
        everybody = sorted(name for _, name, *_ in members)
        publishing = sorted(name for _, name, _, _, media, _ in members if media)
        found += _disagreements_on_active(gateway, room, members)
        listed = in_janus.get(room, [])
        if sorted(name for name, _ in listed) != everybody:
            found.append(f"{room}: Janus lists {sorted(name for name, _ in listed)}, live are {everybody}")
        elif sorted(name for name, publisher in listed if publisher) != publishing:
            found.append(f"{room}: Janus has as publishers {sorted(name for name, publisher in listed if publisher)}, "
                         f"not {publishing}")
    return found


def _disagreements_on_active(gateway, room, members):
    """Everybody knows the same who are prominent, all of them are there, and the registry has as many."""
    found = [f"{room}: {session} sees {active} as prominent, {members[0][2]} {members[0][5]}"
             for _, _, session, _, _, active in members if active != members[0][5]]
    active = members[0][5] if members else []
    gone = set(active) - {session for _, _, session, _, _, _ in members}
    if gone:
        found.append(f"{room}: prominent and not there are {sorted(gone)}")
    recorded = next((json.loads(row["active_participants"]) for row in gateway.registry.rooms() if row["uri"] == room), [])
    if len(recorded) != len(active):
        found.append(f"{room}: prominent in the registry are {len(recorded)}, told are {active}")
    return found


async def _listed(gateway):
    """Names in each of our rooms, and whether their media is up."""
    uris = {row["janus_room"]: row["uri"] for row in gateway.registry.rooms()}
    listed = {}
    for room in await gateway.janus.inspector.rooms():
        answer = await gateway.janus.inspector.request(
            "message_plugin", plugin="janus.plugin.videoroom",
            request={"request": "listparticipants", "room": room["room"]})
        names = [(person.get("display"), person["publisher"]) for person in answer["response"].get("participants", [])]
        listed[uris.get(room["room"], f"room {room['room']} without a row")] = names
    return listed
