"""Front doors that follow each other and speak TLS; one that has few descriptors."""

import os

import pytest
import pytest_asyncio

from harness.certificates import Authority
from harness.front_doors import FrontDoors
from harness.gateway import Gateway
from harness.raw import Connection
from harness.running import running
from harness.waiting import eventually

FEW = 200  # descriptors


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus):
    authority = Authority(folder)
    certificate = authority.issue("upgrade")
    settings = {"TLS": {"certificate": certificate.chain, "private_key": certificate.key}}
    context = authority.context()
    async with running(
            Gateway(folder, janus, front_doors=0, workers=1, slots=1, settings=settings, tls=context)) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def doors(gateway, folder):
    doors = FrontDoors(gateway, folder)
    yield doors
    await doors.stop()


async def test_tls_is_spoken_on_a_socket_that_was_inherited(doors, visitors):
    doors.listen()
    await doors.start(1, inherits=True)
    await (await visitors.client()).refused("nonsense")


async def test_tls_is_spoken_on_a_socket_that_was_taken_over(doors, visitors):
    old = await doors.start(1, "--drain-time", 60)
    before = await visitors.client()
    await doors.start(3, "--take-over", 1)
    await doors.says(old, "draining")
    await before.refused("nonsense")
    await (await visitors.client()).refused("nonsense")


async def test_B36_a_front_door_with_few_descriptors_does_not_run_out_of_them(doors, visitors):
    door = await doors.start(1, prefix=["prlimit", f"--nofile={FEW}:{FEW}"])

    def descriptors():
        return len(os.listdir(f"/proc/{door.pid}/fd"))

    before = descriptors()
    crowd = [await Connection.open(doors.port, source=f"127.0.1.{number}") for number in range(1, 251)]
    await eventually(lambda: descriptors() >= FEW // 2, 5, "the crowd to be let in")
    assert descriptors() < FEW - 10, "a reserve is kept"
    await doors.says(door, "limit=connections")
    for connection in crowd:
        await connection.close()
    await eventually(lambda: descriptors() <= before, 10, "the crowd to be forgotten")
    await (await visitors.client()).refused("nonsense")
    assert "limit=descriptors" not in door.log.read_text()
