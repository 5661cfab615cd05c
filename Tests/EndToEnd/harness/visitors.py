"""Everybody a test brings in, sent home at its end."""

import itertools

from .client import Client
from .participant import Participant
from .peer import MediaParticipant, QuietParticipant

_numbers = itertools.count(1)


class Visitors:
    def __init__(self, gateway):
        self._gateway = gateway
        self._clients = []
        self._participants = []

    def new_room(self, word="room"):
        """A room that nobody was in before."""
        return f"{word}-{next(_numbers)}@conference.example.com"

    async def client(self, door=0):
        """A connection that was told `ready`."""
        client = await Client.connect(self._gateway.socket_url(door), tls=self._gateway.tls)
        self._clients.append(client)
        assert await client.became_ready(), f"closed before ready: {client.close_code} {client.close_reason!r}"
        return client

    async def participant(self, name, room, door=0):
        """Somebody without media; call `join`."""
        return self._remember(Participant(await self.client(door), name, room))

    async def media_participant(self, name, room, door=0):
        """Somebody with media; call `join`."""
        return self._remember(MediaParticipant(await self.client(door), name, room))

    async def quiet_participant(self, name, room, door=0):
        """Somebody whose media is up and silent: others hear of it, and it costs little; call `join`."""
        return self._remember(QuietParticipant(await self.client(door), name, room))

    async def leave(self):
        """Closes every socket without a goodbye; then every connection must have kept the promises."""
        for participant in self._participants:
            await participant.close()
        for client in self._clients:
            await client.close()
        for client in self._clients:
            client.check()

    def _remember(self, participant):
        self._participants.append(participant)
        return participant
