"""One deploy/run, and everything it uses."""

from pathlib import Path

from .paths import DEPLOY_RUN, binaries
from .ports import free_port
from .process import Process
from .waiting import eventually


class Run:
    """It has two front doors."""

    def __init__(self, folder, name, port):
        self.port = port
        self.janus_port, self.janus_admin_port = free_port(), free_port()
        self.directory, self.state = folder / f"{name}-run", folder / f"{name}-state"
        # Where the links to runs are: those of this machine's other runs are not ours to find.
        self.environment = {"XDG_RUNTIME_DIR": str(folder)}
        self.runs = folder / "continuo"
        self.process = Process(
            name,
            [DEPLOY_RUN, "--listen", f"127.0.0.1:{port}", "--front-doors", "2", "--run-dir", self.directory,
             "--state", self.state, "--janus-port", self.janus_port],
            folder / f"{name}.log",
            {"CONTINUO_BIN": str(binaries()), "CONTINUO_JANUS_ADMIN_PORT": str(self.janus_admin_port), **self.environment})

    async def serves(self):
        """Waits until it says where."""
        await eventually(lambda: self.says(f"http://127.0.0.1:{self.port}/webrtcgateway/"), 60, "the address")

    @property
    def output(self):
        return self.process.last_lines(200)

    def says(self, text):
        assert self.process.running, f"deploy/run ended with status {self.process.status}:\n{self.output}"
        return text in self.output

    def processes(self):
        """Pids of everything that was started for this run, found by the run directory on the command line."""
        mark = str(self.directory).encode()
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                command = (entry / "cmdline").read_bytes()
            except (OSError, NotADirectoryError):
                continue
            if entry.name.isdigit() and mark in command:
                found[int(entry.name)] = command.replace(b"\0", b" ").decode()
        return found

    def pids(self, program):
        """Of all `Frontdoor` or `Worker` processes, those that watch a worker left out."""
        commands = {pid: command.split() for pid, command in self.processes().items()}
        return {pid for pid, words in commands.items() if words[0].endswith(f"/{program}") and words[1:2] != ["watch"]}

    @property
    def ports(self):
        return [self.port, self.port + 1, self.janus_port, self.janus_admin_port]
