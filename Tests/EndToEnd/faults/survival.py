"""How long a worker's death is felt (P9), and a rolling restart (P10). deploy/bench-survival calls it."""

import argparse
import asyncio
import math
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from harness.client import Client
from harness.gateway import Gateway
from harness.janus import Janus
from harness.peer import QuietParticipant, bear_with_aiortc
from harness.running import running
from harness.waiting import eventually

from . import gaps
from .checker import DOUBLED, LOST, Checker
from .load import Actor
from .media_booth import Booth, subscribe
from .transcript import Transcript

ROOMS, PEOPLE = 5, 10
MEASURED_ROOMS, GUESTS = 4, 2  # of them: in four rooms two of the ten have real media
STRETCH = 3.0  # seconds watched before a death, and as long from it on
REACHES_THE_BUS = 0.1  # seconds in which what is asked arrives at a worker that stands still
AT_A_TIME = 10


def main():
    options = _options()
    with tempfile.TemporaryDirectory(prefix="continuo-survival-") as folder:
        sys.exit(1 if asyncio.run(_all(options, Path(folder))) else 0)


async def _all(options, folder):
    """Returns whether something was lost or doubled: the rest is reported, and judged by tests."""
    bear_with_aiortc()
    wrong = False
    for name, workers, target in (("supervised restart", 1, 0.5), ("standby", 2, 0.1)):
        place = folder / str(workers)
        place.mkdir()
        result = await _killed(place, workers, options.repetitions)
        _print_deaths(f"P9, {name}: {ROOMS} rooms of {PEOPLE}, {result['handles']} handles", result, target)
        wrong = wrong or result["wrong"]
    place = folder / "rolling"
    place.mkdir()
    result = await _rolling(place, options.repetitions)
    _print_rolling(result)
    return wrong or result["wrong"]


# P9.

async def _killed(folder, workers, repetitions):
    async with _started(folder, front_doors=2, workers=workers, slots=1) as gateway:
        rooms = [f"room-{number}@conference.example.com" for number in range(ROOMS)]
        booth = Booth(gateway, rooms[:MEASURED_ROOMS], GUESTS)
        await booth.open()
        await booth.begin()
        await booth.ready()
        people = await _full_rooms(gateway, rooms)
        await booth.ask("watch_everybody")
        handles = len(await gateway.janus.inspector.session_handles())
        deaths = []
        for _ in range(repetitions):
            deaths.append(await _one_death(gateway, people, booth))
        report = await booth.ask("report")
        result = _judged(people, report, deaths)
        result["handles"] = handles
        result["floor"] = await _floor(gateway)
        await asyncio.gather(*(person.close() for person in people))
        await booth.ask("leave")
        await booth.close()
        return result


async def _full_rooms(gateway, rooms):
    """Who is not in the booth, everyone subscribed to everyone."""
    people = []
    for index, room in enumerate(rooms):
        missing = PEOPLE - (GUESTS if index < MEASURED_ROOMS else 0)
        for number in range(missing):
            client = await Client.connect(gateway.socket_url(number % 2))
            assert await client.became_ready()
            people.append(QuietParticipant(client, f"Guest {number} of {index}", room))
    await _some_at_a_time(person.join() for person in people)
    await eventually(lambda: all(len(_known(person)) == PEOPLE - 1 for person in people), 30, "everybody to know everybody")
    await _some_at_a_time(_watch_all(person) for person in people)
    return people


async def _watch_all(person):
    for publisher in sorted(_known(person)):
        await subscribe(person, publisher)


def _known(person):
    return {*person.publishers("initial_publishers"), *person.publishers("publishers_joined")}


async def _one_death(gateway, people, booth):
    """All have a request pending when the worker dies: it stands still before, so that it cannot answer one."""
    began = time.monotonic()
    await asyncio.sleep(STRETCH)
    worker = gateway.worker_of("host1/1")
    worker.signal(signal.SIGSTOP)
    await booth.ask("update")
    for person in people:
        await person.client.send("videoroom-ctl", **person.control("update", {"bitrate": 500000}))
    await asyncio.sleep(REACHES_THE_BUS)
    died = time.monotonic()
    await gateway.end(worker)
    await asyncio.gather(*(person.client.all_answered() for person in people))
    await gateway.serving()
    await asyncio.sleep(max(0.0, died + STRETCH - time.monotonic()))
    return (began, began + STRETCH), (died, died + STRETCH)


def _judged(people, report, deaths):
    transcripts = [Transcript.of(person.client, person.name, person.room, 0, True) for person in people]
    transcripts += [Transcript(**transcript) for transcript in report["transcripts"]]
    violations = Checker(transcripts, ()).check()
    delays = [_delays(transcripts, death) for _, (death, _) in deaths]
    return {
        "delays": delays, "violations": violations,
        "wrong": any(len(answered) != ROOMS * PEOPLE for answered in delays) or _lost_or_doubled(violations),
        "gaps": [gaps.compare(report, control, phase) for control, phase in deaths],
    }


def _delays(transcripts, death):
    """From the death to each answer of what was pending."""
    found = []
    for transcript in transcripts:
        pending = {request["transaction"] for request in transcript.requests if death - 2 < request["at"] <= death}
        found += [at - death for at, message in transcript.messages if message.get("transaction") in pending and at > death]
    return sorted(found)


async def _floor(gateway):
    """What a bare client needs for the same look at Janus: claim, list, and what each handle is."""
    session = (await gateway.janus.inspector.sessions())[0]
    for worker in gateway.workers:
        await gateway.take_away(worker)
    async with aiohttp.ClientSession() as http:
        api = await http.ws_connect(gateway.janus.api_url, protocols=["janus-protocol"])
        admin = await http.ws_connect(gateway.janus.admin_url, protocols=["janus-admin-protocol"], max_msg_size=0)
        began = time.monotonic()
        await api.send_json({"janus": "claim", "transaction": "1", "session_id": session, "apisecret": gateway.janus.api_secret})
        assert (await api.receive_json())["janus"] == "success"
        secret = {"admin_secret": gateway.janus.admin_secret, "session_id": session}
        await admin.send_json({"janus": "list_handles", "transaction": "2", **secret})
        handles = (await admin.receive_json())["handles"]
        for handle in handles:
            await admin.send_json({"janus": "handle_info", "transaction": "3", "handle_id": handle, **secret})
        for _ in handles:
            await admin.receive()
        took = time.monotonic() - began
    for worker in gateway.workers:
        gateway.bring_back(worker)
    await gateway.serving()
    return took, len(handles)


# P10.

async def _rolling(folder, repetitions):
    async with _started(folder, front_doors=2, workers=3, slots=2) as gateway:
        actors = [Actor(number, 10, gateway, f"room-{number % 3}@conference.example.com", number < 9) for number in range(15)]
        lives = [asyncio.create_task(actor.run()) for actor in actors]
        await asyncio.sleep(STRETCH)
        stretches = []
        for _ in range(repetitions):
            control = time.monotonic()
            await asyncio.sleep(STRETCH)
            began = time.monotonic()
            for worker in gateway.workers:
                await gateway.end(worker, signal.SIGTERM)
                await gateway.serving()
            stretches.append(((control, began), (began, time.monotonic())))
        for actor in actors:
            actor.stop()
        await asyncio.wait(lives, timeout=20)
        transcripts = [transcript for actor in actors for transcript in actor.transcripts()]
        await eventually(lambda: not any(actor.client.unanswered for actor in actors if actor.client), 35, "all answers")
        violations = Checker(transcripts, ()).check()
        await asyncio.gather(*(actor.close() for actor in actors))
        return {"stretches": stretches, "transcripts": transcripts, "violations": violations,
                "wrong": _lost_or_doubled(violations)}


def _latencies(transcripts, window):
    found = []
    for transcript in transcripts:
        answers = {message["transaction"]: at for at, message in transcript.messages if "transaction" in message}
        found += [answers[request["transaction"]] - request["at"] for request in transcript.requests
                  if window[0] <= request["at"] <= window[1] and request["transaction"] in answers]
    return sorted(found)


# Common.

def _lost_or_doubled(violations):
    return any(violation.invariant in (LOST, DOUBLED) for violation in violations)


class _started:
    """A Janus and a gateway for some time."""

    def __init__(self, folder, **how_many):
        self._janus = Janus(folder)
        self._folder, self._how_many = folder, how_many

    async def __aenter__(self):
        await self._janus.start()
        self._janus.process.prefer()
        self._running = running(Gateway(self._folder, self._janus, settings={"General": {"log_level": "notice"}}, **self._how_many))
        return await self._running.__aenter__()

    async def __aexit__(self, *error):
        try:
            await self._running.__aexit__(*error)
        finally:
            await self._janus.stop()


async def _some_at_a_time(awaitables):
    turnstile = asyncio.Semaphore(AT_A_TIME)

    async def through(awaitable):
        async with turnstile:
            await awaitable

    await asyncio.gather(*(through(awaitable) for awaitable in awaitables))


# What is printed.

def _print_deaths(title, result, target):
    _title(title)
    full = [delays for delays in result["delays"] if delays]
    wanted = ROOMS * PEOPLE
    if full:
        medians = [statistics.median(delays) for delays in full]
        _line("death to answer, median", _ms(medians), f"≤ {1000 * target:.0f} ms", statistics.median(medians) <= target)
        _line("… 99th percentile", _ms([percentile(delays, 99) for delays in full]))
        _line("… slowest", _ms([delays[-1] for delays in full]))
    counts = [len(delays) for delays in result["delays"]]
    _line(f"answers of {wanted} pending", " ".join(map(str, counts)), f"{wanted} each", all(count == wanted for count in counts))
    for kind in range(2):
        pairs = [compared[kind] for compared in result["gaps"]]
        phase = statistics.median(pair.phase for pair in pairs)
        control = statistics.median(pair.control for pair in pairs)
        limit = max(gaps.FLOOR[pairs[0].kind], gaps.FACTOR * control)
        _line(f"largest gap, {pairs[0].kind}", f"{1000 * phase:.0f} ms, control {1000 * control:.0f} ms",
              f"≤ {1000 * limit:.0f} ms", phase <= limit)
        lost, allowed = sum(pair.phase_lost for pair in pairs), sum(pair.control_lost for pair in pairs)
        _line(f"lost packets, {pairs[0].kind}", f"{lost}, control {allowed}", "≤ control", lost <= allowed)
    took, handles = result["floor"]
    _line(f"floor: claim, {handles} infos by a bare client", f"{1000 * took:.0f} ms")
    _print_violations(result)


def _print_rolling(result):
    _title("P10: rolling restart, all workers one after the other")
    control = [_latencies(result["transcripts"], control) for control, _ in result["stretches"]]
    rolling = [_latencies(result["transcripts"], phase) for _, phase in result["stretches"]]
    ninety_ninth = [percentile(latencies, 99) for latencies in rolling if latencies]
    _line("requests while rolling", " ".join(str(len(latencies)) for latencies in rolling))
    _line("a whole round took", " ".join(f"{phase[1] - phase[0]:.1f}" for _, phase in result["stretches"]) + " s")
    _line("99th percentile while rolling", _ms(ninety_ninth), "≤ 1000 ms", statistics.median(ninety_ninth) <= 1.0)
    _line("… before it", _ms([percentile(latencies, 99) for latencies in control if latencies]))
    _line("slowest while rolling", _ms([latencies[-1] for latencies in rolling if latencies]))
    _line("errors and broken promises", str(len(result["violations"])), "0", not result["violations"])
    _print_violations(result)


def percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, math.ceil(len(ordered) * percent / 100) - 1)]


def _title(text):
    print(f"\n{text}\n  {'':42} {'measured':34} {'target':14} verdict", flush=True)


def _line(what, measured, target="", kept=None):
    verdict = "" if kept is None else "kept" if kept else "MISSED"
    print(f"  {what:42} {measured:34} {target:14} {verdict}".rstrip(), flush=True)


def _ms(values):
    """The median, and from where to where the repetitions went."""
    return f"{1000 * statistics.median(values):.0f} ms ({1000 * min(values):.0f}–{1000 * max(values):.0f})"


def _print_violations(result):
    for violation in result["violations"][:10]:
        print(f"  VIOLATED: {violation.invariant}: {violation.text}")
    if len(result["violations"]) > 10:
        print(f"  … and {len(result['violations']) - 10} more")


def _options():
    parser = argparse.ArgumentParser(prog="deploy/bench-survival")
    parser.add_argument("--repetitions", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
