"""Clients behind proxies: the examples of deploy/proxies as they are, and whose word is taken for an address."""

import base64
import hashlib
import re

import pytest
import pytest_asyncio

from harness.certificates import Authority
from harness.client import Client
from harness.peer import MediaParticipant
from harness.proxies import HAProxy, Nginx
from harness.raw import SOCKET, Connection, get, upgrade
from harness.checks import nothing_left
from harness.waiting import eventually

PER_ADDRESS = 8  # WebSockets


@pytest.fixture(scope="module")
def gateway_settings():
    return {
        "Frontdoor": {"trusted_proxies": "127.0.0.1, 10.0.0.0/8, 2001:db8::/32"},
        "Limits": {"connections_per_address": PER_ADDRESS},
    }


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest_asyncio.fixture(params=[Nginx, HAProxy], ids=["nginx", "haproxy"], scope="module")
async def proxy(request, gateway, folder, authority):
    proxy = request.param(folder, gateway, authority.issue(request.param.name))
    await proxy.start()

    async def serves():
        connection = await Connection.open(proxy.port, authority.context())
        try:
            return (await connection.request("/webrtcgateway/")).status == 200
        finally:
            await connection.close()

    async def answers():
        try:
            return await serves()
        except OSError:
            return False

    try:
        await proxy.answers(answers)
        yield proxy
    finally:
        await proxy.stop()


@pytest_asyncio.fixture
async def far(gateway, proxy, authority):
    """Clients from other addresses of loopback, through the proxy."""
    clients = []

    async def connect(source, **options):
        client = await Client.connect(proxy.url, tls=authority.context(), source=source, **options)
        clients.append(client)
        assert await client.became_ready()
        return client

    yield connect
    for client in clients:
        await client.close()
        client.check()
    await nothing_left(gateway)


def log(gateway, door):
    return gateway.front_doors[door].log.read_text()


def peers(gateway):
    """Devices and addresses of the clients that have connected, at either front door."""
    lines = [line for door in range(2) for line in log(gateway, door).splitlines() if " connected" in line]
    return [re.search(r'device="?([\w+/]+)"?.* peer="?([^\s"]+)', line).groups() for line in lines]


def connected(gateway, address):
    return [(device, peer) for device, peer in peers(gateway) if peer.startswith(address + ":")]


async def test_a_conference_through_the_proxy_has_media_and_both_front_doors(gateway, far):
    room = "proxied@conference.example.com"
    before = [log(gateway, door).count("127.0.0.9:") for door in range(2)]
    anna = await MediaParticipant(await far("127.0.0.9"), "Anna", room).join()
    bela = await MediaParticipant(await far("127.0.0.9"), "Bela", room).join()
    try:
        await anna.client.event("publishers_joined", anna.session)
        feed = await anna.watch(bela.session)
        await eventually(lambda: feed.reception.video > 20, 20, "video frames")
    finally:
        await anna.close()
        await bela.close()
    assert all(log(gateway, door).count("127.0.0.9:") > before[door] for door in range(2)), "one client each"


async def test_B33_the_clients_address_is_what_the_front_door_logs_and_makes_device_ids_of(gateway, far):
    await far("127.0.0.10")
    [(device, peer)] = connected(gateway, "127.0.0.10")[-1:]
    digest = hashlib.md5(f"tcp4:{peer}".encode()).digest()
    assert device == base64.b64encode(digest).decode().rstrip("=")


async def test_what_a_client_says_of_itself_is_not_believed_through_the_proxy(gateway, far):
    for headers in ({"X-Forwarded-For": "203.0.113.1"}, {"Forwarded": "for=203.0.113.1"},
                    {"X-Forwarded-For": "203.0.113.1", "Forwarded": 'for="203.0.113.1'}):
        before = len(connected(gateway, "127.0.0.11"))
        await far("127.0.0.11", headers=headers)
        assert len(connected(gateway, "127.0.0.11")) == before + 1
    assert "203.0.113.1" not in log(gateway, 0) + log(gateway, 1)


async def test_when_a_front_door_is_gone_the_other_one_serves(gateway, far):
    await gateway.take_away(gateway.front_doors[0])
    try:
        for _ in range(4):
            await (await far("127.0.0.12")).refused("nonsense")
    finally:
        gateway.bring_back(gateway.front_doors[0])
        await gateway.serving()


# Whose word is taken, without a proxy: this host is trusted.

async def came_from(gateway, expected, source=None, **headers):
    before = len(connected(gateway, expected))
    connection = await Connection.open(gateway.ports[0], source=source)
    await connection.opened(**headers)
    await connection.close()
    await eventually(lambda: len(connected(gateway, expected)) > before, 5, f"a client from {expected}")


@pytest.mark.parametrize("headers, expected", [
    ({"X_Forwarded_For": "203.0.113.5"}, "203.0.113.5"),
    ({"X_Forwarded_For": "203.0.113.5, 198.51.100.6, 10.1.2.3"}, "198.51.100.6"),
    ({"X_Forwarded_For": "2001:470::7"}, "[2001:470::7]"),
    ({"X_Forwarded_For": "nonsense, 203.0.113.8"}, "203.0.113.8"),
    ({"X_Forwarded_For": "203.0.113.8, nonsense"}, "127.0.0.1"),
    ({"X_Forwarded_For": "10.0.0.3, 10.0.0.4"}, "10.0.0.3"),
    ({"Forwarded": 'for=203.0.113.9;proto=https, For="[2001:470::9]:4711"'}, "[2001:470::9]"),
    ({"Forwarded": 'for="[2001:470::10]", for=10.9.9.9;by=10.0.0.1'}, "[2001:470::10]"),
    ({"Forwarded": "for=unknown"}, "127.0.0.1"),
    ({"Forwarded": "for=203.0.113.11", "X_Forwarded_For": "203.0.113.11"}, "203.0.113.11"),
    ({"Forwarded": "for=203.0.113.12", "X_Forwarded_For": "203.0.113.13"}, "127.0.0.1"),
    ({}, "127.0.0.1"),
])
async def test_a_trusted_peer_is_asked_for_the_last_hop_that_is_not_trusted(gateway, headers, expected):
    await came_from(gateway, expected, **headers)


@pytest.mark.parametrize("headers", [{"X_Forwarded_For": "203.0.113.20"}, {"Forwarded": "for=203.0.113.20"}])
async def test_anybody_elses_word_is_not_taken(gateway, headers):
    await came_from(gateway, "127.0.0.13", source="127.0.0.13", **headers)


async def test_a_port_that_is_told_is_the_clients(gateway):
    await came_from(gateway, "203.0.113.21", Forwarded='for="203.0.113.21:4712"')
    assert connected(gateway, "203.0.113.21")[-1][1] == "203.0.113.21:4712"


async def test_B36_D07_WebSockets_of_one_address_are_counted_behind_a_proxy_as_well(gateway):
    port, there = gateway.ports[0], []
    for _ in range(PER_ADDRESS):
        there.append(await (await Connection.open(port)).opened(X_Forwarded_For="203.0.113.30"))
    response = await get(port, SOCKET, upgrade(X_Forwarded_For="203.0.113.30"))
    assert (response.status, response.headers["retry-after"]) == (429, "60")
    other = await (await Connection.open(port)).opened(X_Forwarded_For="203.0.113.31")
    for connection in [other, there.pop()]:
        await connection.close()

    async def is_let_in():
        return (await get(port, SOCKET, upgrade(X_Forwarded_For="203.0.113.30"))).status == 101

    await eventually(is_let_in, 5, "that one may come when one has left")
    for connection in there:
        await connection.close()


async def test_B01_the_check_comes_after_all_others(gateway):
    port, there = gateway.ports[0], []
    for _ in range(PER_ADDRESS):
        there.append(await (await Connection.open(port)).opened(X_Forwarded_For="203.0.113.32"))
    for changes, status in (({"Upgrade": None}, 426), ({"Sec_WebSocket_Protocol": "x"}, 406), ({}, 429)):
        response = await get(port, SOCKET, upgrade(X_Forwarded_For="203.0.113.32", **changes))
        assert response.status == status
    for connection in there:
        await connection.close()
