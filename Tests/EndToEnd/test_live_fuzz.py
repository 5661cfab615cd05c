"""A front door under random messages for a while, beside a conference that goes on. deploy/fuzz makes it longer."""

import asyncio
import json
import os
import random
import time

import aiohttp

from abuse.grammar import Grammar
from harness.client import Client
from harness.offer import offer
from harness.raw import BINARY, TEXT, Connection, upgrade
from harness.resources import descriptors, resident
from harness.waiting import eventually

SECONDS = float(os.environ.get("CONTINUO_FUZZ_SECONDS", 15))
SEED = int(os.environ.get("CONTINUO_FUZZ_SEED", 1))
PATH = "/webrtcgateway/ws"
TOLERANCE = 24 << 20  # bytes: what allocators keep for threads that were busy


async def test_a_front_door_under_random_messages_answers_everything_once_and_its_neighbours_notice_nothing(
        gateway, visitors):
    print(f"seed {SEED}, {SECONDS:g} s")
    room = visitors.new_room()
    anna = await (await visitors.participant("Anna", room)).join()
    bela = await (await visitors.participant("Bela", room, door=1)).join()
    pids = {process.name: process.pid for process in gateway.processes if process.running}
    await _storm(gateway, anna, min(SECONDS, 4), SEED)
    await _calm(gateway, anna)
    before = {name: (resident(pid), descriptors(pid)) for name, pid in pids.items()}
    marks = anna.client.now, bela.client.now
    asked = await _storm(gateway, anna, SECONDS, SEED + 1)
    assert asked > 100
    await _calm(gateway, anna)
    assert {process.name: process.pid for process in gateway.processes if process.running} == pids, "nothing has died"
    for person, mark in zip((anna, bela), marks):
        await person.controlled("update", {"audio": True})
        # Those who got into the room are told of as in any room, and of nothing else.
        assert set(person.client.names(after=mark)) <= {"ack", "publishers_joined", "publishers_left"}
        assert person.endings == []
    for name, pid in pids.items():
        memory, open_files = before[name]
        assert resident(pid) - memory < TOLERANCE, f"{name}: {memory >> 10} KiB before, {resident(pid) >> 10} KiB now"
        assert descriptors(pid) <= open_files + 2, name


async def _storm(gateway, anna, seconds, seed):
    """Returns how many valid requests were answered, each once; neighbours are served all the time."""
    until = time.monotonic() + seconds
    storms = [_requests(gateway, random.Random(f"{seed} {number}"), number, until) for number in range(6)]
    storms += [_frames(gateway, random.Random(f"{seed} frames {number}"), number, until) for number in range(4)]
    storms.append(_served(anna, until))
    return sum(await asyncio.gather(*storms))


async def _served(person, until):
    while time.monotonic() < until:
        await asyncio.wait_for(person.controlled("update", {"bitrate": 64000}), 10)
        await asyncio.sleep(0.1)
    return 0


async def _calm(gateway, anna):
    await eventually(lambda: {row["account"] for row in gateway.registry.sessions()} <= {"anna@example.com", "bela@example.com"},
                     40, "the others to be gone")
    await asyncio.sleep(3)


async def _requests(gateway, chance, number, until):
    """Requests from the grammar, with broken messages in between, on one connection after the other."""
    answered = 0
    while time.monotonic() < until:
        client = await Client.connect(gateway.socket_url(number % 2))
        assert await client.became_ready()
        accounts = [f"u{number}@example.com", f"v{number}@example.com", "sip:U@Example.com;x=y", "nonsense"]
        sessions = [f"s{number}-{name}" for name in range(4)] + ["é", "unknown"]
        rooms = [f"fuzz-{number % 3}@conference.example.com", "../x@conference.example.com", "no room"]
        grammar = Grammar(chance, accounts, sessions, rooms, offer)
        for account in accounts[:2]:
            await client.acked("account-add", account=account, password="p")
        client.answers["broken"] = []
        for step in range(chance.randint(5, 120)):
            transaction = f"f{step}"
            client.answers[transaction] = []
            await client.send_text(json.dumps(grammar.request(transaction)))
            if chance.random() < 0.3:
                await client.send_text(grammar.broken())
            if chance.random() < 0.1:
                await client.send_bytes(chance.randbytes(chance.randint(0, 300)))
            if time.monotonic() > until:
                break
        valid = [transaction for transaction in client.answers if transaction != "broken"]
        await eventually(lambda: all(client.answers[transaction] for transaction in valid), 35, "answers to everything")
        assert all(len(client.answers[transaction]) == 1 for transaction in valid)
        assert not client.closed.is_set(), (client.close_code, client.close_reason)
        answered += len(valid)
        await client.close()
    return answered


async def _frames(gateway, chance, number, until):
    """Frames by the byte: valid ones, and others that may close the connection."""
    while time.monotonic() < until:
        try:
            connection = await Connection.open(gateway.ports[number % 2])
            if (await connection.request(PATH, upgrade())).status != 101:
                continue
            for _ in range(chance.randint(1, 30)):
                payload = chance.randbytes(chance.choice([0, 1, 5, 125, 126, 3000]))
                if chance.random() < 0.7:
                    opcode = chance.choice([TEXT, BINARY, BINARY, 0, 9, 10, 11, 3])
                    await connection.send_frame(opcode, payload, masked=chance.random() < 0.95)
                else:
                    connection._writer.write(chance.randbytes(chance.randint(1, 64)))
                    await connection._writer.drain()
            connection._writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError, aiohttp.ClientError):
            pass  # the door has closed it, as it may
        await asyncio.sleep(0.01)
    return 0
