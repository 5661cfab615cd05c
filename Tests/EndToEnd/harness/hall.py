"""A room of ten who only signal, on a slot of choice."""

import asyncio

from .waiting import eventually

SIZE = 10


class Hall:
    def __init__(self, visitors, gateway):
        self._visitors = visitors
        self._gateway = gateway
        self.room = None
        self.slot = None
        self.people = []
        self._number = 0

    @classmethod
    async def on_each_slot(cls, visitors, gateway):
        """Full halls, one for each slot, in the order of the slots."""
        halls = {}

        async def found():
            hall = cls(visitors, gateway)
            await hall.open()
            if hall.slot in halls:
                await hall.people[0].terminate()
            else:
                halls[hall.slot] = hall
            return len(halls) == len(gateway.slot_numbers)

        # New rooms go where little is to do, and how much that is may have been said half a second ago.
        await eventually(found, 10, "a new room on each slot")
        for hall in halls.values():
            await hall.fill()
        return [halls[slot] for slot in sorted(halls)]

    async def open(self):
        self.room = self._visitors.new_room("hall")
        await self._enter()
        self.slot = self._gateway.registry.slot_of(self.room)

    async def fill(self):
        """The others come at the same time, to both front doors."""
        await asyncio.gather(*(self._enter() for _ in range(SIZE - len(self.people))))

    async def _enter(self):
        number = self._number
        self._number += 1
        person = await self._visitors.participant(f"Guest {number} of {self.room.split('@')[0]}", self.room, number % 2)
        self.people.append(person)
        await person.join()

    def marks(self):
        """For `events_since`: what everybody was told up to now."""
        return [person.client.now for person in self.people]

    def events_since(self, marks):
        """Everything that anybody here was told since, answers to their own requests aside."""
        told = [name for person, mark in zip(self.people, marks) for name in person.client.names(after=mark)]
        return [name for name in told if name not in ("ack", "error")]
