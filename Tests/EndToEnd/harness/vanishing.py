"""A way to the gateway on which a client can vanish: from then on nothing passes, and nobody closes anything."""

import asyncio


class VanishingPath:
    def __init__(self, port):
        self._port = port
        self._server = None
        self._writers = []
        self._tasks = []
        self.port = None

    async def start(self):
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def vanish(self):
        for task in self._tasks:
            task.cancel()

    async def stop(self):
        self.vanish()
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _accepted(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, far_writer]
        self._tasks += [
            asyncio.create_task(self._pass_on(reader, far_writer)), asyncio.create_task(self._pass_on(far_reader, writer))]

    async def _pass_on(self, reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
