"""What an operator is shown, and how the commands end that cannot do what was asked."""

import json
import sqlite3
import subprocess
from contextlib import closing

import pytest
import pytest_asyncio

from harness.configuration import configuration
from harness.gateway import Gateway
from harness.hall import SIZE, Hall
from harness.paths import binaries
from harness.running import running
from harness.waiting import eventually

USAGE, NO_SUCH, UNAVAILABLE, BAD_CONFIGURATION = 64, 66, 69, 78
SLOT_KEYS = {"slot", "state", "incarnation", "lease_ms", "load", "rooms", "sessions", "janus", "janus_up", "weight",
             "draining", "deadline_ms"}
FRONT_DOOR_KEYS = {"id", "state", "incarnation", "lease_ms"}


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus):
    """No standby: a slot that is lost stays lost."""
    async with running(Gateway(folder, janus, workers=2)) as gateway:
        yield gateway


async def test_everything_is_shown_with_what_it_has(visitors, gateway, janus):
    halls = await Hall.on_each_slot(visitors, gateway)
    # A renewal later the load is known, too.
    await eventually(lambda: all(row["load"] == SIZE for row in gateway.registry.slots()), 5, "the load")
    status, output, complaint = await gateway.operate("status", "--json")
    assert status == 0 and complaint == "" and output.endswith("\n") and output.count("\n") == 1
    report = json.loads(output)
    assert [slot["slot"] for slot in report["slots"]] == sorted(hall.slot for hall in halls)
    for slot in report["slots"]:
        assert set(slot) == SLOT_KEYS
        assert slot["state"] == "serving" and slot["janus_up"] and not slot["draining"]
        assert (slot["load"], slot["rooms"], slot["sessions"], slot["weight"]) == (SIZE, 1, SIZE, 1)
        assert slot["janus"].startswith(janus.api_url) and 0 < slot["lease_ms"] <= 4000
        assert slot["deadline_ms"] is None
    assert [door["id"] for door in report["frontdoors"]] == [1, 2]
    for door in report["frontdoors"]:
        assert set(door) == FRONT_DOOR_KEYS and door["state"] == "serving" and 0 < door["lease_ms"] <= 4000

    status, table, complaint = await gateway.operate("status")
    assert status == 0 and complaint == ""
    lines = [line.split() for line in table.splitlines()]
    assert [line[:2] for line in lines] == [
        ["SLOT", "STATE"], ["host1/1", "serving"], ["host1/2", "serving"], [], ["FRONT", "DOOR"], ["1", "serving"],
        ["2", "serving"]]


async def test_a_slot_that_nobody_has_is_lost_until_somebody_has_it(gateway):
    worker = gateway.worker_of("host1/1")
    await gateway.take_away(worker)
    await gateway.state_becomes("host1/1", "lost")
    assert (await gateway.status())["host1/1"]["lease_ms"] <= 0
    gateway.bring_back(worker)
    await gateway.state_becomes("host1/1", "serving")
    await gateway.serving()


async def test_it_is_shown_though_somebody_else_writes(gateway):
    with closing(sqlite3.connect(gateway.registry.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert set(await gateway.status()) == {"host1/1", "host1/2"}
        other.execute("ROLLBACK")


@pytest.mark.parametrize("arguments", [
    ["drain", "0"], ["drain", "1000"], ["drain", "one"], ["drain", "host1/"], ["undrain", "HOST/1"],
    ["drain", "1", "--deadline", "-5"], ["drain", "1", "--deadline", "soon"], ["drain"], ["status", "--xml"]])
async def test_what_makes_no_sense_is_refused(gateway, arguments):
    status, output, complaint = await gateway.operate(*arguments)
    assert status == USAGE and output == "" and complaint


@pytest.mark.parametrize("command", ["drain", "undrain"])
@pytest.mark.parametrize("slot", ["7", "host1/7", "elsewhere/1"])
async def test_a_slot_that_is_not_there_is_named_in_one_line(gateway, command, slot):
    status, output, complaint = await gateway.operate(command, slot)
    assert status == NO_SUCH and output == ""
    assert complaint == f"there is no slot {slot if '/' in slot else 'host1/' + slot}\n"


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["drain", "1"], ["undrain", "1"]])
@pytest.mark.parametrize("trouble", ["missing", "garbage", "directory"])
def test_a_registry_that_cannot_be_reached_is_named_in_one_line(folder, janus, arguments, trouble):
    path = folder / f"no-registry-{trouble}"
    if trouble == "garbage":
        path.write_bytes(b"x" * 5000)
    elif trouble == "directory":
        path.mkdir(exist_ok=True)
    ini = folder / "elsewhere.ini"
    ini.write_text(configuration(folder, janus, "1", {"Registry": {"path": path}}))
    result = subprocess.run(
        [binaries() / "Worker", *arguments, "--config", ini], capture_output=True, text=True, timeout=20)
    assert result.returncode == UNAVAILABLE and result.stdout == ""
    assert result.stderr.count("\n") == 1 and str(path) in result.stderr
    assert trouble != "missing" or not path.exists(), "looking makes none"


def test_a_bad_configuration_is_named(folder):
    result = subprocess.run(
        [binaries() / "Worker", "status", "--config", folder / "nowhere.ini"], capture_output=True, text=True, timeout=20)
    assert result.returncode == BAD_CONFIGURATION and result.stderr.count("\n") == 1
