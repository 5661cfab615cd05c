"""Somebody in a room: a client with an account and a publisher session, but no media of its own."""

import uuid

from .offer import offer

PASSWORD = "0" * 32


class Participant:
    media = False  # whether others hear of it: Janus announces who has media

    def __init__(self, client, name, room):
        self.client = client
        self.name = name
        self.account = f"{name.lower().replace(' ', '.')}@example.com"
        self.room = room
        self.session = f"{name.lower().replace(' ', '-')}-{uuid.uuid4().hex[:8]}"

    async def add_account(self):
        await self.client.acked("account-add", account=self.account, password=PASSWORD, display_name=self.name)

    async def join(self):
        """Joins, up to the roster; media may follow."""
        await self.add_account()
        await self.client.acked("videoroom-join", **await self.join_request())
        await self.told("accepted")
        await self.client.event("initial_publishers", self.session)
        return self

    async def join_again(self):
        """The same client in the same room, once the first session has ended."""
        self.session += "-again"
        await self.client.acked("videoroom-join", **await self.join_request())
        await self.client.event("initial_publishers", self.session)

    async def join_request(self):
        return {"account": self.account, "session": self.session, "uri": self.room, "sdp": await self.offer()}

    async def offer(self):
        return offer()

    async def told(self, state, within=15.0):
        """Waits for a state of our own session."""
        return await self.client.event("state", self.session, state=state, within=within)

    @property
    def endings(self):
        """Every `terminated` that our session was told."""
        return [message for _, message in self.client.events("state", self.session, state="terminated")]

    async def controlled(self, option, parameters, session=None):
        """A `videoroom-ctl` that is acked. `session` is for requests about a feed, by its own id."""
        await self.client.acked("videoroom-ctl", **self.control(option, parameters, session))

    async def control_refused(self, option, parameters, session=None):
        """The text with which a `videoroom-ctl` is refused."""
        return await self.client.refused("videoroom-ctl", **self.control(option, parameters, session))

    def control(self, option, parameters, session=None):
        return {"session": session or self.session, "option": option, option.replace("-", "_"): parameters}

    async def terminate(self):
        await self.client.acked("videoroom-terminate", session=self.session)
        await self.told("terminated")

    def publishers(self, event):
        """Ids in all events of that name: `initial_publishers` or `publishers_joined`."""
        return [publisher["id"] for _, message in self.client.events(event, self.session)
                for publisher in message["data"]["publishers"]]

    @property
    def departures(self):
        """Ids in all `publishers_left`, as often as they were told."""
        return [publisher for _, message in self.client.events("publishers_left", self.session)
                for publisher in message["data"]["publishers"]]

    @property
    def configurations(self):
        """Every list of active participants that our session was told, as (originator, ids)."""
        return [(message["originator"], message["active_participants"])
                for _, message in self.client.events("configure-room", self.session)]

    async def sees_leave(self, publisher, within=15.0):
        await self.client.event("publishers_left", self.session, publishers=[publisher], within=within)

    async def close(self):
        await self.client.close()
