"""Whether all who are in a room agree with each other, and Janus with them."""


async def disagreements(gateway, rosters):
    """`rosters` holds (room, name, session, whom it sees, whether others see it) of everybody live."""
    found = []
    in_janus = await _listed(gateway)
    rooms = {room for room, *_ in rosters} | in_janus.keys()
    for room in sorted(rooms):
        members = [entry for entry in rosters if entry[0] == room]
        seen = {session for _, _, session, _, media in members if media}
        for _, name, session, sees, _ in members:
            if set(sees) != seen - {session}:
                found.append(f"{room}: {session} sees too many {sorted(set(sees) - seen)}, "
                             f"misses {sorted(seen - {session} - set(sees))}")
        everybody = sorted(name for _, name, *_ in members)
        publishing = sorted(name for _, name, _, _, media in members if media)
        listed = in_janus.get(room, [])
        if sorted(name for name, _ in listed) != everybody:
            found.append(f"{room}: Janus lists {sorted(name for name, _ in listed)}, live are {everybody}")
        elif sorted(name for name, publisher in listed if publisher) != publishing:
            found.append(f"{room}: Janus has as publishers {sorted(name for name, publisher in listed if publisher)}, "
                         f"not {publishing}")
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
