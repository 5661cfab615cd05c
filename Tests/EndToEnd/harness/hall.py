"""A room of ten who only signal, on a slot of choice."""

import asyncio

SIZE = 10
ATTEMPTS = 20  # new rooms are spread over the slots, so one for each is found soon


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
        """Full halls, by the slot that owns the room."""
        halls = {}
        for _ in range(ATTEMPTS):
            hall = cls(visitors, gateway)
            await hall.open()
            if hall.slot in halls:
                await hall.people[0].terminate()
                continue
            halls[hall.slot] = hall
            if len(halls) == len(gateway.slot_numbers):
                break
        assert len(halls) == len(gateway.slot_numbers), f"after {ATTEMPTS} rooms only {list(halls)} own any"
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
