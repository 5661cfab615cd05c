"""A telephone: baresip, told what to do over its control socket, with a note for a voice and a recorder for an ear."""

import asyncio
import itertools
import json
import signal
from contextlib import suppress

from .ports import free_neighbours, free_port, own_address
from .process import Process
from .tones import RATE, loudness, read_sound, share_of_tone, write_tone
from .waiting import eventually

MODULES = "/usr/lib/baresip/modules"
VOICE = 620  # Hz, and not the note of harness.media


class Baresip:
    """With a registrar (a Kamailio that knows `user`) it registers; without one it can be called by its `uri`."""

    def __init__(self, folder, user, registrar=None, answers=False, address=None, voice=VOICE, transport="udp",
                 password=None, talks=120):
        """`answers`: takes every call at once. It `talks` for so many seconds of each. `address` is where SIP and RTP reach it, by default the host's own: its
        sound leaves from there whatever it says, and Janus takes sound only from where it was told to send its own.
        Another `password` than the registrar's is for those who must not get in."""
        self.user, self.address, self.port = user, address or own_address(), free_port()
        self.events = []  # all that it told, in order: {"type": …}
        self._registrar, self._transport = registrar, transport
        self._folder = folder / f"baresip-{user}-{self.port}"
        self._control, self._media = free_port(), free_neighbours(20)
        self._tokens = itertools.count(1)
        self._answers, self._changed = {}, asyncio.Event()
        self._reader = self._writer = self._reading = None
        self._sounds = self._folder / "sounds"
        self._sounds.mkdir(parents=True)
        write_tone(self._folder / "voice.wav", voice, talks)
        self._account = self._account_line(answers, password)
        self._configure()
        self.process = Process(
            f"baresip-{user}", ["baresip", "-f", self._folder], folder / f"baresip-{user}-{self.port}.log")

    # MARK: where it is

    @property
    def uri(self):
        return f"sip:{self.user}@{self.address}:{self.port}"

    @property
    def account(self):
        """Its address of record; what others call if it is registered."""
        return f"sip:{self._registrar.address_of(self.user)}" if self._registrar else self.uri

    # MARK: running

    async def start(self, registers=True):
        """Up to its registration, if it has a registrar; `registers=False` is for one that will not be let in."""
        await self.process.start()
        await eventually(self._connected, 15, f"{self.process.name} to listen")
        await self.command("uanew", self._account)
        if self._registrar and registers:
            await self.told("REGISTER_OK")

    async def stop(self):
        """Hangs up and unregisters, politely."""
        if not self.process.running:
            return
        self.process.signal(signal.SIGCONT)
        status = await self.process.stop()
        await self._forget()
        assert status in (0, -signal.SIGTERM), f"{self.process}\n{self.process.last_lines()}"

    async def kill(self):
        """Without a word to anybody."""
        self.process.signal(signal.SIGKILL)
        await self.process.ended(10)
        await self._forget()

    def pause(self):
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        self.process.signal(signal.SIGCONT)

    # MARK: what it does

    async def dial(self, uri):
        await self.command("dial", uri)

    async def answer(self):
        """The call that rings."""
        await self.command("accept")

    async def hang_up(self):
        """Ends the call, gives it up, or refuses the one that rings, which is then told 486."""
        await self.command("hangup")

    async def press(self, key):
        await self.command("sndcode", key)

    async def call_count(self):
        """The calls it has, those that ring included."""
        return (await self.command("listcalls")).count("sip:")

    async def command(self, name, parameters=""):
        """Any other of its commands, without the slash. Returns what it says."""
        token = str(next(self._tokens))
        self._answers[token] = asyncio.get_running_loop().create_future()
        body = json.dumps({"command": name, "params": parameters, "token": token})
        self._writer.write(f"{len(body)}:{body},".encode())
        answer = await asyncio.wait_for(self._answers[token], 10)
        assert answer["ok"], f"{self.process.name}: {name} {parameters}: {answer.get('data')}"
        return answer.get("data", "")

    # MARK: what it is told

    async def told(self, kind, within=10.0, count=1):
        """Waits for an event of that type, such as CALL_INCOMING, CALL_RINGING, CALL_PROGRESS, CALL_ESTABLISHED,
        CALL_CLOSED, REGISTER_OK, REGISTER_FAIL; `count` is how many there shall be since it started. Returns the
        last."""
        async def enough():
            while len(found := [event for event in self.events if event["type"] == kind]) < count:
                self._changed.clear()
                await self._changed.wait()
            return found[count - 1]

        try:
            return await asyncio.wait_for(enough(), within)
        except asyncio.TimeoutError:
            told = [event["type"] for event in self.events]
            raise AssertionError(f"{self.process.name}: no {kind} (number {count}) in {within} s, but {told}") from None

    def events_of(self, kind):
        return [event for event in self.events if event["type"] == kind]

    # MARK: what it hears

    async def hears(self, frequency, seconds=0.6, within=10.0):
        """Waits until the note is nearly all that it has heard for a while, beginning now."""
        await self._hears(
            lambda latest, rate: loudness(latest) > 500 and share_of_tone(latest, rate, frequency) > 0.8,
            seconds, within, f"to hear {frequency} Hz")

    async def hears_something(self, seconds=1.5, within=10.0):
        """Waits until there is sound in what it has heard for a while, beginning now."""
        await self._hears(lambda latest, rate: loudness(latest) > 100, seconds, within, "to hear something")

    async def hears_silence(self, seconds=1.5, within=10.0):
        """Waits until there was no sound for a while, beginning now, although something has come."""
        await self._hears(lambda latest, rate: loudness(latest) < 20, seconds, within, "to hear silence")

    async def _hears(self, is_it, seconds, within, what):
        before = {path: len(read_sound(path)[0]) for path in self._recordings()}

        def heard():
            for path in self._recordings():
                samples, rate = read_sound(path)
                latest = samples[before.get(path, 0):][-int(seconds * rate):]
                if len(latest) >= int(seconds * rate) and is_it(latest, rate):
                    return True
            return False

        await eventually(heard, within, f"{self.process.name} {what}")

    def heard(self):
        """How many seconds of sound have reached it in all its calls: they stand still when nobody sends."""
        sounds = (read_sound(path) for path in self._recordings())
        return sum(len(samples) / rate for samples, rate in sounds)

    def _recordings(self):
        return sorted(self._sounds.glob("*-dec.wav"))

    # MARK: the rest

    def _configure(self):
        lines = {
            "poll_method": "epoll", "sip_listen": f"{self.address}:{self.port}", "call_max_calls": 8,
            "net_interface": self.address, "rtp_ports": f"{self._media}-{self._media + 19}", "rtp_timeout": 0,
            "audio_source": f"aufile,{self._folder}/voice.wav", "audio_player": "aubridge,nowhere",
            "audio_alert": "aubridge,nowhere", "ausrc_srate": RATE, "auplay_srate": RATE, "ausrc_channels": 1,
            "auplay_channels": 1, "audio_path": "/nonexistent", "snd_path": self._sounds, "module_path": MODULES,
            "ctrl_tcp_listen": f"127.0.0.1:{self._control}"}
        text = "".join(f"{key} {value}\n" for key, value in lines.items())
        text += "".join(f"module {name}.so\n" for name in ("g711", "aufile", "aubridge", "sndfile"))
        text += "".join(f"module_app {name}.so\n" for name in ("account", "menu", "ctrl_tcp"))
        (self._folder / "config").write_text(text)
        (self._folder / "accounts").write_text("")  # it gets its account when somebody listens to what becomes of it
        (self._folder / "contacts").write_text("")

    def _account_line(self, answers, password):
        mode = "auto" if answers else "manual"
        common = f"answermode={mode};audio_codecs=PCMU/8000/1,PCMA/8000/1"
        if not self._registrar:
            return f"<{self.uri}>;{common};regint=0"
        proxy = f"{self._registrar.uri};transport={self._transport}"
        password = password or self._registrar.password(self.user)
        return (f"<{self.account};transport={self._transport}>;{common};auth_user={self.user};auth_pass={password}"
                f";outbound=\"{proxy}\";regint=600")

    async def _connected(self):
        assert self.process.running, f"{self.process}\n{self.process.last_lines()}"
        try:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control)
        except ConnectionError:
            return False
        self._reading = asyncio.create_task(self._read())
        return True

    async def _read(self):
        """Netstrings of JSON."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                message = json.loads((await self._reader.readexactly(length + 1))[:-1])
                if message.get("event"):
                    self.events.append(message)
                    self._changed.set()
                elif answer := self._answers.pop(message.get("token"), None):
                    answer.set_result(message)

    async def _forget(self):
        if self._reading:
            self._reading.cancel()
            self._writer.close()
            self._reading = None
