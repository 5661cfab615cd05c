"""A front door that speaks TLS itself."""

import os
import signal
import ssl
import subprocess
import time

import pytest
import pytest_asyncio

from harness.browser import Browser
from harness.certificates import Authority
from harness.configuration import configuration
from harness.gateway import Gateway
from harness.paths import binaries
from harness.raw import Connection, get
from harness.running import running
from harness.waiting import eventually

HANDSHAKE_TIME = 2  # seconds
IN_ROOM = "document.documentElement.dataset.stage === 'room'"


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("first")


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus, authority, certificate):
    settings = {
        "TLS": {"certificate": certificate.chain, "private_key": certificate.key},
        "Limits": {"handshake_time": HANDSHAKE_TIME},
    }
    async with running(Gateway(folder, janus, settings=settings, tls=authority.context())) as gateway:
        yield gateway


def said(gateway, words, door=0):
    return words in gateway.front_doors[door].log.read_text()


async def reloaded(gateway, words):
    """SIGHUP for the first front door, which then says so."""
    log = gateway.front_doors[0].log
    before = log.read_text().count(words)
    gateway.front_doors[0].signal(signal.SIGHUP)
    await eventually(lambda: log.read_text().count(words) > before, 10, words)


async def shown(gateway):
    """The certificate that a new client sees, whoever has signed it."""
    connection = await Connection.open(gateway.ports[0], gateway.tls)
    try:
        return connection.certificate
    finally:
        await connection.close()


async def test_a_conference_over_wss_has_media(visitors):
    room = visitors.new_room()
    anna = await (await visitors.media_participant("Anna", room, door=0)).join()
    bela = await (await visitors.media_participant("Bela", room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    feed = await anna.watch(bela.session)
    await eventually(lambda: feed.reception.video > 20, 20, "video frames")


async def test_a_browser_opens_the_page_over_https_and_meets_another_over_wss(gateway, folder, certificate, visitors):
    browser = Browser(folder, "tls", [f"--ignore-certificate-errors-spki-list={certificate.key_hash}"])
    try:
        await browser.start()
        pages = [
            await browser.open(f"{gateway.page_url(door)}?name={name}&room=tls&join=yes")
            for door, name in enumerate(("Anna", "Bela"))]
        for page in pages:
            await page.until(IN_ROOM)
            assert await page.evaluate("location.protocol") == "https:"
        for page in pages:
            async def heard():
                tiles = (await page.stats())["tiles"]
                return len(tiles) == 1 and tiles[0]["audioPackets"] > 20

            await eventually(heard, 20, "the other one's sound")
    finally:
        await browser.close()


@pytest.mark.parametrize("version, is_spoken", [
    (ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_tls_is_spoken_from_1_2_on(gateway, authority, version, is_spoken):
    context = authority.context()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, version
    try:
        connection = await Connection.open(gateway.ports[0], context)
    except ssl.SSLError:
        assert not is_spoken
    else:
        assert is_spoken
        assert (await connection.request("/webrtcgateway/")).status == 200
        await connection.close()


async def test_nothing_is_said_in_the_clear(gateway):
    connection = await Connection.open(gateway.ports[0])
    await connection.send(b"GET /webrtcgateway/ HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"HTTP" not in await connection.ends()


@pytest.mark.parametrize("words", [b"", b"\x16\x03\x01"], ids=["nothing", "the beginning of a hello"])
async def test_who_says_nothing_has_as_long_as_a_handshake_takes_tls_included(gateway, words):
    connection = await Connection.open(gateway.ports[0])
    began = time.monotonic()
    await connection.send(words)
    await connection.ends()
    assert HANDSHAKE_TIME - 0.2 < time.monotonic() - began < HANDSHAKE_TIME + 2


async def test_who_speaks_tls_and_asks_nothing_has_no_longer(gateway):
    began = time.monotonic()
    connection = await Connection.open(gateway.ports[0], gateway.tls)
    await connection.ends()
    assert HANDSHAKE_TIME - 0.2 < time.monotonic() - began < HANDSHAKE_TIME + 2


async def test_a_new_certificate_is_shown_to_who_comes_and_nobody_is_dropped(gateway, visitors, authority, certificate):
    old = certificate.der
    before = await visitors.client()
    assert await shown(gateway) == old
    authority.issue("second").replaces(certificate)
    await reloaded(gateway, "certificate read again")
    assert await shown(gateway) == certificate.der != old
    await before.refused("nonsense")
    await (await visitors.client()).refused("nonsense")


@pytest.mark.parametrize("kind", ["another key", "no key", "no certificate", "gone"])
async def test_files_that_cannot_be_used_change_nothing(gateway, visitors, authority, certificate, kind):
    before, good, key = await visitors.client(), certificate.chain.read_bytes(), certificate.key.read_bytes()
    seen = await shown(gateway)
    try:
        if kind == "another key":
            certificate.key.write_bytes(authority.issue("third").key.read_bytes())
        elif kind == "no key":
            certificate.key.write_text("nonsense")
        elif kind == "no certificate":
            certificate.chain.write_bytes(key)
        else:
            certificate.chain.unlink()
        await reloaded(gateway, "certificate not changed")
        assert await shown(gateway) == seen
        await before.refused("nonsense")
        await (await visitors.client()).refused("nonsense")
    finally:
        certificate.chain.write_bytes(good)
        certificate.key.write_bytes(key)
    secret = key.split(b"\n")[1].decode()
    assert not said(gateway, secret) and not said(gateway, "PRIVATE KEY-----")


async def test_a_key_that_everybody_can_read_is_warned_of(gateway, certificate):
    certificate.key.chmod(0o644)
    await reloaded(gateway, "everybody can read the private key")
    certificate.key.chmod(0o600)


@pytest.mark.parametrize("certificate_file, key_file, complaint", [
    ("first.pem", "other.key", "{folder}/other.key is not the key of the certificate in {folder}/first.pem"),
    ("nowhere.pem", "first.key", "[TLS] certificate: {folder}/nowhere.pem cannot be read"),
    ("first.pem", "nowhere.key", "[TLS] private_key: {folder}/nowhere.key cannot be read"),
    ("empty.pem", "first.key", "[TLS] certificate: {folder}/empty.pem holds no certificate in PEM"),
    ("first.pem", "first.pem", "[TLS] private_key: {folder}/first.pem holds no private key in PEM"),
    ("first.pem", "locked.key", "[TLS] private_key: {folder}/locked.key holds no private key in PEM"),
    ("first.pem", "", "[TLS] certificate"),
    ("", "first.key", "[TLS] private_key"),
])
def test_B34_what_cannot_be_used_stops_the_start_in_one_line(
        janus, authority, folder, certificate_file, key_file, complaint):
    work = folder / "refused"
    if not work.exists():
        work.mkdir()
        (work / "empty.pem").write_text("")
        for name in ("first", "other"):
            issued = authority.issue(name + "-refused")
            os.rename(issued.chain, work / f"{name}.pem")
            os.rename(issued.key, work / f"{name}.key")
        subprocess.run(
            ["openssl", "ec", "-aes256", "-passout", "pass:x", "-in", work / "first.key", "-out", work / "locked.key"],
            check=True, capture_output=True)
    settings = {"certificate": certificate_file and work / certificate_file, "private_key": key_file and work / key_file}
    ini = work / "webrtcgateway.ini"
    ini.write_text(configuration(folder, janus, "1", {"TLS": settings}))
    result = subprocess.run(
        [binaries() / "Frontdoor", "--config", ini, "--check-config"], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=20)
    assert result.returncode == 78
    assert complaint.format(folder=work) in result.stderr and result.stderr.count("\n") == 1, result.stderr


async def test_the_page_is_answered_over_tls_to_many_at_once(gateway):
    for _ in range(20):
        connection = await Connection.open(gateway.ports[0], gateway.tls)
        assert (await connection.request("/webrtcgateway/")).status == 200
        await connection.close()
    with pytest.raises((ConnectionError, OSError, EOFError)):
        await get(gateway.ports[0], "/webrtcgateway/")
