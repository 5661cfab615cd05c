"""Conferences under faults, as the seeds say; deploy/fault-test runs more of them, and prints what it finds."""

import shutil

import pytest

from faults.report import schedule_lines, violation_lines
from faults.run import run
from faults.schedule import LINK_KINDS, WORKER_KINDS

# With a standby and without; the second also cuts and stalls links.
SEEDS = [(3, WORKER_KINDS[:3]), (5, WORKER_KINDS[:2] + LINK_KINDS), (6, None)]


@pytest.mark.parametrize("seed, kinds", SEEDS, ids=[str(seed) for seed, _ in SEEDS])
async def test_every_promise_is_kept_whatever_dies(seed, kinds, run_folder):
    folder = run_folder / f"faults-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    outcome = await run(seed, folder, kinds)
    if outcome.violations:
        pytest.fail("\n".join([*schedule_lines(outcome.schedule), *violation_lines(outcome)]), pytrace=False)
