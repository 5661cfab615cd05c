"""The registry is locked, full, deleted, replaced or unreadable under two rooms in use: they go on, and new rooms work again
without anybody being restarted."""

import os
import shutil
import sqlite3
import subprocess
import uuid
from contextlib import closing

import pytest
import pytest_asyncio

from harness.hall import Hall
from harness.offer import candidate
from harness.waiting import eventually, growing

REFUSED = ("the registry is not available",)
ANSWERED_WITHIN = 10.0  # seconds; a request to a worker that hangs would take 30
MENDED_WITHIN = 15.0  # seconds until everything is as before


@pytest.fixture(scope="module")
def small_disk(folder):
    """A folder for the registry that can be filled; an ordinary one where nothing may be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "continuo-test", disk], capture_output=True).returncode == 0
    yield disk
    if mounted:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture(scope="module")
def gateway_settings(small_disk):
    return {"Registry": {"path": small_disk / "registry.sqlite"}}


class Scene:
    """Two halls; in the first Anna watches Bela, who came through the other door."""

    def __init__(self, visitors, gateway):
        self.visitors, self.gateway = visitors, gateway

    async def begin(self):
        self.halls = await Hall.on_each_slot(self.visitors, self.gateway)
        self.anna = await (await self.visitors.media_participant("Anna", self.halls[0].room, door=0)).join()
        self.bela = await (await self.visitors.media_participant("Bela", self.halls[0].room, door=1)).join()
        await self.anna.client.event("publishers_joined", self.anna.session)
        self.feed = await self.anna.watch(self.bela.session)
        await growing(lambda: self.feed.reception.video, what="video frames")
        self.people = [person for hall in self.halls for person in hall.people] + [self.anna, self.bela]
        # Who is to be refused comes now: so each is known by the door, and only the room is wanted of the registry.
        self.hopefuls = [await self.visitors.participant(f"Hopeful {door}", self.visitors.new_room(), door) for door in (0, 1)]
        for hopeful in self.hopefuls:
            await hopeful.add_account()
        self.rows = self.sessions()
        self.holders = {slot: self.gateway.incarnation_of(slot) for slot in ("host1/1", "host1/2")}
        return self

    def sessions(self):
        return {row["id"] for row in self.gateway.registry.sessions() if not row["ended"]}

    async def goes_on(self):
        for person in self.people:
            await person.controlled("trickle", {"candidates": [candidate()]})
        for person in (self.anna, self.halls[1].people[0]):
            await person.controlled("update", {"bitrate": 500_000})
        await self.feed.update(video=False)
        await self.feed.update(video=True)
        await growing(lambda: self.feed.reception.video, what="video frames")
        await growing(lambda: self.feed.reception.audio, what="audio packets")
        for person in self.people:
            assert person.endings == [] and not person.client.closed.is_set()

    async def new_rooms_are_refused(self):
        for hopeful in self.hopefuls:
            transaction = await hopeful.client.send("videoroom-join", **await hopeful.join_request())
            answer = await hopeful.client.answer(transaction, within=ANSWERED_WITHIN)
            assert answer.get("error") in REFUSED, answer
            hopeful.session = f"hopeful-{uuid.uuid4().hex}"

    async def is_mended(self):
        """New rooms work, the rows are back, and nobody was restarted."""
        for hopeful in self.hopefuls:
            await eventually(lambda: self._joins(hopeful), MENDED_WITHIN, "a new room")
        await eventually(self._rows_are_back, MENDED_WITHIN, "the rows of everybody here")
        await self.goes_on()
        await (await self.visitors.participant("Latecomer", self.halls[1].room, door=1)).join()
        assert self.holders == {slot: self.gateway.incarnation_of(slot) for slot in self.holders}

    async def _joins(self, hopeful):
        answer = await hopeful.client.request("videoroom-join", **await hopeful.join_request())
        if answer["sylkrtc"] == "ack":
            await hopeful.told("accepted")
            return True
        assert answer["error"] in REFUSED, answer
        hopeful.session = f"hopeful-{uuid.uuid4().hex}"
        return False

    def _rows_are_back(self):
        registry = self.gateway.registry
        return (self.rows <= self.sessions() and {hall.room for hall in self.halls} <= {row["uri"] for row in registry.rooms()}
                and len(registry.slots()) == 2 and len(registry.front_doors()) == 2)


@pytest_asyncio.fixture
async def scene(visitors, gateway):
    return await Scene(visitors, gateway).begin()


def files(gateway):
    """The registry's file and those beside it."""
    path = gateway.registry.path
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]


def remove(gateway):
    for path in files(gateway):
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


async def test_locked_by_somebody_else(scene, gateway):
    with closing(sqlite3.connect(gateway.registry.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await scene.new_rooms_are_refused()
        await scene.goes_on()
        other.execute("ROLLBACK")
    await scene.is_mended()


async def test_on_a_full_disk(scene, gateway, small_disk):
    if not os.path.ismount(small_disk):
        pytest.skip("a small disk can be mounted by root only")
    filler = small_disk / "filler"
    with open(filler, "wb") as file, pytest.raises(OSError):
        while True:
            os.write(file.fileno(), b"x" * 4096)
    try:
        # What the log has room for is still written.
        async def refused():
            await scene.new_rooms_are_refused()
            return True

        for person in scene.halls[0].people[:3] * 40:
            await person.client.send("videoroom-ctl", **person.control("trickle", {"candidates": [candidate()]}))
        await eventually(refused, 20, "that nothing fits any more")
        await scene.goes_on()
    finally:
        filler.unlink()
    await scene.is_mended()


async def test_deleted(scene, gateway):
    remove(gateway)
    await scene.goes_on()
    await scene.is_mended()


@pytest.mark.parametrize("kind", ["an empty file", "an older copy"])
async def test_replaced(scene, gateway, small_disk, kind):
    path, replacement = gateway.registry.path, small_disk / "replacement"
    if kind == "an empty file":
        replacement.touch()
    else:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(replacement)) as copy:
            source.backup(copy)
            copy.execute("DELETE FROM session")
            copy.execute("DELETE FROM room")
            copy.execute("UPDATE slot SET incarnation = incarnation - 1")
            copy.commit()
    os.replace(replacement, path)
    await scene.goes_on()
    await scene.is_mended()


@pytest.mark.parametrize("kind", ["a directory", "garbage", "truncated"])
async def test_unreadable(scene, gateway, small_disk, kind):
    path = gateway.registry.path
    if kind == "truncated":
        # Under those who have it open.
        for file in (path, files(gateway)[1]):
            with open(file, "r+b") as registry:
                registry.truncate(100)
    else:
        away = small_disk / "away"
        away.mkdir()
        for file in files(gateway):
            shutil.move(file, away)
        if kind == "a directory":
            path.mkdir()
        else:
            path.write_bytes(b"x" * 20_000)
        shutil.rmtree(away)
    await scene.new_rooms_are_refused()
    await scene.goes_on()
    remove(gateway)
    await scene.is_mended()
