"""What the tests share: one event loop, and per file one Janus and one gateway."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio

from harness.checks import nothing_left
from harness.gateway import Gateway
from harness.janus import Janus
from harness.running import running, running_now
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
    await janus.stop()


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
    await nothing_left(gateway)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the last words of every process."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for gateway in running_now:
            report.sections.append(("what the processes said last", gateway.last_words()))
