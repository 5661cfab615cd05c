"""A front door whose only worker is gone."""

import pytest_asyncio

from harness.client import Client
from harness.gateway import Gateway
from harness.offer import offer
from harness.raw import get, upgrade
from harness.running import running
from harness.waiting import eventually

PATIENCE = 5.0  # seconds without a serving worker that a front door bears; it may take 3 more to notice the loss


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus):
    async with running(Gateway(folder, janus, front_doors=1, workers=1, slots=1)) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def unserved(gateway):
    """The gateway, its worker gone for the time of one test; and a client who was there before."""
    client = await Client.connect(gateway.socket_url())
    assert await client.became_ready()
    await gateway.take_away(gateway.workers[0])
    yield client
    await client.close()
    client.check()
    gateway.bring_back(gateway.workers[0])
    await gateway.serving()


async def test_B01_B03_who_waits_for_ready_is_closed_after_a_while_and_who_comes_later_is_refused(gateway, unserved):
    waiting = await eventually(lambda: left_waiting(gateway), 10, "a client who is not told ready")
    assert not await waiting.became_ready(within=2 * PATIENCE)
    assert (waiting.close_code, waiting.close_reason) == (3000, "no worker is available")
    await waiting.close()
    assert waiting.messages == []

    response = await eventually(lambda: turned_away(gateway), 3, "that nobody is let in")
    assert (response.status, response.reason) == (503, "Backend is not connected")
    assert not unserved.closed.is_set(), "who was there before stays"


async def test_B03_a_request_that_needs_a_worker_is_refused_and_others_are_served(gateway, unserved):
    waiting = await eventually(lambda: left_waiting(gateway), 10, "the loss to be noticed")
    await waiting.close()
    await unserved.acked("account-add", account="anna@example.com", password="0" * 32)
    text = await unserved.refused(
        "videoroom-join", account="anna@example.com", session="s", uri="room@conference.example.com", sdp=offer())
    assert text == "no worker is available"


async def turned_away(gateway):
    response = await get(gateway.ports[0], "/webrtcgateway/ws", upgrade())
    return response if response.status != 101 else None


async def left_waiting(gateway):
    """A client who was let in and is not told `ready`; None while the door still believes in the worker."""
    client = await Client.connect(gateway.socket_url())
    try:
        await client.became_ready(within=0.3)
    except AssertionError:
        return client
    await client.close()
    return None
