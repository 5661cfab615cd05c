"""Many who do nothing, and five rooms of ten: held for a minute without an error."""

import asyncio
import time

from faults.media_booth import Booth
from harness.client import Client
from harness.gateway import Gateway
from harness.janus import Janus
from harness.peer import QuietParticipant, bear_with_aiortc
from harness.resources import descriptors, processor_time, resident
from harness.running import running
from harness.waiting import eventually

IDLE = 1000
ROOMS, PEOPLE = 5, 10
MEASURED_ROOMS, GUESTS = 4, 2  # of the people: in four rooms two of the ten have real media
AT_A_TIME = 20
ASKING = 2.0  # seconds between two requests of everybody


async def hold(folder, seconds, idle=IDLE):
    """The figures, in lines for people; raises AssertionError for whatever is wrong."""
    bear_with_aiortc()
    janus = Janus(folder)
    await janus.start()
    gateway = Gateway(folder, janus, workers=2, settings={"General": {"log_level": "info"}})
    rooms = [f"room-{number}@conference.example.com" for number in range(ROOMS)]
    booth = Booth(gateway, rooms[:MEASURED_ROOMS], GUESTS)
    try:
        await booth.open()
        async with running(gateway):
            return await _hold(gateway, booth, rooms, seconds, idle)
    finally:
        await booth.close()
        await janus.stop()


async def _hold(gateway, booth, rooms, seconds, count):
    processes = [process for process in gateway.processes if process.running]
    empty = {process.name: resident(process.pid) for process in processes}
    # Not so many from one address that they are taken for a flood.
    idle = await _some_at_a_time(_idle(gateway, number) for number in range(count))
    doors = gateway.front_doors
    each = sum(resident(door.pid) - empty[door.name] for door in doors) / count
    await booth.begin()
    await booth.ready()
    people = await _people(gateway, rooms)
    before = {process.name: processor_time(process.pid) for process in processes}
    began = time.monotonic()
    asked = 0
    while time.monotonic() < began + seconds:
        turn = time.monotonic()
        for person in people:
            await person.client.send("videoroom-ctl", **person.control("update", {"bitrate": 500000}))
        await booth.ask("update")
        asked += len(people) + MEASURED_ROOMS * GUESTS
        await asyncio.sleep(max(0.0, turn + ASKING - time.monotonic()))
    held = time.monotonic() - began
    await asyncio.gather(*(person.client.all_answered() for person in people))
    errors = _errors(people) + await _errors_of(booth)
    used = {process.name: (processor_time(process.pid) - before[process.name]) / held for process in processes}
    figures = [f"{count} idle connections and {ROOMS * PEOPLE} participants in {ROOMS} rooms, held for {held:.0f} s",
               f"requests {asked}, errors {len(errors)}, memory of an idle connection {each / 1024:.1f} KiB"]
    for process in processes:
        figures.append(f"{process.name:14} {resident(process.pid) / (1 << 20):7.1f} MiB {used[process.name]:6.3f} processors "
                       f"{descriptors(process.pid):6} descriptors")
    # Each of the idle ones is still there, and is answered.
    answers = await asyncio.gather(*(client.request("account-remove", account="a@example.com") for client in idle))
    assert all(answer["error"] == "Unknown account specified: a@example.com" for answer in answers)
    assert not errors, errors[:5]
    await asyncio.gather(*(person.close() for person in people))
    await booth.ask("leave")
    await _some_at_a_time(client.close() for client in idle)
    return figures


async def _idle(gateway, number):
    client = await Client.connect(gateway.socket_url(number % 2), source=f"127.0.1.{1 + number % 100}")
    assert await client.became_ready()
    return client


async def _people(gateway, rooms):
    """Who is not in the booth; their media is up and silent."""
    people = []
    for index, room in enumerate(rooms):
        for number in range(PEOPLE - (GUESTS if index < MEASURED_ROOMS else 0)):
            client = await Client.connect(gateway.socket_url(number % 2), source=f"127.0.2.{1 + index}")
            assert await client.became_ready()
            people.append(QuietParticipant(client, f"Guest {number} of {index}", room))
    await _some_at_a_time(person.join() for person in people)
    await eventually(lambda: all(len(_known(person)) == PEOPLE - 1 for person in people), 30, "everybody to know everybody")
    return people


def _known(person):
    return {*person.publishers("initial_publishers"), *person.publishers("publishers_joined")}


def _errors(people):
    return [message for person in people for message in person.client.messages
            if message["sylkrtc"] == "error" or message.get("data", {}).get("state") == "terminated"] + [
            f"{person.name} was closed" for person in people if person.client.closed.is_set()]


async def _errors_of(booth):
    report = await booth.ask("report")
    errors = [message for transcript in report["transcripts"] for _, message in transcript["messages"]
              if message["sylkrtc"] == "error" or message.get("data", {}).get("state") == "terminated"]
    return errors + [f"{transcript['name']} has no answer" for transcript in report["transcripts"]
                     if sum(message["sylkrtc"] == "ack" for _, message in transcript["messages"]) < len(transcript["requests"])]


async def _some_at_a_time(actions):
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(action):
        async with gate:
            return await action

    return await asyncio.gather(*map(one, actions))
