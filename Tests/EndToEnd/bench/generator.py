"""The load generator and the floors: Tests/Bench, built beside the gateway."""

import asyncio
import json
import os
from contextlib import asynccontextmanager
from pathlib import Path

from harness.offer import offer
from harness.paths import binaries
from harness.ports import free_port
from harness.process import Process

PATIENCE = 60  # seconds for one run of the generator


def program():
    bench = binaries() / "Bench"
    assert os.access(bench, os.X_OK), f"there is no {bench}; CONTINUO_BENCH=1 swift build -c release --product Bench makes it"
    return bench


class Target:
    """A server that load is put on: what it speaks, where, and which of its processes are looked at."""

    def __init__(self, server, url, processes, secret=None):
        self.server, self.url, self.processes, self.secret = server, url, processes, secret

    async def load(self, folder, scenario, **options):
        """Runs the generator once and returns what it found."""
        child = await self.start(folder, scenario, **options)
        return await result(child)

    async def start(self, folder, scenario, **options):
        sdp = folder / "offer.sdp"
        sdp.write_text(offer())
        arguments = ["load", "--server", self.server, "--scenario", scenario, "--offer", sdp, "--patience", PATIENCE]
        for url in [self.url, *options.pop("elsewhere", [])]:
            arguments += ["--url", url]
        for name, pid in self.processes.items():
            arguments += ["--process", f"{name}={pid}"]
        for name, value in options.items():
            arguments += [f"--{name.replace('_', '-')}", value]
        environment = {**os.environ, **({"BENCH_JANUS_SECRET": self.secret} if self.secret else {})}
        return await asyncio.create_subprocess_exec(
            program(), *map(str, arguments), env=environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)


async def result(child):
    try:
        output, complaint = await child.communicate()
    except asyncio.CancelledError:
        child.kill()
        raise
    assert child.returncode == 0, complaint.decode().strip() or f"the generator ended with status {child.returncode}"
    found = json.loads(output.decode().splitlines()[-1])
    assert not found.get("refused"), f"{found['refused']} requests were refused: {found.get('refusal')}"
    return found


@asynccontextmanager
async def echo(folder):
    """The floor without a worker: a WebSocket echo on one loop."""
    port = free_port()
    async with _running("echo", folder, "echo", "--port", port) as pid:
        yield Target("floor", f"ws://127.0.0.1:{port}/", {"floor": pid})


@asynccontextmanager
async def relay(folder):
    """The floor with one: WebSocket, ZeroMQ, an echo."""
    port, endpoint = free_port(), f"ipc://{folder}/relay.ipc"
    async with _running("echo-worker", folder, "echo-worker", "--endpoint", endpoint) as worker:
        async with _running("relay", folder, "relay", "--port", port, "--endpoint", endpoint) as pid:
            yield Target("floor", f"ws://127.0.0.1:{port}/", {"floor": pid, "floor_worker": worker})


@asynccontextmanager
async def _running(name, folder, *arguments):
    process = Process(name, [program(), *arguments], Path(folder) / f"{name}.log")
    await process.start()
    try:
        await asyncio.sleep(0.5)  # nothing tells us that it listens; the generator would find out
        assert process.running, f"{name} ended: {process.last_lines(3)}"
        yield process.pid
    finally:
        if process.running:
            process.signal(9)
            await process.ended()
