"""Many telephones, or one that misbehaves: sipp with the scenarios of `phones/`, and counts of how it went."""

import csv
import re
import signal
from dataclasses import dataclass

from .paths import PHONES
from .ports import free_neighbours, free_port, own_address
from .process import Process
from .waiting import eventually

_ALL_WELL, _SOME_FAILED = 0, 1
_NOTHING_HAPPENED = 99


@dataclass(frozen=True)
class Counts:
    """Of calls, or of registrations, as far as the scenario goes."""

    created: int
    current: int
    succeeded: int
    failed: int


class Sipp:
    """`scenario` names a file of `phones/`; what stands there in @…@ is given in `places`, in small letters.

    Those that call or register (`uac_…`, `register`) need `rows`, used in turn: (user, password, whom they call).
    They make `calls` of them, `rate` a second and `at_once` at most. Those that are called (`uas_…`) listen at `uri`
    until they are stopped, or for so many `calls`; Kamailio.place makes them known."""

    def __init__(self, folder, scenario, registrar, user="sipp", rows=(), calls=None, rate=10, at_once=100,
                 address=None, transport="udp", **places):
        address = address or own_address()
        self.user, self.address, self.port = user, address, free_port()
        self._media = free_neighbours(4)
        self._folder = folder / f"sipp-{scenario}-{self.port}"
        self._folder.mkdir()
        self._statistics = self._folder / "statistics.csv"
        self._errors = self._folder / "errors.log"
        if scenario.startswith("uac") or scenario == "register":
            calls = calls or len(rows)
        command = [
            "sipp", "-sf", self._scenario(scenario, places), "-i", address, "-p", self.port, "-t", f"{transport[0]}1",
            "-mi", address, "-mp", self._media, "-rtp_echo", "-cp", free_port(), "-nostdin", "-trace_stat", "-stf",
            self._statistics, "-fd", "200ms", "-trace_err", "-error_file", self._errors, "-r", rate, "-l", at_once,
            "-key", "domain", registrar.domain, "-key", "user", user]
        if calls:
            command += ["-m", calls]
        if rows:
            command += ["-inf", self._rows(rows)]
        command.append(f"{registrar.address}:{registrar.port}")
        self.process = Process(f"sipp-{scenario}", command, self._folder / "log")

    @property
    def uri(self):
        return f"sip:{self.user}@{self.address}:{self.port}"

    # MARK: running

    async def start(self):
        """Up to its first line of statistics: it listens then."""
        await self.process.start()
        await eventually(self._began, 15, f"{self.process.name} to begin")

    async def finished(self, within=30.0):
        """Waits until all its calls are over, and returns the counts."""
        status = await self.process.ended(within)
        assert status in (_ALL_WELL, _SOME_FAILED), f"{self.process}\n{self.trouble()}"
        return self.counts()

    async def run(self, within=30.0):
        """From the start to the counts, which say that everything has succeeded."""
        await self.start()
        counts = await self.finished(within)
        assert counts.failed == 0 and counts.succeeded > 0, f"{counts}\n{self.trouble()}"
        return counts

    async def stop(self):
        """Whatever it is doing. Calls are not hung up."""
        if self.process.running:
            self.process.signal(signal.SIGCONT)
            self.process.signal(signal.SIGKILL)
            await self.process.ended(10)

    def pause(self):
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        self.process.signal(signal.SIGCONT)

    # MARK: how it went

    def counts(self):
        """As of the last fifth of a second."""
        with open(self._statistics, newline="") as file:
            rows = list(csv.reader(file, delimiter=";"))
        head, latest = rows[0], [row for row in rows[1:] if len(row) >= len(rows[0]) - 1][-1]

        def number(*columns):
            return sum(int(latest[head.index(column)]) for column in columns)

        return Counts(
            number("IncomingCall(C)", "OutgoingCall(C)"), number("CurrentCall"), number("SuccessfulCall(C)"),
            number("FailedCall(C)"))

    async def succeeds(self, count=1, within=20.0):
        """Waits for so many good ends."""
        try:
            await eventually(lambda: self.counts().succeeded >= count, within, f"{count} successes")
        except AssertionError as error:
            raise AssertionError(f"{self.process.name}: {error}, {self.counts()}\n{self.trouble()}") from None

    async def is_in_calls(self, count, within=20.0):
        await eventually(lambda: self.counts().current == count, within, f"{self.process.name} to be in {count} calls")

    def trouble(self):
        """What it did not expect."""
        errors = self._errors.read_text(errors="replace")[-4000:] if self._errors.exists() else ""
        return errors or self.process.last_lines()

    # MARK: the rest

    def _scenario(self, name, places):
        text = (PHONES / f"{name}.xml").read_text()
        wanted = {mark.lower() for mark in re.findall("@([A-Z]+)@", text)}
        assert wanted == set(places), f"{name} is to be told {sorted(wanted)}"
        for place, value in places.items():
            text = text.replace(f"@{place.upper()}@", str(value))
        path = self._folder / "scenario.xml"
        path.write_text(text)
        return path

    def _rows(self, rows):
        path = self._folder / "rows.csv"
        credentials = "[authentication username={} password={}]"
        lines = (";".join((user, credentials.format(user, password), callee)) for user, password, callee in rows)
        path.write_text("SEQUENTIAL\n" + "".join(f"{line}\n" for line in lines))
        return path

    def _began(self):
        running, status = self.process.running, self.process.status
        assert running or status in (_ALL_WELL, _SOME_FAILED, _NOTHING_HAPPENED), f"{self.process}\n{self.trouble()}"
        return self._statistics.exists() and self._statistics.read_text().count("\n") > 1
