"""What the tests share: one event loop, and per file one Janus and one gateway."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio

from harness.baresip import Baresip
from harness.checks import nothing_left
from harness.fault_points import FaultPoints
from harness.gateway import Gateway
from harness.janus import Janus
from harness.kamailio import Kamailio
from harness.nameserver import NameServer
from harness.peer import bear_with_aiortc
from harness.ports import own_address
from harness.running import running, running_now
from harness.sipp import Sipp
from harness.subscribers import Subscribers
from harness.visitors import Visitors

_kept = pytest.StashKey[Path]()  # the folder that outlives the run, if there is one


@pytest.fixture(scope="session")
def event_loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def run_folder(request):
    """Everything of this run. CONTINUO_LOGS names another place and keeps it; so does a failure."""
    wanted = os.environ.get("CONTINUO_LOGS")
    if wanted:
        folder = Path(wanted).resolve()
        folder.mkdir(parents=True, exist_ok=True)
    else:
        folder = Path(tempfile.mkdtemp(prefix="continuo-e2e-"))
    yield folder
    if wanted or request.session.testsfailed:
        request.config.stash[_kept] = folder
    else:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter, config):
    if _kept in config.stash:
        terminalreporter.write_line(f"logs: {config.stash[_kept]}")


@pytest.fixture(scope="module")
def folder(run_folder, request):
    """What one file of tests leaves, logs first of all. Its path is short: sockets are made in it."""
    folder = run_folder / request.module.__name__.removeprefix("test_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@pytest_asyncio.fixture(scope="module")
async def janus(folder):
    janus = Janus(folder)
    await janus.start()
    yield janus
    mishap = janus.mishap()
    await janus.stop()
    assert not mishap, mishap


@pytest.fixture(scope="module")
def gateway_settings():
    """{section: {key: value}} for webrtcgateway.ini; a file of tests may have its own."""
    return {}


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus, gateway_settings):
    """Two front doors, and three workers for two slots."""
    async with running(Gateway(folder, janus, settings=gateway_settings)) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def visitors(gateway):
    """Makes clients and participants. When the test is over they go, and nothing of them may remain anywhere."""
    visitors = Visitors(gateway)
    yield visitors
    await visitors.leave()
    mishap = gateway.janus.mishap()
    assert not mishap, mishap
    await nothing_left(gateway)


# Workers that die at a named step.

@pytest.fixture(scope="module")
def points(folder):
    return FaultPoints(folder)


@pytest.fixture
def killing(gateway, points, monkeypatch):
    """Points may kill workers as long as this lasts."""
    monkeypatch.setattr(gateway, "may_be_killed", True)
    yield
    points.disarm()


# Telephones. What reaches Janus speaks from the host's own address, as Janus does.

@pytest_asyncio.fixture(scope="module")
async def kamailio(folder):
    kamailio = Kamailio(folder, address=own_address())
    await kamailio.start()
    yield kamailio
    await kamailio.stop()


@pytest_asyncio.fixture(scope="module")
async def name_server(folder, kamailio):
    """It leads to the registrar; `dead.phones.test` leads to nobody, and other names below do not exist."""
    server = NameServer(folder, kamailio.domain)
    await server.publish(
        server.naptr(kamailio.domain, 10, 10, "SIP+D2U", f"_sip._udp.{kamailio.domain}"),
        server.srv(f"_sip._udp.{kamailio.domain}", f"proxy.{kamailio.domain}", kamailio.port),
        server.host(f"proxy.{kamailio.domain}", kamailio.address),
        server.srv(f"_sip._udp.dead.{kamailio.domain}", f"dead.{kamailio.domain}", 9),
        server.host(f"dead.{kamailio.domain}", kamailio.address), ttl=60)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def exchange(kamailio):
    """The registrar, which knows nobody's place any more when the test is over and everybody has gone."""
    yield kamailio
    await kamailio.answer_registrations("normal")
    await kamailio.ring_for(None)
    await kamailio.forget_places()
    await kamailio.nothing_registered()


@pytest_asyncio.fixture
async def phones(folder, exchange):
    """Makes running telephones, and stops them in the end."""
    made = []

    async def make(user, **how):
        await exchange.add_user(user)
        phone = Baresip(folder, user, exchange, **how)
        made.append(phone)
        await phone.start()
        return phone

    yield make
    for phone in made:
        await phone.stop()


@pytest_asyncio.fixture
async def sipp(folder, exchange):
    """Makes sipps, which are stopped in the end."""
    made = []

    def make(scenario, **how):
        made.append(Sipp(folder, scenario, exchange, **how))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


@pytest_asyncio.fixture
async def reached(sipp, exchange):
    """Makes sipps that are called, known to the registrar by their names."""
    async def make(scenario, user, **places):
        one = sipp(scenario, user=user, **places)
        await one.start()
        await exchange.place(user, one.uri)
        return one

    return make


@pytest.fixture
def callers(exchange):
    async def rows(count, callee):
        """So many users with passwords, who will call that one."""
        users = [f"caller{number}" for number in range(count)]
        return [(user, await exchange.add_user(user), callee) for user in users]

    return rows


@pytest_asyncio.fixture
async def subscribers(gateway, exchange):
    """Makes clients with SIP accounts. When the test is over they go, and nothing of them may remain anywhere."""
    bear_with_aiortc()
    subscribers = Subscribers(gateway, exchange)
    yield subscribers
    await subscribers.leave()
    await nothing_left(gateway)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the last words of every process."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for gateway in running_now:
            report.sections.append(("what the processes said last", gateway.last_words()))
