"""Rooms that are recorded: what is written, where, and where nothing is."""

import asyncio

import pytest

from harness.waiting import eventually

STUDIO = "studio@conference.example.com"
CUNNING = "x/../../../outside@conference.example.com"
BLOCKED = "blocked@conference.example.com"
GUARDED = "guarded@conference.example.com"
SPOKEN = 10_000  # bytes: more than a file's head


@pytest.fixture(scope="module")
def gateway_settings():
    recorded = {"record": "yes"}
    return {STUDIO: recorded, CUNNING: recorded, BLOCKED: recorded, GUARDED: {**recorded, "deny": "all"}}


@pytest.fixture
def recordings(folder):
    return folder / "recordings"


async def meeting(visitors, room):
    """Two people, each with sound and a picture."""
    return await asyncio.gather(*[enter(visitors, name, room, door) for door, name in enumerate(("Anna", "Bela"))])


async def enter(visitors, name, room, door):
    return await (await visitors.media_participant(name, room, door)).join()


def recorded(directory):
    """Files with something in them; one that is being written may have another ending."""
    return [path for path in directory.glob("*.mjr*") if path.stat().st_size > SPOKEN]


async def test_B25_two_publishers_of_a_recorded_room_leave_sound_and_picture_in_its_directory(visitors, recordings):
    anna, bela = await meeting(visitors, STUDIO)
    directory = recordings / STUDIO
    await eventually(lambda: len(recorded(directory)) == 4, 15, "four recordings that grow")
    await anna.terminate()
    await bela.terminate()
    await eventually(lambda: len(list(directory.glob("*.mjr"))) == 4, 10, "four finished recordings")
    files = list(directory.glob("*.mjr"))
    for kind in ("audio", "video"):
        assert len([path for path in files if f"-{kind}-" in path.name]) == 2, files
    assert all(path.read_bytes().startswith(b"MJR0000") for path in files)
    assert directory.stat().st_mode & 0o777 == 0o755


async def test_B25_a_room_that_climbs_by_its_name_stays_inside(visitors, recordings, folder):
    before = {path for path in folder.parent.rglob("*outside*")}
    await enter(visitors, "Anna", CUNNING, 0)
    directory = recordings / "x%2F..%2F..%2F..%2Foutside@conference.example.com"
    await eventually(lambda: len(recorded(directory)) == 2, 15, "two recordings that grow")
    assert {path for path in folder.parent.rglob("*outside*")} - before - {directory} == set()


async def test_B25_a_room_without_record_leaves_no_directory(visitors, recordings):
    room = visitors.new_room()
    await enter(visitors, "Anna", room, 0)
    assert not (recordings / room).exists()


async def test_B25_a_directory_that_cannot_be_made_is_an_error_and_leaves_nothing(visitors, gateway, recordings):
    recordings.mkdir(exist_ok=True)
    (recordings / BLOCKED).write_text("in its place")
    anna = await visitors.participant("Anna", BLOCKED)
    await anna.add_account()
    assert await anna.client.refused("videoroom-join", **await anna.join_request()) == "the room cannot be recorded"
    assert gateway.registry.rooms() == []


async def test_B25_who_is_not_admitted_makes_no_directory(visitors, recordings):
    anna = await visitors.participant("Anna", GUARDED)
    await anna.add_account()
    assert await anna.client.refused("videoroom-join", **await anna.join_request()) == (
        f"{anna.account} is not allowed to join room {GUARDED}")
    assert not (recordings / GUARDED).exists()
