"""A front door's end of the bus, by the byte: for what well-behaved front doors do not send."""

import asyncio
import json
import struct
from dataclasses import dataclass

import zmq
import zmq.asyncio

HELLO, LIST, REQUEST, ANSWER, EVENT, RESYNCED, RELEASE, GONE, HEARTBEAT = range(1, 10)

_HEADER = struct.Struct(">BBHHHQQQQIIQQQH")
_REPEAT, _CONNECTION, _REQUEST, _DEADLINE = 1, 2, 4, 8


@dataclass
class Message:
    kind: int
    source: int
    sequence: int
    acknowledged: int
    connection: int  # its number
    request: int
    body: bytes

    @property
    def content(self):
        return json.loads(self.body)


class FrontDoor:
    """One link of one loop. It keeps the rules as long as `say` is used, and nobody's as soon as `send` is."""

    def __init__(self, context, worker_socket, number, incarnation=1 << 40, loop=0, link=1):
        self.number, self.incarnation, self.loop, self.link = number, incarnation, loop, link
        self.worker = 0  # the incarnation that said hello
        self.sent = self.taken = 0
        self._socket = context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, f"f{number}.{_base36(incarnation)}.{loop}/{link}".encode())
        self._socket.setsockopt(zmq.PROBE_ROUTER, 1)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(f"ipc://{worker_socket}")

    def close(self):
        self._socket.close()

    async def greeted(self, within=5.0):
        """Waits for the worker's hello, and lists nothing."""
        hello = await self.hear(HELLO, within)
        self.worker = hello.source
        await self.say(LIST, {"sessions": [], "releases": [], "last": True})
        return self

    async def say(self, kind, body=b"", connection=None, request=None, owner=None, **changes):
        """The next message in order. `changes` are to the header's fields."""
        self.sent += 1
        await self.send(self.envelope(kind, body, connection, request, owner, **changes))

    async def send(self, message):
        """Any bytes; gives up after a while when the link is full."""
        await asyncio.wait_for(self._socket.send(message), 5)

    def envelope(self, kind, body=b"", connection=None, request=None, owner=None, sequence=None, acknowledged=None,
                 source=None, destination=None, link=None):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        number, incarnation, loop = owner or (self.number, self.incarnation, self.loop)
        given = (_CONNECTION if connection is not None else 0) | (_REQUEST if request is not None else 0)
        header = _HEADER.pack(
            0x10, kind, _HEADER.size, given, number if connection is not None else 0, source or self.incarnation,
            self.worker if destination is None else destination, self.sent if sequence is None else sequence,
            self.taken if acknowledged is None else acknowledged, self.link if link is None else link, 0,
            incarnation if connection is not None else 0, connection or 0, request or 0,
            loop if connection is not None else 0)
        return header + body

    async def hear(self, kind=None, within=5.0):
        """The next message of that kind; what comes before it is taken and dropped."""
        async def found():
            while True:
                message = _read(await self._socket.recv())
                self.taken = message.sequence
                if kind in (None, message.kind):
                    return message

        return await asyncio.wait_for(found(), within)

    async def answer(self, request, within=10.0):
        """The body of the answer to a request, heartbeats sent meanwhile."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            try:
                message = await self.hear(ANSWER, 0.4)
                if message.request == request:
                    return message.content
            except asyncio.TimeoutError:
                await self.say(HEARTBEAT)
            assert asyncio.get_running_loop().time() < deadline, f"no answer to {request} within {within} s"


def _read(message):
    fields = _HEADER.unpack_from(message)
    return Message(fields[1], fields[5], fields[7], fields[8], fields[12], fields[13], message[fields[2]:])


def _base36(number):
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"
