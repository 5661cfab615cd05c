"""A sylk-push server, which tells no devices: it keeps what it is asked, and answers as a test has told it to."""

import asyncio

from aiohttp import web

from .ports import free_port
from .waiting import eventually

REQUIRED = {"app-id", "call-id", "platform", "from", "token", "silent", "to", "event", "media-type"}


class PushServer:
    def __init__(self, app_id, tls=None):
        self.port = free_port()
        self._app_id = app_id
        self._tls = tls
        self.asked = []  # (headers, what stood in the body)
        self.answers = {}  # what is answered, by token: the status and `data`; the others are sent
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self._runner = None

    @property
    def url(self):
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/push"

    async def start(self):
        application = web.Application()
        application.router.add_post("/push", self._push)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(
            self._runner, "127.0.0.1", self.port, ssl_context=self._tls, reuse_address=True, shutdown_timeout=0.1).start()

    async def stop(self):
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def forget(self):
        self.asked.clear()
        self.answers.clear()

    def bodies(self, token):
        return [body for _, body in self.asked if body["token"] == token]

    async def is_asked(self, token, count=1, within=10.0):
        """Waits until it has been asked for that device so often, and returns with what."""
        await eventually(lambda: len(self.bodies(token)) >= count, within, f"{count} pushes")
        return self.bodies(token)

    async def _push(self, request):
        body = await request.json()
        self.asked.append((request.headers.copy(), body))
        await self.may_answer.wait()
        missing = sorted(name for name in REQUIRED if body.get(name) is None)
        if missing or body["platform"] not in ("apple", "ios", "android", "firebase"):
            return self._answer(400, {"reason": f"missing or wrong: {missing}"})
        if body["app-id"] != self._app_id:
            return self._answer(404, {"reason": "app is not configured"})
        return self._answer(*self.answers.get(body["token"], (200, {})))

    @staticmethod
    def _answer(status, data):
        return web.json_response(
            {"code": status, "description": "push notification response", "data": data}, status=status)
