"""Where things are."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
JANUS_CONFIG = ROOT / "deploy" / "lib" / "janus-config"
PHONES = ROOT / "Tests" / "EndToEnd" / "phones"
DEPLOY_RUN = ROOT / "deploy" / "run"
ROLLING_RESTART = ROOT / "deploy" / "rolling-restart"


def binaries():
    """The folder with Frontdoor and Worker: CONTINUO_BIN, or that of the release build."""
    folder = Path(os.environ.get("CONTINUO_BIN") or ROOT / ".build" / "release").resolve()
    for name in ("Frontdoor", "Worker"):
        assert os.access(folder / name, os.X_OK), f"there is no {folder / name}; swift build -c release makes it"
    return folder


def fault_worker():
    """A debug build of Worker, which can be told where to die: CONTINUO_FAULT_BIN, or what `deploy/test unit` builds."""
    wanted = os.environ.get("CONTINUO_FAULT_BIN")
    worker = Path(wanted or ROOT / ".build-tsan" / "debug").resolve() / "Worker"
    if not wanted and not worker.exists():
        subprocess.run(
            ["swift", "build", "--sanitize=thread", "--scratch-path", ".build-tsan", "--product", "Worker"], cwd=ROOT, check=True)
    assert os.access(worker, os.X_OK), f"there is no {worker}"
    return worker
