"""What the worst clients do to a front door, what becomes of them, and that nobody else notices."""

import asyncio
import json
import socket
import time

import pytest
import pytest_asyncio

from harness.bystanders import untouched
from harness.offer import candidate
from harness.raw import BINARY, CONTINUATION, PING, SOCKET, TEXT, Connection, frame, get, upgrade
from harness.waiting import eventually

HANDSHAKE_TIME = 2  # seconds
HANDSHAKES = 40  # of one address
PER_ADDRESS = 60
HOSTILE = "127.0.0.66"  # where most of them come from


@pytest.fixture(scope="module")
def gateway_settings():
    return {
        "Limits": {
            "handshake_time": HANDSHAKE_TIME, "handshakes_per_address": HANDSHAKES,
            "connections_per_address": PER_ADDRESS, "accounts": 3, "sessions": 4, "candidates": 5, "invitees": 2,
        },
    }


@pytest_asyncio.fixture(autouse=True)
async def neighbour(gateway, visitors):
    async with untouched(gateway, visitors) as neighbour:
        yield neighbour


@pytest_asyncio.fixture
async def hostile(gateway):
    """Opens sockets to the first front door, from an address of their own."""
    opened = []

    async def connect(source=HOSTILE, reads=True):
        connection = await Connection.open(gateway.ports[0], source=source, reads=reads)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        await connection.close()


@pytest_asyncio.fixture
async def client(hostile):
    """A hostile WebSocket that was told `ready`."""
    connection = await (await hostile()).opened()
    assert (await connection.text())["event"] == "ready"
    return connection


def unknown(number, padding=0):
    """A request that is answered at once, with an error."""
    return json.dumps({
        "sylkrtc": "account-remove", "transaction": f"t{number}", "account": f"{'x' * padding}@example.com"}).encode()


def counted(gateway, limit, door=0):
    return gateway.front_doors[door].log.read_text().count(f"limit={limit} ")


async def flood(connection, data, within=60.0):
    """Sends the same again and again until the other end has had enough. Returns how many bytes it took."""
    sent, deadline = 0, time.monotonic() + within
    try:
        while time.monotonic() < deadline:
            await connection.send(data)
            sent += len(data)
    except ConnectionError:
        return sent
    raise AssertionError(f"{sent} bytes, and nobody objects")


async def closing_code(connection, data):
    """The code with which the other end closes, when it has been sent this, as far as it takes it."""
    code = asyncio.create_task(connection.close_code(30))
    try:
        for start in range(0, len(data), 65536):
            await connection.send(data[start:start + 65536])
    except ConnectionError:
        pass
    return await code


# Frames.

@pytest.mark.parametrize("data, code", [
    (frame(TEXT, b"x" * (1 << 20)), 1009),
    (frame(TEXT, b"{", last=False) + frame(CONTINUATION, last=False) * 1_000_000, 1009),
    (frame(TEXT, b"x" * 200_000, last=False) + frame(CONTINUATION, b"x" * 100_000), 1009),
    (frame(TEXT, b"{}", reserved=4), 1002),
    (frame(CONTINUATION, b"{}"), 1002),
    (frame(PING, b"x" * 126), 1002),
    (frame(PING, last=False), 1002),
    (frame(TEXT, b'{"transaction":"\xed\xa0\x80"}'), 1007),
    (frame(TEXT, b"\xc3", last=False) + frame(CONTINUATION, b"\x28"), 1007),
    (b"\x81\xff" + b"\xff" * 8 + b"1234", (1002, 1009)),
], ids=["a megabyte", "a million empty fragments", "fragments too long together", "compressed", "the end of nothing",
        "a long ping", "half a ping", "a surrogate", "half a character", "a length beyond everything"])
async def test_B02_B36_frames_that_no_client_may_send_close_their_connection(client, data, code):
    found = await closing_code(client, data)
    assert found in (code if isinstance(code, tuple) else (code,))
    await client.ends()


async def test_B02_binary_frames_are_ignored_however_many_and_do_not_fill_the_log(gateway, client):
    before = gateway.front_doors[0].log.read_text().count("binary message ignored")
    await client.send(frame(BINARY, b"\x00\xff") * 5000)
    await client.send_frame(TEXT, unknown(1))
    assert (await client.text())["transaction"] == "t1"
    lines = gateway.front_doors[0].log.read_text().count("binary message ignored") - before
    assert 0 < lines <= 200, f"{lines} lines"


async def test_B02_a_message_in_a_thousand_fragments_is_read(client):
    text = unknown(1, 800)
    pieces = [text[i:i + 1] for i in range(len(text))]
    await client.send(frame(TEXT, b"", last=False))
    await client.send(b"".join(frame(CONTINUATION, piece, last=False) for piece in pieces))
    await client.send(frame(CONTINUATION))
    assert (await client.text())["transaction"] == "t1"


async def test_B36_who_floods_with_pings_and_does_not_read_is_aborted_at_a_mebibyte(gateway, hostile):
    before = counted(gateway, "unsent_bytes")
    assert await flood(await (await hostile(reads=False)).opened(), frame(PING, b"x" * 125) * 400) > 1 << 20
    await eventually(lambda: counted(gateway, "unsent_bytes") > before, 5, "a line about it")


async def test_a_flood_of_pings_that_are_read_is_answered(client):
    pongs = 20_000
    reading = asyncio.create_task(client.frames(pongs))
    for _ in range(pongs // 100):
        await client.send(frame(PING, b"x" * 125) * 100)
    assert [opcode for opcode in await asyncio.wait_for(reading, 30) if opcode == 10] != []
    await client.send_frame(TEXT, unknown(1))
    assert (await client.text())["transaction"] == "t1"


async def test_B36_who_asks_and_does_not_read_is_aborted_at_a_mebibyte(gateway, hostile):
    crowd = [await (await hostile(reads=False)).opened() for _ in range(2)]
    data = b"".join(frame(TEXT, unknown(number, 200)) for number in range(200))
    sent = await asyncio.gather(*(flood(connection, data, 180) for connection in crowd))
    assert all(bytes_ > 1 << 20 for bytes_ in sent)


# Requests.

async def test_B02_a_transaction_that_is_used_twice_is_answered_twice(client):
    await client.send(frame(TEXT, unknown(1)) * 3)
    assert [(await client.text())["transaction"] for _ in range(3)] == ["t1"] * 3


async def test_ten_thousand_requests_at_once_are_all_answered(neighbour):
    """By the worker, 64 at a time: whoever asks so much is not read meanwhile, and is told no error."""
    control = neighbour.control("trickle", {"candidates": [candidate()]})
    for _ in range(10_000):
        await neighbour.client.send("videoroom-ctl", **control)
    await neighbour.client.all_answered(240)
    errors = [answers[0] for answers in neighbour.client.answers.values() if answers[0]["sylkrtc"] != "ack"]
    assert not errors, errors[:3]


async def test_ten_thousand_bad_requests_at_once_are_all_answered_and_do_not_fill_the_log(gateway, client):
    before = gateway.front_doors[0].log.read_text().count("request refused")
    answers = asyncio.create_task(client.texts(10_000))
    for start in range(0, 10_000, 500):
        await client.send(b"".join(frame(TEXT, unknown(number)) for number in range(start, start + 500)))
    answered = [answer["transaction"] for answer in await asyncio.wait_for(answers, 60)]
    assert answered == [f"t{number}" for number in range(10_000)]
    assert gateway.front_doors[0].log.read_text().count("request refused") - before < 3000


async def test_B36_accounts_sessions_and_elements_end_where_they_are_configured_to(gateway, visitors):
    greedy = await visitors.participant("Greedy", visitors.new_room())
    await greedy.join()
    for number in range(2):
        await greedy.client.acked("account-add", account=f"greedy{number}@example.com", password="0" * 32)
    text = await greedy.client.refused("account-add", account="greedy3@example.com", password="0" * 32)
    assert text == "too many accounts"
    await greedy.controlled("trickle", {"candidates": [candidate()] * 5})
    text = await greedy.control_refused("trickle", {"candidates": [candidate()] * 6})
    assert text == "trickle.candidates: must have at most 5 elements"
    text = await greedy.control_refused("invite-participants", {"participants": ["a@b", "c@d", "e@f"]})
    assert text == "invite_participants.participants: must have at most 2 elements"
    for number in range(3):
        request = await greedy.join_request()
        request.update(session=f"{greedy.session}-{number}", uri=visitors.new_room())
        await greedy.client.acked("videoroom-join", **request)
    request.update(session="one-too-many", uri=visitors.new_room())
    assert await greedy.client.refused("videoroom-join", **request) == "too many sessions"
    for limit in ("accounts", "sessions", "request_field"):
        assert counted(gateway, limit) > 0
    await greedy.client.close()


# Handshakes.

@pytest.mark.parametrize("beginning", [b"", b"GET /webrtcgateway/ws HTTP/1.1\r\nHost: a\r\n"], ids=["nothing", "half a request"])
async def test_B36_who_does_not_say_what_it_wants_is_let_go(hostile, beginning):
    began = time.monotonic()
    connection = await hostile()
    await connection.send(beginning)
    assert await connection.ends() == b""
    assert HANDSHAKE_TIME - 0.2 < time.monotonic() - began < HANDSHAKE_TIME + 3


async def test_B36_a_request_by_the_byte_takes_no_longer(hostile):
    began = time.monotonic()
    connections = [await hostile() for _ in range(20)]
    ends = [asyncio.create_task(connection.ends(20)) for connection in connections]
    try:
        for byte in b"GET /webrtcgateway/ws HTTP/1.1\r\nHost: gateway\r\n":
            for connection in connections:
                await connection.send(bytes([byte]))
            await asyncio.sleep(0.2)  # that is how slow they are
            if all(task.done() for task in ends):
                break
    except ConnectionError:
        pass
    assert await asyncio.gather(*ends) == [b""] * 20
    assert time.monotonic() - began < HANDSHAKE_TIME + 4


@pytest.mark.parametrize("head", [
    b"GET /webrtcgateway/ws HTTP/1.1\r\nX: " + b"x" * 300_000,
    b"GET /webrtcgateway/ws HTTP/1.1\r\n" + b"X: y\r\n" * 50_000,
    b"GET /" + b"x" * 300_000,
    b"\x00" * 1000, b"NONSENSE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"POST /webrtcgateway/ws HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /webrtcgateway/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n",
], ids=["a long field", "many fields", "a long path", "zeros", "no request", "no version", "two lengths of kinds", "two lengths"])
async def test_requests_that_no_client_may_send_end_their_connection(hostile, head):
    connection = await hostile()
    began = time.monotonic()
    ends = asyncio.create_task(connection.ends())
    try:
        await connection.send(head)
    except ConnectionError:
        pass
    answer = await ends
    assert answer == b"" or answer.split(b" ")[1] in (b"400", b"431"), answer[:200]
    assert time.monotonic() - began < HANDSHAKE_TIME - 0.2, "it does not take until the deadline"


async def test_B01_a_request_behind_the_upgrade_is_no_request_but_a_broken_frame(hostile):
    connection = await hostile()
    await connection.send(request(upgrade()) + request({"X-Padding": "x" * 100}))
    assert (await connection.head()).status == 101
    assert await connection.close_code() == 1002
    assert b"HTTP/1.1 2" not in await connection.ends()


async def test_what_stands_in_the_body_of_an_upgrade_is_neither_request_nor_frame(hostile):
    connection = await hostile()
    inside = frame(TEXT, unknown(1))
    await connection.send(request({**upgrade(), "Content-Length": len(inside)}) + inside + frame(TEXT, unknown(2)))
    answer = await connection.head()
    if answer.status == 101:
        assert (await connection.text())["event"] == "ready"
        assert (await connection.text())["transaction"] == "t2"
    else:
        assert answer.status == 400


async def test_only_the_first_request_of_a_connection_is_answered(hostile):
    connection = await hostile()
    await connection.send(request({}, "/") + request(upgrade()) + request({}))
    answer = await connection.ends()
    assert answer.startswith(b"HTTP/1.1 301 ") and answer.count(b"HTTP/1.1") == 1


def request(headers, path=SOCKET):
    lines = [f"GET {path} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


# Crowds.

async def test_B36_sockets_of_one_address_that_say_nothing_are_bounded(gateway, hostile):
    before = counted(gateway, "handshakes_per_address")
    crowd = [await hostile("127.0.0.67") for _ in range(2 * HANDSHAKES)]
    ends = [asyncio.create_task(connection.ends(20)) for connection in crowd]
    await eventually(lambda: sum(task.done() for task in ends) >= HANDSHAKES, HANDSHAKE_TIME / 2, "half of them to be closed")
    assert [task.done() for task in ends] == [False] * HANDSHAKES + [True] * HANDSHAKES
    assert (await get(gateway.ports[0], SOCKET, upgrade())).status == 101, "another address"
    await asyncio.gather(*ends)
    assert 0 < counted(gateway, "handshakes_per_address") - before <= 3, "a line a second"
    assert (await (await hostile("127.0.0.67")).request("/webrtcgateway/")).status == 200


async def test_B36_WebSockets_of_one_address_are_bounded(gateway, hostile):
    crowd = []
    for _ in range(PER_ADDRESS):
        crowd.append(await (await hostile("127.0.0.68")).opened())
    refused = await (await hostile("127.0.0.68")).request(SOCKET, upgrade())
    assert (refused.status, refused.reason) == (429, "Too Many Requests")
    assert (await (await hostile("127.0.0.68")).request("/webrtcgateway/")).status == 200, "the page is open to everybody"
    await crowd.pop().close()

    async def let_in():
        return (await (await hostile("127.0.0.68")).request(SOCKET, upgrade())).status == 101

    await eventually(let_in, 5, "that one may come when one has left")


async def test_connections_that_come_and_go_leave_nothing(hostile):
    async def come_and_go(number):
        for _ in range(10):
            connection = await hostile(f"127.0.2.{number}")
            await connection.send(b"GET /" if number % 2 else request(upgrade()))
            await connection.close()

    await asyncio.gather(*(come_and_go(number) for number in range(1, 31)))


async def test_B36_a_client_that_does_not_answer_a_close_is_closed(client):
    began = time.monotonic()
    await client.send_frame(TEXT, b"\xff")
    assert await client.close_code() == 1007
    await client.ends()
    assert 0.8 < time.monotonic() - began < 5


async def test_a_socket_that_is_half_closed_is_closed(gateway):
    with socket.create_connection(("127.0.0.1", gateway.ports[0])) as plain:
        plain.shutdown(socket.SHUT_WR)
        plain.settimeout(HANDSHAKE_TIME + 3)
        assert await asyncio.get_running_loop().run_in_executor(None, plain.recv, 1) == b""
