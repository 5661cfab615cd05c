"""deploy/bench-load calls it."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from . import table
from .scenarios import SCENARIOS

PATIENCE = 300  # seconds for one run of one scenario


def main():
    options = _options()
    results = {name: [] for name in options.only}
    problems = {}
    with tempfile.TemporaryDirectory(prefix="continuo-bench-") as folder:
        try:
            asyncio.run(_measure(options.runs, Path(folder), results, problems))
        except KeyboardInterrupt:
            print("\ninterrupted: this was found until then", file=sys.stderr)
    table.show(results, problems)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    sys.exit(0 if all(results.values()) and not problems else 1)


async def _measure(runs, folder, results, problems):
    """Run by run through all scenarios, so that what else the machine does falls on all alike; each one's floor or peer is
    measured beside it. A scenario that cannot be measured leaves the others alone."""
    for run in range(1, runs + 1):
        for name, found in results.items():
            if name in problems:
                continue
            place = folder / f"{run}{name}"
            place.mkdir()
            began = time.monotonic()
            try:
                found.append(await asyncio.wait_for(SCENARIOS[name](place), PATIENCE))
            except Exception as problem:
                problems[name] = f"{type(problem).__name__}: {problem}"
            print(f"  run {run} of {runs}: {name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _options():
    parser = argparse.ArgumentParser(prog="deploy/bench-load")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", type=_names, default=[name for name in SCENARIOS if name != "P6"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs: at least 1")
    return options


def _names(text):
    names = text.upper().split(",")
    for name in names:
        if name not in SCENARIOS:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(SCENARIOS)}")
    return names


if __name__ == "__main__":
    main()
