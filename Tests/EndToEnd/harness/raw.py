"""HTTP and WebSocket by the byte, for what well-behaved clients do not send."""

import asyncio
import os
from dataclasses import dataclass

TEXT, BINARY, CLOSE = 1, 2, 8


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
    async def open(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

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
        """One whole frame of up to 65535 bytes."""
        length = len(payload)
        mask_bit = 0x80 if masked else 0
        head = bytes([0x80 | opcode])
        head += bytes([mask_bit | length]) if length < 126 else bytes([mask_bit | 126]) + length.to_bytes(2, "big")
        if masked:
            mask = os.urandom(4)
            payload = mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self._writer.write(head + payload)
        await self._writer.drain()

    async def close_code(self, within=10.0):
        """Reads up to the close frame and returns its code."""
        return await asyncio.wait_for(self._close_code(), within)

    async def _close_code(self):
        while True:
            first, second = await self._reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                length = int.from_bytes(await self._reader.readexactly(2), "big")
            payload = await self._reader.readexactly(length)
            if first & 0x0F == CLOSE:
                return int.from_bytes(payload[:2], "big")

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
