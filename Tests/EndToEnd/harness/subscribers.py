"""Clients with SIP accounts, whose calls have sound or only say so."""

from .calls import Call, incoming, offered, outgoing
from .offer import answer, call_offer
from .visitors import Visitors

STATES = "registration_state"


class Subscriber:
    """A connection with one account of a registrar."""

    def __init__(self, client, user, domain, ha1, name):
        self.client, self.user, self.name = client, user, name
        self.account = f"{user}@{domain}"
        self.calls = []
        self._ha1 = ha1

    async def add_account(self, ha1=None):
        await self.client.acked(
            "account-add", account=self.account, password=ha1 or self._ha1, display_name=self.name, user_agent="Tests")

    async def register(self, within=15.0):
        """From the request to `registered`."""
        mark = self.client.now
        await self.client.acked("account-register", account=self.account)
        await self.is_told("registered", mark, within)
        return self

    async def unregister(self):
        await self.client.acked("account-unregister", account=self.account)

    async def is_told(self, state, after=-1, within=15.0):
        """Waits for a registration state, and returns its data."""
        message = await self.client.event(STATES, after=after, within=within, state=state)
        assert message["account"] == self.account and message["sylkrtc"] == "account_event", message
        return message["data"]

    def registrations(self, after=-1):
        """The registration states told since, in order."""
        return [message["data"]["state"] for _, message in self.client.events(STATES, after=after)]

    @property
    def missed(self):
        """The originators of all calls it has missed."""
        return [message["data"]["originator"] for _, message in self.client.events("missed_session")]

    # MARK: calls with sound

    async def dial(self, uri, **how):
        """A call with sound, acknowledged: `how` is what `Call` takes."""
        call = await outgoing(self, uri, **how)
        self.calls.append(call)
        return call

    async def offers(self, uri, **how):
        """A call with sound, and the request that makes it; `how` is as in `dial`."""
        call, request = await offered(self, uri, **how)
        self.calls.append(call)
        return call, request

    async def rings(self, after=-1, within=15.0, **how):
        """Waits for an incoming call; nothing is said to it yet."""
        call = incoming(self, await self.client.event("incoming_session", after=after, within=within), **how)
        self.calls.append(call)
        return call

    def taken(self, message):
        """The call of an `incoming_session` that was told already; nobody is behind it."""
        call = Call(self, message["session"], message["data"]["sdp"], message["data"]["originator"])
        self.calls.append(call)
        return call

    # MARK: calls of which only is spoken

    async def dial_silently(self, uri, session):
        """A call with nobody behind its offer."""
        await self.client.acked("session-create", **self.create_request(uri, session))
        call = Call(self, session)
        self.calls.append(call)
        return call

    def create_request(self, uri, session):
        return {"account": self.account, "session": session, "uri": uri, "sdp": call_offer()}

    async def answer_silently(self, call):
        await self.client.acked("session-answer", session=call.session, sdp=answer(call.offered, "sendrecv"))

    async def close(self):
        for call in self.calls:
            await call.close()
        await self.client.close()


class Subscribers:
    """Makes them; at its end they close their sockets without a goodbye."""

    def __init__(self, gateway, kamailio):
        self._gateway, self._kamailio = gateway, kamailio
        self._visitors = Visitors(gateway)
        self._made = []

    async def subscriber(self, user, door=0, name="", domain=None, client=None):
        """Somebody who has added the account, which the registrar knows if it is of its domain."""
        await self._kamailio.add_user(user)
        ha1 = self._kamailio.ha1(user)
        self._gateway.secrets.update({ha1, self._kamailio.password(user)})
        client = client or await self._visitors.client(door)
        subscriber = Subscriber(client, user, domain or self._kamailio.domain, ha1, name or user.capitalize())
        self._made.append(subscriber)
        await subscriber.add_account()
        return subscriber

    async def registered(self, user, door=0, **how):
        return await (await self.subscriber(user, door, **how)).register()

    async def participant(self, name, room, door=0):
        return await self._visitors.participant(name, room, door)

    async def client(self, door=0):
        return await self._visitors.client(door)

    async def leave(self):
        for subscriber in self._made:
            await subscriber.close()
        await self._visitors.leave()
