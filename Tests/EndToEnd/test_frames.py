"""What arrives on a socket besides good requests: the rows of "Frames" in docs/protocol.md."""

import pytest

from harness.raw import BINARY, TEXT, Connection, upgrade

SOCKET = "/webrtcgateway/ws"


async def still_answers(client):
    assert await client.refused("account-remove", account="a@example.com") == "Unknown account specified: a@example.com"


@pytest.mark.parametrize("text", [
    "", "{", "nonsense", "[]", "12", "null", '"text"', "[" * 50000, '{"sylkrtc":"account-remove","account":"a@example.com"}',
    '{"sylkrtc":"account-remove","transaction":""}', '{"sylkrtc":"account-remove","transaction":7}',
    '{"sylkrtc":"account-remove","transaction":null}', '{"sylkrtc":12,"transaction":"1"}', '{"sylkrtc":[],"transaction":"1"}',
], ids=lambda text: text[:50] or "empty")
async def test_B02_what_cannot_be_answered_is_ignored(visitors, text):
    client = await visitors.client()
    before = client.now
    await client.send_text(text)
    await still_answers(client)
    assert client.names(after=before) == ["error"]


async def test_B02_a_binary_message_is_ignored(visitors):
    client = await visitors.client()
    before = client.now
    await client.send_bytes(b'{"sylkrtc":"account-remove","transaction":"1","account":"a@example.com"}')
    await still_answers(client)
    assert client.names(after=before) == ["error"]


async def test_B02_B36_a_message_of_the_largest_size_is_answered(visitors):
    client = await visitors.client()
    request = '{"sylkrtc":"account-remove","transaction":"big","account":"a@example.com","padding":"%s"}'
    client.answers["big"] = []
    await client.send_text(request % ("x" * (256 * 1024 - len(request) + 2)))
    assert (await client.answer("big"))["error"] == "Unknown account specified: a@example.com"


async def test_B02_B36_a_message_beyond_it_closes_its_connection_and_no_other(visitors):
    big, other = await visitors.client(), await visitors.client()
    await big.send_text("x" * (256 * 1024 + 1))
    await big.closes()
    assert big.close_code == 1009
    await still_answers(other)


@pytest.mark.parametrize("frame, code", [
    ({"opcode": TEXT, "payload": b"\xff\xfe"}, 1007),
    ({"opcode": 3, "payload": b""}, 1002),
    ({"opcode": TEXT, "payload": b"{}", "masked": False}, 1002),
], ids=["not UTF-8", "unknown opcode", "unmasked"])
async def test_B02_a_broken_frame_closes_the_connection(gateway, frame, code):
    connection = await Connection.open(gateway.ports[0])
    assert (await connection.request(SOCKET, upgrade())).status == 101
    await connection.send_frame(**frame)
    assert await connection.close_code() == code
    await connection.close()


async def test_B02_a_binary_frame_by_the_byte_closes_nothing(gateway):
    connection = await Connection.open(gateway.ports[0])
    assert (await connection.request(SOCKET, upgrade())).status == 101
    await connection.send_frame(BINARY, b"\x00\xff")
    await connection.send_frame(TEXT, b"\xff")
    assert await connection.close_code() == 1007
    await connection.close()


async def test_a_close_is_answered_with_its_own_code(gateway):
    connection = await Connection.open(gateway.ports[0])
    assert (await connection.request(SOCKET, upgrade())).status == 101
    await connection.send_frame(8, (4321).to_bytes(2, "big") + b"bye")
    assert await connection.close_code() == 4321
    await connection.close()
