"""Headless Chromium with made-up camera and microphone, driven over its DevTools protocol."""

import asyncio
import base64
import itertools
import os
import signal

import aiohttp

from .process import Process
from .waiting import eventually

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",  # Janus resolves no mDNS names
    "--window-size=1280,800", "--remote-debugging-port=0",
]


class Browser:
    def __init__(self, folder, name, flags=()):
        self._profile = folder / f"chromium-{name}"
        self._process = Process(
            f"chromium-{name}", ["chromium", *FLAGS, *flags, f"--user-data-dir={self._profile}", "about:blank"],
            folder / f"chromium-{name}.log")
        self._http = None
        self._address = None
        self._pages = []

    async def start(self):
        await self._process.start()
        self._http = aiohttp.ClientSession()
        port_file = self._profile / "DevToolsActivePort"
        port = await eventually(lambda: port_file.exists() and port_file.read_text().split("\n")[0], 30, "chromium")
        self._address = f"http://127.0.0.1:{port}"
        return self

    async def open(self, url):
        """A page in a tab of its own."""
        async with self._http.put(f"{self._address}/json/new?about:blank") as response:
            target = await response.json(content_type=None)
        page = Page(await self._http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0))
        self._pages.append(page)
        await page.begin(url)
        return page

    async def close(self):
        for page in self._pages:
            await page.close()
        if self._http:
            await self._http.close()
        if self._process.running:
            # Its helpers are in its process group, which is of our making.
            self._signal_all(signal.SIGTERM)
            await eventually(self._gone, 10, f"the end of {self._process}")

    def _gone(self):
        return not self._process.running and not self._signal_all(0)

    def _signal_all(self, number):
        """False when nobody is left."""
        try:
            os.killpg(self._process.pid, number)
            return True
        except ProcessLookupError:
            return False


class Page:
    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)
        self._pending = {}
        self.console = []
        self._reader = asyncio.create_task(self._read())

    async def begin(self, url):
        for domain in ("Runtime", "Page", "Log"):
            await self.command(f"{domain}.enable")
        await self.command("Page.navigate", url=url)

    async def close(self):
        """Closes the tab, as a person would."""
        if self._socket.closed:
            return
        await self.command("Page.close")
        await self._socket.close()
        await self._reader

    async def command(self, method, **parameters):
        number = next(self._numbers)
        answer = self._pending[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await asyncio.wait_for(answer, 30)

    async def evaluate(self, expression):
        """The value of a JavaScript expression; a promise's when it has come."""
        answer = await self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    async def until(self, expression, within=20.0):
        """Waits until the expression is true, errors while the page loads aside. Returns its value."""
        async def value():
            try:
                return await self.evaluate(expression)
            except AssertionError:
                return None

        try:
            return await eventually(value, within, expression)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; the console says {self.console[-10:]}") from None

    async def stats(self):
        """What the page says about itself: see window.continuo in its app.js."""
        return await self.evaluate("window.continuo.stats()")

    async def screenshot(self, path):
        await self.command("Page.bringToFront")
        picture = await self.command("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(picture["data"]))

    async def _read(self):
        async for message in self._socket:
            content = message.json()
            if "id" in content:
                self._answered(content)
            elif content["method"] == "Runtime.consoleAPICalled":
                self.console.append(str([part.get("value", part.get("description")) for part in content["params"]["args"]]))
            elif content["method"] == "Runtime.exceptionThrown":
                self.console.append(str(content["params"]["exceptionDetails"]))
            elif content["method"] == "Log.entryAdded":
                entry = content["params"]["entry"]
                self.console.append(f"{entry['text']} {entry.get('url', '')}")

    def _answered(self, content):
        answer = self._pending.pop(content["id"])
        if answer.done():
            return
        if "error" in content:
            answer.set_exception(RuntimeError(content["error"]["message"]))
        else:
            answer.set_result(content["result"])
