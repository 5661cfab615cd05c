"""A client that is not there any more, and has told nobody: its network is gone, or its machine."""

import pytest_asyncio

from harness.client import Client
from harness.gateway import Gateway
from harness.peer import QuietParticipant
from harness.raw import SOCKET
from harness.running import running
from harness.vanishing import VanishingPath

PING_INTERVAL = 2  # seconds; the pong is due after half of it


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus):
    settings = {"General": {"websocket_ping_interval": PING_INTERVAL}}
    async with running(Gateway(folder, janus, front_doors=1, workers=1, slots=1, settings=settings)) as gateway:
        yield gateway


async def test_B05_a_client_that_has_vanished_is_given_up_and_the_others_are_told(gateway, visitors):
    neighbour = await (await visitors.participant("Neighbour", visitors.new_room())).join()
    path = await VanishingPath(gateway.ports[0]).start()
    client = await Client.connect(f"ws://127.0.0.1:{path.port}{SOCKET}")
    ghost = QuietParticipant(client, "Ghost", neighbour.room)
    try:
        assert await client.became_ready()
        await ghost.join()
        await neighbour.client.event("publishers_joined", neighbour.session)
        path.vanish()
        await neighbour.sees_leave(ghost.session, 2 * PING_INTERVAL + 8)
        assert "limit=pong_time " in gateway.front_doors[0].log.read_text()
    finally:
        await path.stop()
        await ghost.close()
