"""What the SIP infrastructure asks for: tokens of devices, and push messages to them."""

import asyncio
import json
import re
import ssl
import subprocess
import uuid

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from harness.certificates import Authority
from harness.configuration import configuration
from harness.gateway import Gateway
from harness.management import grown, metrics
from harness.paths import binaries
from harness.ports import free_port, own_address
from harness.process import Process
from harness.push_server import PushServer
from harness.raw import Connection
from harness.running import running
from harness.threads import client_loops, stopped
from harness.waiting import eventually

APP = "com.example.phone"
SECRET = "s3cret of the SIP proxy"
ALICE, BOB = "alice@example.com", "bob@example.org"
CALL = {"originator": f"sip:{BOB}", "destination": "alice@EXAMPLE.com"}
SUCCESS = (200, {"success": True})


class Infrastructure:
    """A SIP proxy that speaks with a gateway."""

    def __init__(self, gateway, address, secret=None):
        self.gateway = gateway
        self.url = f"http://{address}"
        self._headers = {"Authorization": secret} if secret else {}

    async def ask(self, method, path, body=None, **headers):
        """Returns the status and what was said."""
        data = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            async with http.request(
                    method, URL(self.url + path, encoded=True), data=data,
                    headers={**self._headers, **headers}) as response:
                text = await response.text()
                if method == "HEAD" or response.content_type != "application/json":
                    return response.status, text
                return response.status, json.loads(text)

    async def add(self, *tokens, account=ALICE):
        """Tokens that must stand in no log."""
        for token in tokens:
            self.gateway.secrets.add(token)
            assert await self.ask("POST", f"/tokens/{account}/{token}") == SUCCESS

    async def tokens(self, account=ALICE):
        status, body = await self.ask("GET", f"/tokens/{account}")
        assert status == 200, body
        return body["tokens"]

    async def forget(self, account=ALICE):
        for token in await self.tokens(account):
            assert await self.ask("DELETE", f"/tokens/{account}/{token}") == SUCCESS

    def said(self, words, door=None):
        """The lines of the front doors' logs with these words."""
        doors = self.gateway.front_doors if door is None else [self.gateway.front_doors[door]]
        return [line for one in doors for line in one.log.read_text().splitlines() if words in line]


async def opened(gateway):
    """Waits until every front door answers the SIP infrastructure."""
    await eventually(
        lambda: all(": management interface " in door.last_lines(1000) for door in gateway.front_doors), 20,
        "the management interface")


@pytest_asyncio.fixture(scope="module")
async def push_server():
    server = PushServer(APP)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus, push_server):
    """Two front doors, without a secret; no worker is needed for this."""
    settings = {"General": {"sylk_push_url": push_server.url, "sylk_push_app_id": APP}}
    async with running(Gateway(folder, janus, workers=0, slots=1, settings=settings)) as gateway:
        await opened(gateway)
        yield gateway


@pytest_asyncio.fixture
async def proxy(gateway, push_server):
    push_server.forget()
    address = re.search(r"http_management_interface = (\S+)", gateway.ini.read_text())[1]
    proxy = Infrastructure(gateway, address)
    yield proxy
    await proxy.forget()


@pytest_asyncio.fixture(scope="module")
async def wary(folder, janus):
    """A gateway off loopback, with a secret, that knows no push server."""
    place = folder / "wary"
    place.mkdir()
    address = f"{own_address()}:{free_port()}"
    settings = {"General": {"http_management_interface": address, "http_management_auth_secret": SECRET}}
    async with running(Gateway(place, janus, front_doors=1, workers=0, slots=1, settings=settings)) as gateway:
        gateway.secrets.add(SECRET)
        await opened(gateway)
        yield gateway, address


# The interface.


async def test_B31_tokens_are_added_listed_and_removed(proxy):
    assert await proxy.tokens() == []
    await proxy.add("first-token", "second-token")
    assert await proxy.ask("POST", "/tokens/sip%3Aalice%40EXAMPLE.com/a%2Fb%20c") == SUCCESS
    assert await proxy.tokens() == ["first-token", "second-token", "a/b c"]
    assert await proxy.ask("DELETE", f"/tokens/{ALICE}/first-token") == SUCCESS
    assert await proxy.ask("DELETE", f"/tokens/{ALICE}/nothing") == SUCCESS
    assert await proxy.ask("DELETE", f"/tokens/{ALICE}/a%2Fb%20c") == SUCCESS
    assert await proxy.tokens() == ["second-token"]


async def test_B30_B31_every_front_door_of_the_host_answers_the_same(proxy, gateway):
    await proxy.add("shared-token")
    before = await metrics(*gateway.front_doors)
    for _ in range(40):
        assert await proxy.tokens() == ["shared-token"]
    after = await metrics(*gateway.front_doors)
    name, labels = "gateway_frontdoor_management_requests_total", 'endpoint="tokens",outcome="success"'
    assert grown(before, after, name)[labels] == 40
    for door in gateway.front_doors:
        assert (await metrics(door))[f"{name}{{{labels}}}"] > 0, door


async def test_B30_B31_what_the_proxy_stores_is_where_clients_tokens_are(proxy, gateway):
    await proxy.add("of-the-proxy")
    state = re.search(r"state_dir = (\S+)", gateway.ini.read_text())[1]
    assert gateway.registry.tokens(gateway.ini.parent / state, ALICE) == ["of-the-proxy"]


async def test_B31_D55_what_cannot_be_used_is_refused(proxy, push_server):
    await proxy.add("a-token")
    for path in ("/incoming_session", "/missed_session"):
        for body in ("", "no JSON", "[]", "{}", '{"originator":"x"}', {**CALL, "originator": 1}, {**CALL, "destination": "x"}):
            status, answer = await proxy.ask("POST", path, body)
            assert status == 400 and answer["success"] is False and answer["error"], answer
        assert (await proxy.ask("POST", path, "x" * 9000))[0] == 413
        assert (await proxy.ask("GET", path))[0] == 405
    for method, path, status in [
        ("GET", "/tokens/nobody", 400), ("POST", f"/tokens/{ALICE}/%zz", 400), ("POST", f"/tokens/{ALICE}/", 400),
        ("DELETE", f"/tokens/{ALICE}/{'a' * 4097}", 400), ("PUT", f"/tokens/{ALICE}/x", 405), ("HEAD", f"/tokens/{ALICE}", 405),
        ("GET", "/", 404), ("POST", "/incoming_session/", 404), ("GET", "/metrics", 404),
    ]:
        assert (await proxy.ask(method, path))[0] == status, (method, path)
    assert await proxy.tokens() == ["a-token"] and push_server.asked == []


async def test_B31_a_page_in_a_browser_of_the_host_is_kept_out(proxy):
    assert await proxy.ask("POST", f"/tokens/{ALICE}/x", Origin="https://example.net") == (403, "Authentication error")
    assert await proxy.tokens() == []


async def test_B31_slow_endless_and_many_requests_take_nothing_from_others(proxy, gateway):
    port = int(proxy.url.rpartition(":")[2])
    slow = [await Connection.open(port) for _ in range(200)]
    for connection in slow[:100]:
        await connection.send(b"GET /tokens/")
    endless = await Connection.open(port)
    await endless.send(b"GET /tokens/" + b"a" * 30_000)
    await endless.ends(5)
    assert await proxy.tokens() == []
    # One request a connection: what comes behind it is not looked at.
    two = await Connection.open(port)
    request = f"GET /tokens/{ALICE} HTTP/1.1\r\nHost: h\r\n\r\n".encode()
    await two.send(request * 2)
    assert (await two.ends(5)).count(b"HTTP/1.1 200 OK") == 1
    for connection in slow:
        await connection.ends(10)
    for connection in [*slow, endless, two]:
        await connection.close()
    assert await proxy.tokens() == []


async def test_B31_D55_with_a_secret_nobody_is_told_anything_without_it(wary):
    gateway, address = wary
    knows = Infrastructure(gateway, address, SECRET)
    assert await knows.tokens() == []
    for given in (None, SECRET[:-1], f"{SECRET}x", SECRET.upper(), f"Bearer {SECRET}"):
        stranger = Infrastructure(gateway, address, given)
        for method, path in [("GET", f"/tokens/{ALICE}"), ("POST", f"/tokens/{ALICE}/x"), ("POST", "/missed_session"), ("GET", "/")]:
            assert await stranger.ask(method, path) == (403, "Authentication error")
    assert await knows.tokens() == []
    assert any("reason=unauthorized" in line for line in knows.said("management request refused"))


async def test_B31_it_waits_for_none_of_the_clients_loops(wary):
    gateway, address = wary
    proxy = Infrastructure(gateway, address, SECRET)
    one, other = client_loops(gateway.front_doors[0].pid)
    with stopped(one), stopped(other):
        await proxy.add("a-token")
        assert await proxy.tokens() == ["a-token"]
    await proxy.forget()


def refused(folder, janus, **general):
    """The status and the words with which a front door does not start."""
    ini = folder / "refused.ini"
    ini.write_text(configuration(folder / "refused", janus, "1", {"General": general}))
    ini.chmod(0o600)
    command = [binaries() / "Frontdoor", "--config", ini, "--listen", f"127.0.0.1:{free_port()}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr


def test_B31_D55_off_loopback_without_a_secret_it_does_not_start(folder, janus):
    status, complaint = refused(folder, janus, http_management_interface="0.0.0.0:20888")
    assert status == 78 and complaint.count("\n") == 1, complaint
    assert "http_management_interface" in complaint and "http_management_auth_secret" in complaint


def test_B31_an_address_that_is_somebody_elses_stops_the_start(folder, janus):
    status, complaint = refused(folder, janus, http_management_interface=f"127.0.0.1:{janus.api_port}")
    assert status == 1
    last = complaint.splitlines()[-1]
    assert "http_management_interface" in last and "Address already in use" in last, complaint


async def test_B31_front_doors_come_and_go_and_the_proxy_is_always_answered(proxy, gateway):
    await proxy.add("a-token")
    is_over = False

    async def ask():
        count = 0
        while not is_over:
            assert await proxy.tokens() == ["a-token"]
            count += 1
        return count

    asking = [asyncio.create_task(ask()) for _ in range(2)]
    for number, port in ((3, free_port()), (4, free_port())):
        # Another life beside those that are there, as in an upgrade, which then goes.
        door = Process(
            f"frontdoor-{number}",
            [binaries() / "Frontdoor", "--config", gateway.ini, "--id", number, "--listen", f"127.0.0.1:{port}"],
            gateway.ini.parent / f"frontdoor-{number}.log")
        await door.start()
        await eventually(lambda: ": listening " in door.last_lines(1000), 20, "a front door")
        await eventually(
            lambda: any(task.done() for task in asking) or ": management interface " in door.last_lines(1000), 20, "it")
        assert await door.stop() == 0, door.last_lines()
    is_over = True
    assert all([await task > 0 for task in asking])


# Pushes.


@pytest.mark.parametrize("path, event", [("/incoming_session", "incoming_session"), ("/missed_session", "missed_session")])
async def test_B32_every_device_is_told_who_calls_whom(path, event, proxy, push_server):
    await proxy.add("device-one", "device-two")
    assert await proxy.ask("POST", path, CALL) == SUCCESS
    bodies = [(await push_server.is_asked(token))[0] for token in ("device-one", "device-two")]
    assert bodies[0]["device-id"] != bodies[1]["device-id"]
    assert bodies[0]["call-id"] == bodies[1]["call-id"] == str(uuid.UUID(bodies[0]["call-id"]))
    for body, token in zip(bodies, ("device-one", "device-two")):
        assert {name: body[name] for name in body if name not in ("device-id", "call-id")} == {
            "event": event, "platform": "android", "app-id": APP, "token": token, "silent": 0, "from": BOB,
            "from-display-name": None, "to": ALICE, "media-type": "audio"}
    for headers, _ in push_server.asked:
        assert headers["User-Agent"] == "SylkServer" and headers["Content-Type"] == "application/json"
    assert await proxy.ask("POST", path, CALL) == SUCCESS
    again = await push_server.is_asked("device-one", 2)
    assert again[1]["call-id"] != again[0]["call-id"] and again[1]["device-id"] == again[0]["device-id"]


async def test_B31_B32_nobody_waits_for_a_push(proxy, push_server):
    await proxy.add("slow-device")
    push_server.may_answer.clear()
    try:
        assert await proxy.ask("POST", "/incoming_session", CALL) == SUCCESS
        await push_server.is_asked("slow-device")
        assert await proxy.ask("POST", "/missed_session", CALL) == SUCCESS
        assert await proxy.tokens() == ["slow-device"]
    finally:
        push_server.may_answer.set()


async def test_B32_a_device_that_is_gone_is_forgotten(proxy, push_server):
    await proxy.add("dead-one", "dead-two", "living-token")
    push_server.answers = {
        "dead-one": (410, {"token": "dead-one", "reason": "unregistered"}), "dead-two": (410, "unregistered"),
        "living-token": (202, {})}
    assert await proxy.ask("POST", "/incoming_session", CALL) == SUCCESS

    async def forgotten():
        return await proxy.tokens() == ["living-token"]

    await eventually(forgotten, 10, "the devices to be forgotten")


@pytest.mark.parametrize("status", [400, 403, 404, 500])
async def test_B32_a_failure_is_logged_and_the_device_is_kept(status, proxy, push_server):
    await proxy.add("unlucky-token")
    push_server.answers = {"unlucky-token": (status, {"reason": f"reason-{status} for unlucky-token"})}
    assert await proxy.ask("POST", "/missed_session", CALL) == SUCCESS
    await eventually(lambda: proxy.said(f"reason-{status}"), 10, "the failure")
    line = proxy.said(f"reason-{status}")[0]
    assert "warning" in line and f"value={status}" in line and "[redacted]" in line and f"account={ALICE}" in line
    assert await proxy.tokens() == ["unlucky-token"] and len(push_server.bodies("unlucky-token")) == 1


async def test_B32_while_the_push_server_is_away_an_incoming_session_waits_for_it(proxy, push_server, gateway):
    await proxy.add("patient-token")
    await push_server.stop()
    before = await metrics(*gateway.front_doors)
    assert await proxy.ask("POST", "/missed_session", CALL) == SUCCESS
    assert await proxy.ask("POST", "/incoming_session", CALL) == SUCCESS

    async def tried():
        return grown(before, await metrics(*gateway.front_doors), "gateway_frontdoor_push_retries_total")

    await eventually(tried, 10, "a try in vain")
    await push_server.start()
    await push_server.is_asked("patient-token")
    await eventually(lambda: proxy.said("the push server was not reached,"), 5, "what was in vain")
    after = await metrics(*gateway.front_doors)
    assert [body["event"] for body in push_server.bodies("patient-token")] == ["incoming_session"]
    outcomes = grown(before, after, "gateway_frontdoor_pushes_total")
    assert outcomes['outcome="unreachable"'] == 1
    assert [line for line in proxy.said("the push server was not reached ") if "event=missed_session" in line]


async def test_B32_without_a_push_server_nothing_is_sent_and_that_is_said(wary):
    gateway, address = wary
    proxy = Infrastructure(gateway, address, SECRET)
    await proxy.add("nobody-is-told")
    assert await proxy.ask("POST", "/incoming_session", CALL) == SUCCESS
    await eventually(lambda: proxy.said("nobody sends push messages"), 5, "the warning")
    assert "warning" in proxy.said("nobody sends push messages")[0]
    assert await proxy.tokens() == ["nobody-is-told"]


async def test_B32_a_push_server_that_cannot_prove_who_it_is_is_told_nothing(folder, janus):
    place = folder / "tls"
    place.mkdir()
    certificate = Authority(place).issue("push")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.chain, certificate.key)
    server = PushServer(APP, context)
    await server.start()
    address = f"127.0.0.1:{free_port()}"
    settings = {"General": {
        "http_management_interface": address, "sylk_push_url": server.url, "sylk_push_app_id": APP}}
    async with running(Gateway(place, janus, front_doors=1, workers=0, slots=1, settings=settings)) as gateway:
        await opened(gateway)
        proxy = Infrastructure(gateway, address)
        await proxy.add("private-token")
        assert await proxy.ask("POST", "/missed_session", CALL) == SUCCESS
        await eventually(lambda: proxy.said("the push server was not reached"), 10, "the failure")
        assert "CERTIFICATE_VERIFY_FAILED" in proxy.said("the push server was not reached")[0]
        assert server.asked == []
    await server.stop()
