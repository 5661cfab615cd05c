"""The page that the front door serves."""

import pytest

from harness.paths import ROOT
from harness.raw import get

PAGE = "/webrtcgateway/"
FILES = ROOT / "Sources" / "Frontdoor" / "Page"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@pytest.fixture(scope="module")
def port(gateway):
    return gateway.ports[0]


async def test_the_root_leads_to_the_page(port):
    response = await get(port, "/")
    assert response.status in (301, 302, 307, 308)
    assert response.headers["location"].endswith(PAGE)


async def test_the_page_is_its_index(port):
    response = await get(port, PAGE)
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/html")
    assert response.body == (FILES / "index.html").read_bytes()


@pytest.mark.parametrize("name", sorted(file.name for file in FILES.iterdir()))
async def test_every_file_of_the_page_is_served_with_its_type(port, name):
    response = await get(port, PAGE + name)
    assert response.status == 200
    assert response.headers["content-type"].partition(";")[0] == TYPES["." + name.rpartition(".")[2]]
    assert response.body == (FILES / name).read_bytes()


async def test_the_page_may_load_only_from_its_own_host(port):
    policy = (await get(port, PAGE)).headers["content-security-policy"]
    directives = dict(directive.strip().partition(" ")[::2] for directive in policy.split(";") if directive.strip())
    assert directives["default-src"] in ("'self'", "'none'")
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in directives.get("script-src", directives["default-src"])


@pytest.mark.parametrize("path", [
    "/webrtcgateway/../../../etc/passwd", "/webrtcgateway/%2e%2e/%2e%2e/etc/passwd", "/webrtcgateway/..%2f..%2fetc%2fpasswd",
    "/webrtcgateway//etc/passwd", "/webrtcgateway/../Page/index.html", "/../../etc/passwd", "/webrtcgateway/index.html%00.js",
    "/webrtcgateway/.", "/webrtcgateway/nothing.js", "/elsewhere",
])
async def test_nothing_but_the_page_is_served(port, path):
    response = await get(port, path)
    assert response.status in (400, 403, 404)
    assert b"root:" not in response.body
