"""The links between front doors and workers break or stall while both ends live, and nobody notices."""

import asyncio

import pytest
import pytest_asyncio

from faults.verdict import nobody_noticed
from harness.gateway import Gateway
from harness.hall import Hall
from harness.offer import candidate
from harness.relay import Relay
from harness.running import running
from harness.waiting import eventually

LINK_DEAD = 3.0  # seconds of silence after which a link is given up


@pytest_asyncio.fixture(scope="module")
async def relays(folder):
    """One before each worker's socket, from the first link on."""
    relays = [Relay(folder / "bus", number) for number in (1, 2)]
    for relay in relays:
        relay.start()
    yield relays
    for relay in relays:
        await relay.stop()


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus, relays):
    async with running(Gateway(folder, janus, workers=2)) as gateway:
        await eventually(lambda: all(relay.links for relay in relays), what="links through the relays")
        yield gateway


@pytest.fixture
def relay_of(relays):
    return lambda hall: relays[int(hall.slot.rpartition("/")[2]) - 1]


async def cut(relay):
    assert relay.cut()


async def cut_one(relay):
    assert relay.cut(1)


async def cut_repeatedly(relay):
    for _ in range(3):
        await eventually(relay.cut, what="a link to cut")


async def stall(relay):
    relay.stall()
    await asyncio.sleep(LINK_DEAD / 2)
    relay.resume()


async def stall_until_given_up(relay):
    relay.stall()
    await asyncio.sleep(LINK_DEAD + 1)
    relay.resume()


async def stall_and_cut(relay):
    """What was sent and not yet passed on is lost."""
    relay.stall()
    await asyncio.sleep(LINK_DEAD / 6)
    relay.cut()
    relay.resume()


@pytest.mark.parametrize("fault", [cut, cut_one, cut_repeatedly, stall, stall_until_given_up, stall_and_cut],
                         ids=lambda fault: fault.__name__)
async def test_nobody_notices(visitors, gateway, relay_of, fault):
    hall = Hall(visitors, gateway)
    await hall.open()
    await hall.fill()
    anna = await (await visitors.quiet_participant("Anna", hall.room, door=0)).join()
    bela = await (await visitors.quiet_participant("Bela", hall.room, door=1)).join()
    late = [await visitors.participant(f"Late {number}", hall.room, number % 2) for number in range(4)]
    for person in late:
        await person.add_account()
    everybody = [*hall.people, anna, bela]
    breaking = asyncio.create_task(fault(relay_of(hall)))
    await asyncio.sleep(0)
    for person in everybody:
        await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate()]}))
    asked = [await person.client.send("videoroom-join", **await person.join_request()) for person in late]
    await bela.terminate()
    for person, transaction in zip(late, asked):
        assert (await person.client.answer(transaction))["sylkrtc"] == "ack"
    for person in everybody:
        await person.client.all_answered()
    await breaking
    await nobody_noticed(gateway, [*everybody, *late])
