"""Front doors that come and go at one address, and clients that come all the time."""

import asyncio
import socket
import sys

from . import inheriting
from .client import Client
from .paths import binaries
from .ports import free_port
from .process import Process
from .waiting import eventually


class FrontDoors:
    """Front doors of a gateway that has none of its own, all of them at its `ports[0]`."""

    def __init__(self, gateway, folder):
        self._gateway = gateway
        self._folder = folder
        self.port = free_port()
        gateway.ports[:] = [self.port]
        self.socket = None

    @property
    def url(self):
        return self._gateway.socket_url()

    def control_socket(self, number):
        return self._gateway.bus_directory / f"frontdoor-{number}.sock"

    def listen(self):
        """Makes the socket that front doors may inherit."""
        self.socket = socket.create_server(("127.0.0.1", self.port))

    async def start(self, number, *arguments, inherits=False, accepts=True, prefix=()):
        """Under the command `prefix`. Returns the process when clients are let in."""
        command = [*prefix, binaries() / "Frontdoor", "--config", self._folder / "webrtcgateway.ini", "--id", number, *arguments]
        descriptors = ()
        if inherits:
            descriptors = (self.socket.fileno(),)
            command = [sys.executable, inheriting.__file__, self.socket.fileno(), *command]
        else:
            command += ["--listen", f"127.0.0.1:{self.port}"]
        name = f"frontdoor-{number}-{len(self._gateway.front_doors)}"
        door = Process(name, command, self._folder / f"{name}.log", descriptors=descriptors)
        self._gateway.front_doors.append(door)
        await door.start()
        if accepts:
            await self.says(door, "listening")
            await self._gateway.door_opens(0)
        return door

    async def says(self, door, word, within=15.0):
        """Waits for a line in its log."""
        def said():
            assert door.running or word in door.last_lines(1000), f"{door}:\n{door.last_lines()}"
            return word in door.last_lines(1000)

        await eventually(said, within, f"{door.name} to say {word!r}")

    async def stop(self):
        for door in self._gateway.front_doors:
            if door.running:
                await door.stop()
        if self.socket:
            self.socket.close()


class Openings:
    """Clients that come and go one after the other, some at a time, as long as each of them is served."""

    def __init__(self, url, count=4):
        self._url = url
        self._count = count
        self._is_over = False
        self._tasks = []
        self._served = 0

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(self._open()) for _ in range(self._count)]
        return self

    async def __aexit__(self, kind, error, traceback):
        """Complains about everybody who was not served, whatever else went wrong."""
        self._is_over = True
        failures = [failure for failure in await asyncio.gather(*self._tasks, return_exceptions=True) if failure]
        assert not failures, f"after {self._served} others: {failures}"

    async def more(self, count=20):
        """Waits until so many more have been served, or one has not."""
        enough = self._served + count
        await eventually(
            lambda: self._served >= enough or any(task.done() for task in self._tasks), 30, f"{count} more clients")

    async def _open(self):
        while not self._is_over:
            client = await asyncio.wait_for(Client.connect(self._url), 20)
            is_ready = await client.became_ready()
            await client.close()
            assert is_ready, f"closed with {client.close_code}"
            self._served += 1
