"""The proxies of deploy/proxies, as they stand there but for ports, certificate and what their packages set up."""

from .paths import ROOT
from .ports import free_port
from .process import Process
from .waiting import eventually

EXAMPLES = ROOT / "deploy" / "proxies"


def substituted(name, replacements):
    """The example's text. What is replaced must be there."""
    text = (EXAMPLES / name).read_text()
    for old, new in replacements.items():
        assert old in text, f"{name} does not say {old!r}"
        text = text.replace(old, str(new))
    return text


class Proxy:
    def __init__(self, folder, gateway, certificate):
        self.folder = folder / self.name
        self.folder.mkdir()
        self.port = free_port()
        self.log = folder / f"{self.name}.log"
        first, second = gateway.ports
        self._doors = {"127.0.0.1:10888": f"127.0.0.1:{first}", "127.0.0.1:10889": f"127.0.0.1:{second}"}
        self._process = Process(self.name, self.command(certificate), self.log)

    @property
    def url(self):
        return f"wss://127.0.0.1:{self.port}/webrtcgateway/ws"

    async def start(self):
        await self._process.start()

    async def stop(self):
        if self._process.running:
            status = await self._process.stop()
            assert status in (0, 143, -15), f"{self.name} ended with {status}\n{self._process.last_lines()}"

    async def answers(self, probe):
        await eventually(probe, 15, f"{self.name}: {self._process.last_lines()}")


class Nginx(Proxy):
    name = "nginx"

    def command(self, certificate):
        example = self.folder / "continuo.conf"
        example.write_text(substituted("nginx.conf", {
            **self._doors, "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "/etc/ssl/continuo/chain.pem": certificate.chain, "/etc/ssl/continuo/key.pem": certificate.key}))
        places = "".join(
            f"{kind}_temp_path {self.folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        main = self.folder / "nginx.conf"
        main.write_text(
            f"pid {self.folder}/pid;\nerror_log stderr;\nevents {{}}\n"
            f"http {{\naccess_log {self.folder}/access.log;\n{places}include {example};\n}}\n")
        return ["nginx", "-p", self.folder, "-c", main, "-g", "daemon off;"]


class HAProxy(Proxy):
    name = "haproxy"

    def command(self, certificate):
        pem = self.folder / "continuo.pem"
        pem.write_bytes(certificate.key.read_bytes() + certificate.chain.read_bytes())
        example = self.folder / "haproxy.cfg"
        example.write_text(substituted("haproxy.cfg", {
            **self._doors, "bind :443 ssl": f"bind 127.0.0.1:{self.port} ssl", "/etc/haproxy/continuo.pem": pem}))
        return ["haproxy", "-db", "-f", example]
