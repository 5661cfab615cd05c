"""HTTP and WebSocket by the byte, for what well-behaved clients do not send."""

import asyncio
import json
import os
import socket
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9
SOCKET = "/webrtcgateway/ws"


@dataclass
class Response:
    status: int
    reason: str
    headers: dict  # names in lower case
    body: bytes = b""


class Connection:
    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port, tls=None, source=None, reads=True):
        """From the address `source` of this host's. Whoever does not read takes as little as the system allows."""
        plain = socket.socket()
        if not reads:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.setblocking(False)
        try:
            plain.bind((source or "127.0.0.1", 0))
            await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        except BaseException:
            plain.close()
            raise
        return cls(*await asyncio.open_connection(
            sock=plain, ssl=tls, server_hostname="127.0.0.1" if tls else None, limit=1 << 20 if reads else 4096))

    async def close(self):
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            pass

    async def request(self, path, headers=None, within=10.0):
        """Sends a GET and reads the response; its body, if there is one."""
        lines = [f"GET {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in {"Host": "127.0.0.1", **(headers or {})}.items()]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await asyncio.wait_for(self._response(), within)

    async def send_frame(self, opcode, payload, masked=True):
        """One whole frame."""
        await self.send(frame(opcode, payload, masked))

    async def send(self, data):
        self._writer.write(data)
        await self._writer.drain()

    @property
    def certificate(self):
        """What the other end has shown, in DER."""
        return self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)

    async def opened(self, path=SOCKET, **changes):
        """Makes it a WebSocket."""
        response = await self.request(path, upgrade(**changes))
        assert response.status == 101, response
        return self

    async def text(self, within=10.0):
        """The next text message; pings are not answered."""
        return await asyncio.wait_for(self._text(), within)

    async def ends(self, within=10.0):
        """Reads until the other end has closed or reset the connection. Returns what came."""
        return await asyncio.wait_for(self._rest(), within)

    async def close_code(self, within=10.0):
        """Reads up to the close frame and returns its code."""
        return await asyncio.wait_for(self._close_code(), within)

    async def texts(self, count):
        return [await self._text() for _ in range(count)]

    async def frames(self, count):
        """The opcodes of the next frames."""
        return [(await self._frame())[0] for _ in range(count)]

    async def head(self, within=10.0):
        """A response to what was sent by the byte."""
        return await asyncio.wait_for(self._response(), within)

    async def _close_code(self):
        while True:
            opcode, payload = await self._frame()
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")

    async def _text(self):
        while True:
            opcode, payload = await self._frame()
            assert opcode != CLOSE, payload
            if opcode == TEXT:
                return json.loads(payload)

    async def _frame(self):
        first, second = await self._reader.readexactly(2)
        length = second & 0x7F
        if length > 125:
            length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
        return first & 0x0F, await self._reader.readexactly(length)

    async def _rest(self):
        data = b""
        try:
            while more := await self._reader.read(65536):
                data += more
        except ConnectionError:
            pass
        return data

    async def _response(self):
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        _, status, reason = (head[0] + " ").split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        response = Response(int(status), reason.strip(), headers)
        if response.status != 101 and "content-length" in headers:
            response.body = await self._reader.readexactly(int(headers["content-length"]))
        elif headers.get("transfer-encoding") == "chunked":
            response.body = await self._chunks()
        return response

    async def _chunks(self):
        body = b""
        while True:
            length = int(await self._reader.readline(), 16)
            body += await self._reader.readexactly(length)
            await self._reader.readexactly(2)
            if length == 0:
                return body


def frame(opcode, payload=b"", masked=True, last=True, reserved=0):
    """A frame (RFC 6455, section 5.2); `reserved` are three bits."""
    length = len(payload)
    head = bytes([(0x80 if last else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([mask_bit | length])
    elif length < 65536:
        head += bytes([mask_bit | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([mask_bit | 127]) + length.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = int.from_bytes(mask * (length // 4 + 1), "big") >> 8 * (4 - length % 4)
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(length, "big")


def upgrade(**changes):
    """The headers of a WebSocket opening. A header set to None is left out; `_` in a name stands for `-`."""
    headers = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "sylkRTC-1",
    }
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return {name: value for name, value in headers.items() if value is not None}


async def get(port, path, headers=None):
    """One request on a connection of its own."""
    connection = await Connection.open(port)
    try:
        return await connection.request(path, headers)
    finally:
        await connection.close()
