"""What the two executables say and how they end when they are not to serve, or cannot."""

import re
import subprocess

import pytest

from harness.configuration import configuration
from harness.paths import ROOT, binaries

PROGRAMS = ["Frontdoor", "Worker"]
BAD_CONFIGURATION = 78


@pytest.fixture
def ini(folder, janus):
    """Writes a webrtcgateway.ini with such settings."""
    def write(**settings):
        path = folder / "command-line.ini"
        path.write_text(configuration(folder, janus, "1", settings))
        return path

    return write


def run(program, *arguments):
    return subprocess.run(
        [binaries() / program, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)


def is_one_line(text):
    return text.endswith("\n") and text.count("\n") == 1


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_tells_its_version(program):
    result = run(program, "--version")
    assert result.returncode == 0 and result.stdout.strip()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_good_configuration_is_good(program, ini):
    result = run(program, "--config", ini(), "--check-config")
    assert result.returncode == 0, result.stderr


SAMPLE = ROOT / "deploy" / "webrtcgateway.ini.sample"
ORIGINAL = ROOT / "Tests" / "Fixtures" / "webrtcgateway-of-the-original.ini"


def private(path, text):
    """A file that only we can read."""
    path.write_text(text)
    path.chmod(0o600)
    return path


def uncommented(text):
    """With every default set: between the mark and a key there is no blank."""
    return re.sub("^#(?=[^ \n])", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("edit", [str, uncommented], ids=["as shipped", "every default uncommented"])
def test_B34_the_sample_file_is_good(program, edit, folder):
    sample = private(folder / "sample.ini", edit(SAMPLE.read_text()))
    result = run(program, "--config", sample, "--check-config")
    assert result.returncode == 0, result.stderr
    *warnings, last = result.stdout.splitlines()
    assert last == "ok"
    assert [line for line in warnings if "[Janus] api_secret" not in line] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_B34_a_file_of_the_original_is_good(program, folder):
    original = private(folder / "original.ini", ORIGINAL.read_text())
    result = run(program, "--config", original, "--check-config")
    assert result.returncode == 0, result.stderr
    *warnings, last = result.stdout.splitlines()
    assert last == "ok"
    assert warnings == []
    assert "an0therS3cret" not in result.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_B34_what_is_odd_about_a_file_is_said(program, folder):
    odd = folder / "odd.ini"
    odd.write_text("[Generl]\n[General]\nweb_orgins = *\n[Janus]\napi_secret = hush\n[room@x.com]\nallow = all\ndny = a@x.com\n")
    odd.chmod(0o644)
    result = run(program, "--config", odd, "--check-config")
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "warning: unknown configuration key: [General] web_orgins (did you mean web_origins?)",
        "warning: unknown configuration section: [Generl] (did you mean [General]?)",
        "warning: unknown configuration key: [room@x.com] dny (did you mean deny?)",
        f"warning: everybody can read the configuration file and the secrets in it: {odd}",
        "ok",
    ]


def test_B20_B34_a_room_whose_rules_cannot_be_used_is_named_and_no_obstacle(folder):
    file = private(folder / "closed.ini", "[Janus]\napi_secret = x\n[room@x.com]\nallow = wh at?\n")
    result = run("Worker", "--config", file, "--check-config")
    assert result.returncode == 0
    closed, last = result.stdout.splitlines()
    assert "a room is closed" in closed and "[room@x.com] allow" in closed and last == "ok"


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("check", [["--check-config"], []], ids=["checked", "started"])
def test_B34_all_mistakes_in_a_configuration_are_named_in_one_line(program, check, ini):
    bad = ini(General={"log_level": "loud", "trust_claimed_accounts": "perhaps"})
    result = run(program, "--config", bad, *check)
    assert result.returncode == BAD_CONFIGURATION
    assert is_one_line(result.stderr), result.stderr
    for word in ("log_level", "loud", "critical", "trust_claimed_accounts", "perhaps"):
        assert word in result.stderr, result.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_B34_a_missing_configuration_is_named(program, folder):
    result = run(program, "--config", folder / "nowhere.ini")
    assert result.returncode in (1, BAD_CONFIGURATION)
    assert is_one_line(result.stderr) and "nowhere.ini" in result.stderr


def test_a_front_door_whose_address_is_in_use_says_so(janus, ini):
    taken = f"127.0.0.1:{janus.api_port}"
    result = run("Frontdoor", "--config", ini(), "--id", 1, "--listen", taken)
    assert result.returncode == 1
    assert taken in result.stderr.splitlines()[-1]


def test_a_worker_with_a_wrong_secret_says_so(ini, janus):
    result = run("Worker", "--config", ini(Janus={"api_secret": "wrong secret"}))
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "secret" in last and "wrong secret" not in result.stderr and janus.api_secret not in result.stderr
