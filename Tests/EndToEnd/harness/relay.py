"""A relay in the place of a worker's bus socket, through which links can be cut and stalled.

The worker's socket gets a second name, and the relay's takes its place under the first, in one step. A worker that binds
anew puts its own socket there, and the relay steps in again as soon as it sees that.
"""

import asyncio
import os
import socket

LOOK = 0.002  # seconds between two looks at the path


class Relay:
    def __init__(self, bus_directory, number):
        self._path = bus_directory / f"slot-{number}.ipc"
        self._real = bus_directory / f"slot-{number}.real"
        self._inode = None
        self._server = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._connections = set()  # of pairs of transports
        self._interposing = None

    def start(self):
        self._interposing = asyncio.create_task(self._interpose())

    async def stop(self):
        self._interposing.cancel()
        await asyncio.gather(self._interposing, return_exceptions=True)
        if self._server:
            self._server.close()
        self.cut()
        if self._holds_the_path():
            # What is left is as if the relay had never been there.
            if self._real.exists():
                os.rename(self._real, self._path)
            else:
                self._path.unlink()
        self._real.unlink(missing_ok=True)

    @property
    def links(self):
        return len(self._connections)

    def cut(self, count=None):
        """Closes both sides of so many connections, or of all. Returns how many there were."""
        doomed = sorted(self._connections, key=id)[:count]
        for pair in doomed:
            self._connections.discard(pair)
            for writer in pair:
                writer.transport.abort()
        return len(doomed)

    def stall(self):
        """Nothing is passed on from now on, in either direction."""
        self._flows.clear()

    def resume(self):
        self._flows.set()

    async def _interpose(self):
        while True:
            if not self._holds_the_path() and self._path.exists():
                await self._step_in()
            await asyncio.sleep(LOOK)

    def _holds_the_path(self):
        try:
            return self._inode is not None and os.stat(self._path).st_ino == self._inode
        except FileNotFoundError:
            return False

    async def _step_in(self):
        mine = self._path.with_suffix(".mine")
        mine.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(mine))
        try:
            self._real.unlink(missing_ok=True)
            os.link(self._path, self._real)
        except FileNotFoundError:
            listener.close()  # the worker has just removed it
            mine.unlink()
            return
        former, self._inode = self._server, os.stat(mine).st_ino
        self._server = await asyncio.start_unix_server(self._accepted, sock=listener)
        os.rename(mine, self._path)
        if former:
            former.close()

    async def _accepted(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(str(self._real))
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self._connections.add(pair)
        await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))
        self._connections.discard(pair)

    async def _pass_on(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()
