"""The door itself: who is let in, and what is served to whom."""

import pytest

from harness.client import Client
from harness.raw import get, upgrade

SOCKET = "/webrtcgateway/ws"


async def shake(port, **changes):
    return await get(port, SOCKET, upgrade(**changes))


@pytest.fixture(scope="module")
def gateway_settings():
    return {"General": {"web_origins": "https://*.example.com, http://localhost:8080"}}


@pytest.fixture(scope="module")
def port(gateway):
    return gateway.ports[0]


async def test_B01_a_client_is_let_in_and_its_subprotocol_repeated(port):
    response = await shake(port)
    assert response.status == 101
    assert response.headers["sec-websocket-protocol"] == "sylkRTC-1"
    assert response.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert "sec-websocket-extensions" not in response.headers


async def test_B01_the_server_names_itself_as_the_original_did(port):
    assert (await shake(port)).headers["server"].startswith("SylkServer/")


async def test_B01_a_subprotocol_among_others_is_found(port):
    response = await shake(port, Sec_WebSocket_Protocol="chat, sylkRTC-1")
    assert (response.status, response.headers["sec-websocket-protocol"]) == (101, "sylkRTC-1")


@pytest.mark.parametrize("offered", [None, "chat", "sylkRTC-0, sylkrtc"])
async def test_B01_a_client_without_our_subprotocol_is_refused(port, offered):
    response = await shake(port, Sec_WebSocket_Protocol=offered)
    assert (response.status, response.reason) == (406, "No compatible protocol specified")


async def test_B01_a_plain_request_for_the_socket_is_told_to_upgrade(port):
    assert (await get(port, SOCKET)).status == 426


@pytest.mark.parametrize("key", [None, "short"])
async def test_B01_an_opening_with_a_broken_key_is_a_bad_request(port, key):
    assert (await shake(port, Sec_WebSocket_Key=key)).status == 400


@pytest.mark.parametrize("origin", ["https://meet.example.com", "http://localhost:8080", None])
async def test_B01_an_allowed_origin_or_none_is_let_in(port, origin):
    assert (await shake(port, Origin=origin)).status == 101


@pytest.mark.parametrize("origin", ["https://example.net", "https://example.com.evil.net", "http://localhost:8081", "null", "file://"])
async def test_B01_another_origin_is_refused_by_name(port, origin):
    response = await shake(port, Origin=origin)
    assert response.status == 400
    assert origin in response.reason


async def test_B01_the_origin_is_checked_before_the_subprotocol(port):
    assert (await shake(port, Origin="https://example.net", Sec_WebSocket_Protocol=None)).status == 400


async def test_E01_ready_is_the_first_thing_a_client_is_told_and_comes_once(gateway):
    client = await Client.connect(gateway.socket_url())
    await client.refused("nonsense")
    await client.close()
    assert client.messages[0] == {"sylkrtc": "event", "event": "ready"}
    client.check()


async def test_B04_what_is_asked_before_ready_is_answered_after_it(gateway):
    client = await Client.connect(gateway.socket_url())
    transactions = [await client.send("account-remove", account=f"nobody{number}@example.com") for number in range(10)]
    for transaction in transactions:
        await client.answer(transaction)
    await client.close()
    assert client.names()[0] == "ready"
    client.check()
