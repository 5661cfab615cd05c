"""What operators see: metrics, health, logs, traces."""

import asyncio
import json
import re
import shutil
import signal
import subprocess

import aiohttp
import pytest

from harness import management
from harness.management import becomes, get, grown, metrics
from harness.participant import PASSWORD
from harness.secrecy import SDP
from harness.threads import client_loops, stopped
from harness.traces import records, redacted
from harness.waiting import eventually, growing

PATIENCE = 8  # seconds that a front door drains
PROMTOOL = shutil.which("promtool") or "promtool"


@pytest.fixture(scope="module")
def gateway_settings(folder):
    return {
        "General": {"log_format": "json", "log_level": "debug", "trace_client": "yes", "trace_dir": folder},
        "Frontdoor": {"drain_time": PATIENCE},
        "Janus": {"trace_janus": "yes"},
    }


async def meeting(visitors):
    """Anna and Bela, each through a front door of their own; Anna watches Bela."""
    room = visitors.new_room()
    anna = await (await visitors.media_participant("Anna", room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    feed = await anna.watch(bela.session)
    await growing(lambda: feed.reception.video, 10, what="video frames")
    return anna, bela


# Metrics.


def asked(*clients):
    """How often clients were answered, by type and outcome, as a front door counts."""
    counts = {}
    for client in clients:
        for transaction, request in client.requests.items():
            kind = request.members["option"] if request.kind == "videoroom-ctl" else request.kind
            labels = f'type="{kind}",outcome="{client.answers[transaction][0]["sylkrtc"]}"'
            counts[labels] = counts.get(labels, 0) + 1
    return counts


async def test_metrics_equal_what_was_done_and_prometheus_has_no_complaint(visitors, gateway):
    async def nobody_is_here():
        return (await metrics(*gateway.front_doors))["gateway_frontdoor_connections"] == 0

    await eventually(nobody_is_here, 5, "everybody else to have gone")
    before = {"doors": await metrics(*gateway.front_doors), "workers": await metrics(*gateway.workers)}
    anna, bela = await meeting(visitors)
    await anna.control_refused("update", {"audio": True}, session="nobody")
    for process in gateway.processes:
        status, text = await get(process, "/metrics")
        assert status == 200
        check = subprocess.run(
            [PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, timeout=20)
        assert (check.returncode, check.stdout, check.stderr) == (0, "", ""), process.name

    clients = (anna.client, bela.client)

    async def all_has_arrived():
        sent = grown(before["doors"], await metrics(*gateway.front_doors), "gateway_frontdoor_sent_messages_total")
        return sent == {"": sum(len(client.messages) for client in clients)}

    await eventually(all_has_arrived, 5, "what was sent to have arrived")
    doors, workers = await metrics(*gateway.front_doors), await metrics(*gateway.workers)
    assert grown(before["doors"], doors, "gateway_frontdoor_requests_total") == asked(*clients)
    assert grown(before["doors"], doors, "gateway_frontdoor_handshakes_total") == {'outcome="accepted"': 2}
    assert doors["gateway_frontdoor_connections"] == 2
    assert doors["gateway_frontdoor_unanswered_requests"] == 0
    durations = grown(before["doors"], doors, "gateway_frontdoor_request_duration_seconds_count")
    assert durations['type="videoroom-join"'] == 2

    assert workers["gateway_worker_slot_held"] == len(gateway.slot_numbers)
    assert workers["gateway_worker_janus_up"] == len(gateway.workers)
    assert (workers["gateway_worker_rooms"], workers["gateway_worker_publishers"], workers["gateway_worker_feeds"]) == (
        1, 2, 1)
    assert grown(before["workers"], workers, "gateway_worker_joins_total") == {'outcome="ack"': 2}
    requests = grown(before["workers"], workers, "gateway_worker_requests_total")
    assert requests['type="join",outcome="ack"'] == 2 and requests['type="feed_attach",outcome="ack"'] == 1
    janus = grown(before["workers"], workers, "gateway_worker_janus_request_duration_seconds_count")
    assert janus['request="attach"'] == 3
    assert not grown(before["workers"], workers, "gateway_worker_janus_errors_total")

    await anna.terminate()
    await bela.terminate()

    async def ended():
        after = await metrics(*gateway.workers)
        return grown(before["workers"], after, "gateway_worker_sessions_ended_total") == {
            'session="publisher"': 2, 'session="feed"': 1}

    await eventually(ended, 10, "the ends of three sessions to be counted")


async def test_refused_handshakes_are_counted_by_their_reason(gateway):
    before = await metrics(gateway.front_doors[0])
    async with aiohttp.ClientSession() as http:
        for protocols, status in ([], 406), (["nothing"], 406):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await http.ws_connect(gateway.socket_url(0), protocols=protocols)
            assert refusal.value.status == status
        async with http.get(gateway.socket_url(0).replace("ws:", "http:")) as response:
            assert response.status == 426
    after = await metrics(gateway.front_doors[0])
    assert grown(before, after, "gateway_frontdoor_handshakes_total") == {
        'outcome="no_subprotocol"': 2, 'outcome="upgrade_required"': 1}


# Health.


async def test_everybody_is_healthy_and_ready_or_stands_by(gateway):
    for process in gateway.processes:
        assert await get(process, "/healthz") == (200, "ok\n")
    for process in gateway.front_doors:
        assert await get(process, "/readyz") == (200, "ready\n")
    said = sorted([await get(process, "/readyz") for process in gateway.workers])
    assert said == [(200, "ready\n"), (200, "ready\n"), (200, "standby\n")]
    addresses = {management.address(process) for process in gateway.processes}
    assert len(addresses) == len(gateway.processes), "each has an address of its own"


async def test_what_is_not_a_page_is_refused_and_an_open_connection_is_closed(gateway):
    door = gateway.front_doors[0]
    assert (await get(door, "/"))[0] == 404
    async with aiohttp.ClientSession() as http:
        async with http.post(f"http://{management.address(door)}/metrics", data="x") as response:
            assert response.status == 405 and response.headers["Allow"] == "GET, HEAD"
        async with http.head(f"http://{management.address(door)}/healthz") as response:
            assert response.status == 200 and await response.text() == ""
    host, _, port = management.address(door).partition(":")
    many = [await asyncio.open_connection(host, int(port)) for _ in range(40)]
    closed = [asyncio.create_task(reader.read()) for reader, _ in many]
    await asyncio.wait(closed, timeout=3)
    assert 8 <= sum(task.done() for task in closed) < 40, "more than 32 at a time are not served"
    assert all(data == b"" for data in await asyncio.wait_for(asyncio.gather(*closed), 10))
    for _, writer in many:
        writer.close()
    assert await get(door, "/healthz") == (200, "ok\n")


async def test_a_loop_that_does_not_turn_is_named(gateway):
    door = gateway.front_doors[0]
    loops = client_loops(door.pid)
    with stopped(loops[1]):
        status, text = await get(door, "/healthz")
        assert status == 503 and re.fullmatch(r"not answering: loop [12]\n", text)
        assert await get(door, "/readyz") == (503, "not answering\n")
        assert (await get(door, "/metrics"))[0] == 503
    await becomes(door, "/healthz", 200, "ok\n")
    await gateway.door_opens(0)


async def test_a_front_door_that_drains_says_so(visitors, gateway):
    door = gateway.front_doors[0]
    client = await visitors.client(0)
    gateway.will_end(door)
    door.signal(signal.SIGTERM)
    await becomes(door, "/readyz", 503, "draining\n", 5)
    assert await get(door, "/healthz") == (200, "ok\n")
    assert not client.closed.is_set()
    await client.close()
    await becomes(door, "/readyz", 200, "ready\n")
    await gateway.door_opens(0)


async def test_a_front_door_without_a_worker_says_so(gateway):
    for worker in gateway.workers:
        await gateway.take_away(worker)
    for door in gateway.front_doors:
        await becomes(door, "/readyz", 503, "no serving worker\n")
        assert await get(door, "/healthz") == (200, "ok\n")
    for worker in gateway.workers:
        gateway.bring_back(worker)
    await gateway.serving()
    for door in gateway.front_doors:
        await becomes(door, "/readyz", 200, "ready\n")


# Logs.

DOOR_LINES = [
    ("info", "starting", {"endpoint", "origins", "domains", "version"}),
    ("notice", "management", {"endpoint"}),
    ("notice", "management interface", {"endpoint"}),
    ("info", "handshake refused", {"peer", "reason"}),
    ("info", "connected", {"connection", "peer", "device"}),
    ("info", "disconnected", {"connection", "peer"}),
    ("info", "account added", {"connection", "account"}),
    ("info", "account removed", {"connection", "account"}),
    ("error", "request refused", {"connection", "request", "error", "transaction"}),
]
WORKER_LINES = [
    ("info", "starting", {"janus", "version"}),
    ("info", "Janus is connected", {"janus"}),
    ("info", "session created", {"account", "session", "room", "connection"}),
    ("info", "created", {"room"}),
    ("info", "joined", {"account", "session", "room"}),
    ("info", "media established", {"session", "room"}),
    ("info", "updated", {"session", "room", "value"}),
    ("info", "participant bitrate", {"session", "room", "value"}),
    ("info", "termination requested", {"session", "room"}),
    ("info", "left", {"account", "session", "room"}),
    ("info", "destroyed", {"room"}),
    ("debug", "event", {"handle", "event"}),
]


def log(process):
    """Every line is an object with these members, all of them texts."""
    lines = []
    for line in process.log.read_text().splitlines():
        record = json.loads(line)
        assert list(record)[:4] == ["time", "level", "label", "message"], line
        assert all(isinstance(value, str) for value in record.values()), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"]), line
        lines.append(record)
    return lines


async def test_B33_logs_are_an_object_a_line_and_say_what_becomes_of_everybody(visitors, gateway):
    anna, bela = await meeting(visitors)
    # The third is the first with whom the others have to share.
    cleo = await (await visitors.participant("Cleo", anna.room)).join()
    await anna.controlled("update", {"audio": False})
    error = await anna.control_refused("update", {"audio": True}, session='no\nbody" level=error')
    async with aiohttp.ClientSession() as http:
        async with http.get(gateway.socket_url(0).replace("ws:", "http:")) as response:
            assert response.status == 426
    for person in (anna, bela, cleo):
        await person.terminate()
    await anna.client.acked("account-remove", account=anna.account)
    connection = anna.client
    await anna.close()

    def disconnected():
        return any(record["message"] == "disconnected" for record in log(gateway.front_doors[0]))

    await eventually(disconnected, 5, "the line of a client that is gone")
    doors = [record for process in gateway.front_doors for record in log(process)]
    workers = [record for process in gateway.workers for record in log(process)]
    for lines, wanted in (doors, DOOR_LINES), (workers, WORKER_LINES):
        for level, message, members in wanted:
            found = [record for record in lines if record["message"] == message]
            assert found, f"nobody said {message!r}"
            assert any(record["level"] == level and members <= set(record) for record in found), found[0]
    refusal = [record for record in doors if record["message"] == "request refused" and record["error"] == error]
    assert refusal[0]["transaction"] in connection.requests


# Traces.


def check_numbers(found):
    """Each process counts its records from 1, without a gap."""
    numbers = {}
    for record in found:
        numbers.setdefault(record.process, []).append(record.number)
    for process, counted in numbers.items():
        assert counted == list(range(1, len(counted) + 1)), f"process {process}: {counted[:50]}"


async def complete(path, is_complete):
    """The trace's records, once these are all there: they are written a moment later."""
    await eventually(lambda: is_complete(records(path)), 5, f"{path.name} to be complete")
    return records(path)


async def test_B33_traces_hold_every_message_in_order_and_no_secret(visitors, gateway, folder):
    anna, bela = await meeting(visitors)
    await anna.terminate()
    await bela.terminate()
    await anna.client.send_text('{"sylkrtc": "account-add", "password": "' + PASSWORD)
    path = folder / "webrtc_client_trace.log"
    for person in (anna, bela):
        sent = [redacted({"sylkrtc": request.kind, "transaction": transaction, **request.members})
                for transaction, request in person.client.requests.items()]

        def traced(direction):
            """All of this client, whose session nobody else ever had; without what was no JSON."""
            found = client_records(path)
            joins = [header for header, message in found
                     if " INCOMING " in header and message and message.get("session") == person.session]
            connection = re.search(r" connection \S+ ", joins[0])[0] if joins else "nobody's"
            return [message for header, message in found
                    if connection in header and f" {direction} " in header and message is not None]

        await eventually(lambda: traced("INCOMING") == sent, 5, f"all that {person.name} said")
        await eventually(
            lambda: traced("OUTGOING") == [redacted(message) for message in person.client.messages], 5,
            f"all that {person.name} was told")

    janus = await complete(folder / "webrtc_janus_trace.log", lambda found: len(found) > 20)
    check_numbers(janus)
    requests = [record.message for record in janus if record.direction == "OUTGOING"]
    bodies = [message["body"]["request"] for message in requests if "body" in message]
    for name in ("create", "joinandconfigure", "join", "start", "leave", "destroy"):
        assert name in bodies, bodies
    asked_for = set()
    for record in janus:
        transaction = record.message.get("transaction")
        if record.direction == "OUTGOING":
            assert record.message["apisecret"] == "[redacted]"
            asked_for.add((record.process, transaction))
        elif record.message["janus"] in ("ack", "success"):
            assert (record.process, transaction) in asked_for
    for file in (path, folder / "webrtc_janus_trace.log"):
        text = file.read_text()
        for word in (PASSWORD, gateway.janus.api_secret, gateway.janus.admin_secret, *SDP, "v=0"):
            assert word not in text, f"{word} in {file.name}"


def client_records(path):
    """(header, message); None for a message that is not JSON."""
    found = []
    for record in path.read_text()[:-2].split("\n\n"):
        header, text = record.split("\n", 1)
        found.append((header, None if text.endswith("bytes)") else json.loads(text)))
    return found


async def test_traces_go_on_in_a_new_file_after_sighup(visitors, gateway, folder):
    for name in ("webrtc_client_trace.log", "webrtc_janus_trace.log"):
        (folder / name).rename(folder / f"{name}.1")
    for process in gateway.processes:
        process.signal(signal.SIGHUP)
    path = folder / "webrtc_client_trace.log"
    await eventually(path.exists, 5, "the new file")
    client = await visitors.client(0)
    await client.acked("account-add", account="zoe@example.com", password=PASSWORD)
    await eventually(lambda: "zoe@example.com" in path.read_text(), 5, "a record in the new file")
    assert "zoe@example.com" not in (folder / "webrtc_client_trace.log.1").read_text()
    assert all(process.running for process in gateway.processes)
