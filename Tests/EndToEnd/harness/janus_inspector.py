"""A second pair of eyes on Janus, through its admin interface: what is there, whoever made it."""

import secrets
from dataclasses import dataclass

import aiohttp

NO_SUCH_SESSION, NO_SUCH_HANDLE = 458, 459


@dataclass(frozen=True)
class Handle:
    session: int
    id: int
    opaque_id: str
    plugin: dict  # what the plugin says about it

    @property
    def slot(self):
        """`node/number` of the worker that made it."""
        return self.opaque_id.split(":")[2]

    @property
    def purpose(self):
        """`rooms`, or the gateway's internal session id; that of a registration's helper follows `spare-`, and handles of
        outgoing calls, and those that wait for one, are `pooled-` ones."""
        return self.opaque_id.split(":")[3]

    @property
    def is_waiting_for_a_call(self):
        """One that no call has taken: it has been told that it is nobody, or nothing yet."""
        return (self.purpose.startswith("pooled-") and self.plugin.get("username") in (None, "pool")
                and not self.is_in_a_call and "callee" not in self.plugin and not self.plugin.get("establishing"))

    @property
    def is_in_a_call(self):
        """Also while it is being made or ended."""
        return self.plugin.get("call_status", "idle") != "idle"


class JanusError(Exception):
    def __init__(self, code, reason):
        super().__init__(f"{code} {reason}")
        self.code = code


class JanusInspector:
    def __init__(self, url, secret):
        self._url = url
        self._secret = secret
        self._http = None
        self._socket = None

    async def close(self):
        if self._http:
            await self._http.close()
        self._http = self._socket = None

    async def sessions(self):
        return (await self.request("list_sessions"))["sessions"]

    async def handles(self):
        """Every plugin handle in Janus."""
        found = []
        for session in await self.sessions():
            for handle in await self._gone_is_none("list_handles", "handles", session_id=session) or []:
                info = await self._gone_is_none("handle_info", "info", session_id=session, handle_id=handle)
                if info:
                    found.append(Handle(session, handle, info.get("opaque_id", ":::"), info.get("plugin_specific", {})))
        return found

    async def session_handles(self):
        """The handles of clients' publishers, feeds, registrations and calls: all but the workers' own."""
        return [handle for handle in await self.handles()
                if handle.purpose != "rooms" and not handle.is_waiting_for_a_call]

    async def publisher(self, display):
        """The publisher with this display name."""
        found = [handle for handle in await self.session_handles()
                 if handle.plugin.get("type") == "publisher" and handle.plugin.get("display") == display]
        assert len(found) == 1, f"{len(found)} publishers are called {display}"
        return found[0]

    async def rooms(self):
        """Every VideoRoom room that is not from a configuration file."""
        answer = await self.request("message_plugin", plugin="janus.plugin.videoroom", request={"request": "list"})
        return [room for room in answer["response"]["list"] if room["description"].startswith("c1:")]

    async def request(self, kind, **members):
        """One admin request; a broken link is renewed once, since Janus may have been restarted meanwhile."""
        if self._socket is None or self._socket.closed:
            await self._connect()
        try:
            return await self._exchange(kind, members)
        except (ConnectionError, aiohttp.ClientError):
            await self._connect()
            return await self._exchange(kind, members)

    async def _connect(self):
        self._http = self._http or aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(self._url, protocols=["janus-admin-protocol"], max_msg_size=0)

    async def _exchange(self, kind, members):
        transaction = secrets.token_hex(8)
        await self._socket.send_json(
            {"janus": kind, "transaction": transaction, "admin_secret": self._secret, **members})
        while True:
            message = await self._socket.receive(timeout=10)
            if message.type != aiohttp.WSMsgType.TEXT:
                raise aiohttp.ClientConnectionError(f"the admin link broke: {message.type}")
            answer = message.json()
            if answer.get("transaction") != transaction:
                continue
            if answer["janus"] == "error":
                raise JanusError(answer["error"]["code"], answer["error"]["reason"])
            return answer

    async def _gone_is_none(self, kind, member, **members):
        try:
            return (await self.request(kind, **members))[member]
        except JanusError as error:
            if error.code in (NO_SUCH_SESSION, NO_SUCH_HANDLE):
                return None
            raise
