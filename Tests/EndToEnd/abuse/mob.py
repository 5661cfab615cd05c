"""Everybody hostile, in a process of their own and from addresses of their own: 127.0.0.2 and up.

Started by `Mob`; speaks JSON lines on its standard input and output: ports and sockets first, then `start`, `stop`. It gives way
to everybody else on the machine, because what is measured is the gateway and not how much processor an attacker takes.
"""

import asyncio
import json
import os
import random
import socket
import sys
from collections import Counter
from pathlib import Path

import aiohttp
import zmq.asyncio
from harness import bus
from harness.client import Client
from harness.offer import offer
from harness.participant import PASSWORD
from harness.precedence import precede

from .grammar import Grammar

PATH = "/webrtcgateway/ws"
_UPGRADE = (f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: sylkRTC-1\r\n\r\n").encode()
_EXPECTED = (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, aiohttp.ClientError)


class Hostile:
    """One way of being hostile, by so many at once; what each does is done again until the end."""

    name, many, pause = "?", 1, 0.2

    def __init__(self, target, counts):
        self.target, self.counts = target, counts

    async def run(self, number):
        chance = random.Random(f"{self.name} {number}")
        while True:
            try:
                await self.once(number, chance)
                self.counts[self.name] += 1
            except _EXPECTED:
                self.counts[f"{self.name}, turned away"] += 1  # as the door may
            await asyncio.sleep(self.pause)

    async def open(self, number, upgraded=True, receive_buffer=None):
        """A socket from one of our addresses."""
        port = self.target["ports"][number % len(self.target["ports"])]
        raw = socket.socket()
        try:
            raw.setblocking(False)
            if receive_buffer:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            raw.bind((self.address(number), 0))
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port)), 10)
            reader, writer = await asyncio.open_connection(sock=raw, limit=1 << 16)
        except BaseException:
            raw.close()
            raise
        if upgraded:
            try:
                writer.write(_UPGRADE)
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
                if b" 101 " not in head:
                    raise ConnectionError("not upgraded")
            except BaseException:
                writer.transport.abort()
                raise
        return reader, writer

    def address(self, number):
        return "127.0.0.2"

    async def once(self, number, chance):
        raise NotImplementedError


class SilentSockets(Hostile):
    name, many, upgraded = "silent sockets", 60, False

    async def once(self, number, chance):
        _, writer = await self.open(number, upgraded=self.upgraded)
        try:
            await asyncio.sleep(20)
        finally:
            writer.transport.abort()


class SlowHandshakes(Hostile):
    name, many = "slow handshakes", 30

    async def once(self, number, chance):
        _, writer = await self.open(number, upgraded=False)
        try:
            for byte in _UPGRADE:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.3)
        finally:
            writer.transport.abort()


class SilentClients(SilentSockets):
    name, upgraded = "clients that say nothing", True


class NeverReaders(Hostile):
    name, many = "clients that never read", 6

    async def once(self, number, chance):
        reader, writer = await self.open(number, receive_buffer=4096)
        reader._transport.pause_reading()
        request = frame(_request("n", "x" * 4000))
        try:
            for _ in range(2000):
                writer.write(request)
                await asyncio.wait_for(writer.drain(), 5)
                await asyncio.sleep(0)
        finally:
            writer.transport.abort()


class Flood(Hostile):
    name, many, pause = "connections one after the other", 4, 0.01

    async def once(self, number, chance):
        _, writer = await self.open(number, upgraded=chance.random() < 0.5)
        writer.transport.abort()

    def address(self, number):
        return "127.0.0.3"


class Pipeline(Hostile):
    name, many, pause = "10,000 requests at once", 2, 1.0

    async def once(self, number, chance):
        reader, writer = await self.open(number)
        try:
            async def write():
                for start in range(0, 10_000, 100):
                    writer.write(b"".join(frame(_request(f"p{start + step}", "a@b.c")) for step in range(100)))
                    await writer.drain()

            writing = asyncio.create_task(write())
            try:
                answers = 0
                while answers < 10_000:
                    data = await asyncio.wait_for(reader.read(65536), 60)
                    if not data:
                        raise ConnectionError("closed")
                    answers += data.count(b'"transaction"')
            finally:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
        finally:
            writer.transport.abort()


class HugeFrames(Hostile):
    name, many, pause = "frames of 1 MB", 3, 0.3

    async def once(self, number, chance):
        _, writer = await self.open(number)
        try:
            writer.write(frame(b" " * (1 << 20)))
            await asyncio.wait_for(writer.drain(), 5)
            await asyncio.sleep(0.2)
        finally:
            writer.transport.abort()


class Fragments(Hostile):
    name, many, pause = "messages in endless fragments", 3, 0.3

    async def once(self, number, chance):
        _, writer = await self.open(number)
        try:
            writer.write(frame(b"{", fin=False))
            for _ in range(3000):
                writer.write(frame(b" ", opcode=0, fin=False))
                await asyncio.wait_for(writer.drain(), 5)
        finally:
            writer.transport.abort()


class Garbage(Hostile):
    name, many, pause = "garbage", 4, 0.05

    async def once(self, number, chance):
        _, writer = await self.open(number, upgraded=chance.random() < 0.7)
        try:
            for _ in range(20):
                writer.write(chance.randbytes(chance.choice([1, 50, 3000])))
                await asyncio.wait_for(writer.drain(), 5)
        finally:
            writer.transport.abort()


class Compressed(Hostile):
    name, many, pause = "compressed and other reserved frames", 2, 0.1

    async def once(self, number, chance):
        _, writer = await self.open(number)
        try:
            writer.write(frame(chance.randbytes(200), reserved=chance.choice([0x40, 0x20, 0x10])))
            writer.write(frame(chance.randbytes(20), opcode=chance.choice([2, 3, 11, 15])))
            await asyncio.sleep(0.1)
        finally:
            writer.transport.abort()


class Ghosts(Hostile):
    name, many, pause = "joins and closes at once", 2, 0.3

    async def once(self, number, chance):
        client = await Client.connect(self._url(number), source=self.address(number))
        try:
            await client.send("account-add", account=f"ghost{number}@example.com", password=PASSWORD)
            await client.send("videoroom-join", account=f"ghost{number}@example.com", session="g", sdp=offer(),
                              uri=f"ghosts-{number}@conference.example.com")
            await asyncio.sleep(chance.choice([0, 0.05, 0.3]))
        finally:
            hang_up(client)
            await client.close()

    def _url(self, number):
        return f"ws://127.0.0.1:{self.target['ports'][number % len(self.target['ports'])]}{PATH}"


class Talkers(Ghosts):
    name, many, pause = "requests of every kind, wrong and right", 3, 0.1

    async def once(self, number, chance):
        client = await Client.connect(self._url(number), source=self.address(number))
        grammar = Grammar(chance, [f"t{number}@example.com"], ["t", self.target["session"]],
                          [f"talk-{number}@conference.example.com"], offer)
        try:
            await client.send("account-add", account=f"t{number}@example.com", password=PASSWORD)
            for step in range(60):
                request = grammar.request(f"g{step}")
                # Who only joins loads Janus, which is not ours to measure: the ghosts do so.
                if request["sylkrtc"] != "videoroom-join" or step % 20 == 0:
                    await client.send_text(json.dumps(request))
                await client.send_text(grammar.broken())
                await asyncio.sleep(0.02)
        finally:
            hang_up(client)
            await client.close()


class ConfusedFrontDoors(Hostile):
    name, many, pause = "confused front doors", 2, 0.1

    async def once(self, number, chance):
        context = self.target["context"]
        path = chance.choice(self.target["workers"])
        door = bus.FrontDoor(context, path, 700 + number, link=chance.randrange(1 << 32))
        try:
            await door.greeted()
            for step in range(chance.randint(1, 50)):
                await door.say(
                    chance.choice([bus.REQUEST] * 6 + [bus.RELEASE, bus.GONE, bus.HEARTBEAT, bus.EVENT]),
                    chance.choice([b"", b"{", b" " * 100_000, b'{"request":"terminate","session":1}']),
                    chance.randint(1, 3), chance.randint(1, 9))
            await door.send(chance.randbytes(200))
        finally:
            door.close()


EVERYBODY = [SilentSockets, SlowHandshakes, SilentClients, NeverReaders, Flood, Pipeline, HugeFrames, Fragments, Garbage, Compressed,
             Ghosts, Talkers, ConfusedFrontDoors]


def hang_up(client):
    """At once, and whatever becomes of us."""
    connection = client._socket._response.connection
    if connection and connection.transport:
        connection.transport.abort()


def frame(payload, opcode=1, fin=True, reserved=0):
    """One masked frame, its mask 0, which masks nothing."""
    length = len(payload)
    head = bytes([(0x80 if fin else 0) | reserved | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 1 << 16:
        head += bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


def _request(transaction, account):
    return json.dumps({"sylkrtc": "account-remove", "transaction": transaction, "account": account}).encode()


async def _inside():
    precede(10)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    target = json.loads(await reader.readline())
    target["context"] = zmq.asyncio.Context()
    running, counts = [], Counter()
    while line := await reader.readline():
        if json.loads(line) == "start":
            counts.clear()
            everybody = [kind(target, counts) for kind in EVERYBODY]
            running = [asyncio.create_task(who.run(number)) for who in everybody for number in range(who.many)]
            told = True
        else:
            mistakes = [task.exception() for task in running if task.done() and not task.cancelled()]
            waiting = set(running)
            while waiting:
                # Once may be too little: a wait that has just come true passes over it.
                for task in waiting:
                    task.cancel()
                _, waiting = await asyncio.wait(waiting, timeout=1)
            told = {"counts": counts, "mistakes": [repr(mistake) for mistake in mistakes]}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


class Mob:
    """The parent's side."""

    def __init__(self, gateway, session):
        """`session` is somebody's in the conference."""
        self._target = {"ports": gateway.ports, "session": session,
                        "workers": [str(gateway.bus_directory / f"slot-{slot}.ipc") for slot in gateway.slot_numbers]}
        self._child = None

    async def open(self):
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "abuse.mob", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).resolve().parents[1], start_new_session=True)
        self._child.stdin.write(json.dumps(self._target).encode() + b"\n")

    async def start(self):
        await self._ask("start")

    async def stop(self):
        """How often each kind of hostility was done."""
        told = await self._ask("stop")
        assert not told["mistakes"], told["mistakes"]
        return told["counts"]

    async def close(self):
        if self._child:
            self._child.stdin.close()
            try:
                await asyncio.wait_for(self._child.wait(), 5)
            except asyncio.TimeoutError:
                self._child.kill()
                await self._child.wait()

    async def _ask(self, what):
        self._child.stdin.write(json.dumps(what).encode() + b"\n")
        line = await asyncio.wait_for(self._child.stdout.readline(), 60)
        assert line, "the mob's process ended"
        return json.loads(line)


if __name__ == "__main__":
    asyncio.run(_inside())
