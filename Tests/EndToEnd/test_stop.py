"""A gateway that is stopped in the middle of a conference."""

from harness.hall import SIZE
from harness.waiting import until_empty


async def test_a_stopped_gateway_tells_its_clients_and_leaves_nothing_in_janus(visitors, gateway, janus):
    room = visitors.new_room()
    people = [await (await visitors.participant(f"Guest {number}", room, number % 2)).join() for number in range(SIZE)]
    await gateway.stop()
    for person in people:
        await person.client.closes()
        assert person.client.close_code == 1001
    assert await janus.inspector.handles() == []
    assert await janus.inspector.rooms() == []
    assert gateway.registry.rooms() == [] and gateway.registry.sessions() == []
    await until_empty(lambda: [path.name for path in gateway.bus_directory.iterdir() if path.suffix == ".ipc"], 1, "sockets")
