"""`python3 -m faults`, in Tests/EndToEnd; deploy/fault-test installs, builds and calls it."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from .report import Table, schedule_lines, violation_lines
from .run import run
from .schedule import ALL_KINDS, GROUPS, draw, expand


def main():
    options = _options()
    folder = Path(options.keep_logs).resolve() if options.keep_logs else Path(tempfile.mkdtemp(prefix="continuo-faults-"))
    folder.mkdir(parents=True, exist_ok=True)
    failed = asyncio.run(_all(options, folder))
    if failed or options.keep_logs:
        print(f"logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


async def _all(options, folder):
    """Returns the seeds that failed."""
    table, failed, began, number = Table(), [], time.monotonic(), 0
    while _goes_on(options, number, began):
        seed = options.seed + number
        number += 1
        outcome = await _one(seed, options, folder)
        table.add(outcome)
        if outcome.violations:
            failed.append(seed)
        elif not options.keep_logs:
            shutil.rmtree(folder / str(seed), ignore_errors=True)
    print()
    print("\n".join(table.lines()))
    print(f"{number - len(failed)} of {number} seeds kept every promise, in {time.monotonic() - began:.0f} s"
          + (f"; again with: --seed {failed[0]}" if failed else ""))
    if failed:
        print(f"failed: {' '.join(map(str, failed))}")
    return failed


async def _one(seed, options, folder):
    drawn = schedule_lines(draw(seed, options.kinds))
    print("\n".join(drawn), flush=True)
    place = folder / str(seed)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    outcome = await run(seed, place, options.kinds)
    lines = [f"{injected.fault.kind}: {injected.note}" for injected in outcome.injected
             if injected.note and "pid" not in injected.note]
    asked = sum(len(transcript.requests) for transcript in outcome.transcripts)
    calls = sum(len(transcript.calls_made + transcript.calls_taken) for transcript in outcome.transcripts)
    kept = "kept every promise" if not outcome.violations else f"{len(outcome.violations)} violations"
    lines += [*map(str, [*outcome.gaps, *outcome.notes]),
              f"{asked} requests, {calls} calls on {len(outcome.transcripts)} connections in {outcome.duration:.1f} s: {kept}",
              *violation_lines(outcome)]
    print("".join(f"  {line}\n" for line in lines), flush=True)
    # Beside the logs it explains, for whoever finds them without having seen the screen.
    (place / "report.txt").write_text("\n".join([*drawn, *lines]) + "\n")
    return outcome


def _goes_on(options, number, began):
    if options.minutes:
        return time.monotonic() - began < 60 * options.minutes
    return number < options.seeds


def _options():
    parser = argparse.ArgumentParser(prog="deploy/fault-test")
    parser.add_argument("--seed", type=int, help="the first seed; drawn if absent")
    parser.add_argument("--seeds", type=int, default=1, metavar="K", help="so many seeds, one after the other")
    parser.add_argument("--minutes", type=float, metavar="M", help="seeds until the time is over")
    parser.add_argument("--kinds", metavar="…", help=f"faults to draw from: {', '.join((*ALL_KINDS, *GROUPS))}")
    parser.add_argument("--keep-logs", metavar="DIR", help="short: sockets are made in it")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1, 1_000_000)
    try:
        options.kinds = expand(options.kinds) if options.kinds else None
    except KeyError as error:
        parser.error(f"there is no kind of fault {error}")
    return options


if __name__ == "__main__":
    main()
