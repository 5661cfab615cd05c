"""A sylkRTC-1 client that keeps a record of all it is told."""

import asyncio
import itertools
import json
import time
from dataclasses import dataclass

import aiohttp

SUBPROTOCOL = "sylkRTC-1"
ANSWERS = ("ack", "error")


class ConnectionLost(Exception):
    """The socket closed before the answer came."""


@dataclass(frozen=True)
class Request:
    """What was asked, and when by the monotonic clock."""

    kind: str
    members: dict
    sent_at: float


class Client:
    """`messages` holds everything received, in order; `answers` those to our requests, by transaction; `requests` what those were."""

    def __init__(self, url, http, socket):
        self.url = url
        self._http = http
        self._socket = socket
        self.messages = []
        self.received_at = []
        self.answers = {}
        self.requests = {}
        self.closed = asyncio.Event()
        self.close_code = None
        self.close_reason = None
        self._numbers = itertools.count(1)
        self.closing_at = None  # when we began to close
        self.closed_at = None
        self._changed = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, url, origin=None, tls=None, source=None, headers=None):
        """`tls` is what a `wss` server must prove itself to, `source` an address of this host's. Raises
        aiohttp.WSServerHandshakeError, with a `status`, when the door stays shut."""
        http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(local_addr=(source, 0) if source else None))
        try:
            socket = await http.ws_connect(
                url, protocols=[SUBPROTOCOL], origin=origin, max_msg_size=0, ssl=tls, headers=headers)
        except BaseException:
            await http.close()
            raise
        return cls(url, http, socket)

    async def close(self):
        self.closing_at = self.closing_at or time.monotonic()
        await self._socket.close()
        await self._reader
        await self._http.close()

    # Requests.

    async def send(self, kind, **members):
        """Sends a request and returns its transaction without waiting."""
        transaction = f"t{next(self._numbers)}"
        self.answers[transaction] = []
        self.requests[transaction] = Request(kind, members, time.monotonic())
        await self.send_text(json.dumps({"sylkrtc": kind, "transaction": transaction, **members}))
        return transaction

    async def send_text(self, text):
        try:
            await self._socket.send_str(text)
        except ConnectionError:
            pass  # the reader will find that the socket is closed

    async def send_bytes(self, data):
        await self._socket.send_bytes(data)

    async def answer(self, transaction, within=35.0):
        """The answer to a request: an `ack` or an `error`, as it came."""
        def found():
            if self.answers[transaction]:
                return self.answers[transaction][0]
            if self.closed.is_set():
                raise ConnectionLost(f"{transaction}: closed with {self.close_code} {self.close_reason!r}")
            return None

        return await self._until(found, within, f"the answer to {transaction}")

    async def request(self, kind, **members):
        return await self.answer(await self.send(kind, **members))

    async def acked(self, kind, **members):
        answer = await self.request(kind, **members)
        assert answer["sylkrtc"] == "ack", f"{kind} was refused: {answer.get('error')}"
        return answer

    async def refused(self, kind, **members):
        """The text with which the request is refused."""
        answer = await self.request(kind, **members)
        assert answer["sylkrtc"] == "error", f"{kind} was not refused"
        return answer["error"]

    @property
    def unanswered(self):
        return [transaction for transaction, answers in self.answers.items() if not answers]

    async def all_answered(self, within=35.0):
        await self._until(lambda: not self.unanswered, within, "answers to everything")

    # Events.

    async def became_ready(self, within=10.0):
        """False when the connection is closed before."""
        def settled():
            return self._is_ready() or self.closed.is_set()

        await self._until(settled, within, "ready")
        return self._is_ready()

    async def closes(self, within=10.0):
        """Waits until the other side has closed, or has gone."""
        await asyncio.wait_for(self.closed.wait(), within)

    def events(self, name, session=None, after=-1, **data):
        """The events told so far with that name, session and data, as pairs of position and message."""
        return [
            (position, message) for position, message in enumerate(self.messages)
            if position > after and message.get("event") == name and session in (None, message.get("session"))
            and all(message.get("data", {}).get(key) == value for key, value in data.items())]

    async def event(self, name, session=None, after=-1, within=15.0, **data):
        """Waits for such an event, told or to be told, and returns the message."""
        def found():
            told = self.events(name, session, after, **data)
            if not told and self.closed.is_set():
                raise ConnectionLost(f"{name}: closed with {self.close_code} {self.close_reason!r}")
            return told

        return (await self._until(found, within, f"{name} {data} of {session}"))[0][1]

    def names(self, after=-1):
        """What was told, in order, in words for comparing: `ack`, `error`, `progress`, `initial_publishers` …"""
        return [
            message["data"]["state"] if message.get("event") == "state" else message.get("event") or message["sylkrtc"]
            for message in self.messages[after + 1:]]

    @property
    def now(self):
        """The position of the last message, for `after`."""
        return len(self.messages) - 1

    # The promises that hold for every connection.

    def check(self):
        """`ready` first and once; no answer twice; no answer to what was not asked."""
        names = self.names()
        if names:
            assert names[0] == "ready" and names.count("ready") == 1, f"ready is not first and once: {names[:20]}"
        doubled = {transaction: answers for transaction, answers in self.answers.items() if len(answers) > 1}
        assert not doubled, f"answered more than once: {doubled}"
        strangers = [message for message in self.messages
                     if message["sylkrtc"] in ANSWERS and message["transaction"] not in self.answers]
        assert not strangers, f"answers to nothing we asked: {strangers}"

    def _is_ready(self):
        return any(message.get("event") == "ready" for message in self.messages)

    async def _until(self, found, within, what):
        deadline = time.monotonic() + within
        while True:
            changed = self._changed
            result = found()
            if result:
                return result
            try:
                await asyncio.wait_for(changed.wait(), deadline - time.monotonic())
            except asyncio.TimeoutError:
                recent = json.dumps(self.messages[-6:])[:1500]
                raise AssertionError(f"{what}: not within {within} s; told last: {recent}") from None

    async def _read(self):
        while True:
            message = await self._socket.receive()
            if message.type == aiohttp.WSMsgType.TEXT:
                self._received(message.json())
                continue
            if message.type == aiohttp.WSMsgType.CLOSE:
                self.close_code, self.close_reason = message.data, message.extra
            break
        if self.close_code is None and self.closing_at is None:
            self.close_code = 1006  # no close frame
        self.closed_at = time.monotonic()
        self.closed.set()
        self._tell()

    def _received(self, message):
        self.messages.append(message)
        self.received_at.append(time.monotonic())
        if message.get("sylkrtc") in ANSWERS:
            self.answers.get(message["transaction"], []).append(message)
        self._tell()

    def _tell(self):
        self._changed.set()
        self._changed = asyncio.Event()
