"""`python3 -m abuse`, in Tests/EndToEnd; deploy/abuse-test and deploy/hold-test install, build and call it."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from .hold import IDLE, hold
from .run import lines, run


def main():
    parser = argparse.ArgumentParser(prog="deploy/abuse-test")
    parser.add_argument("--seconds", type=float, default=60, help="of each stretch; 60")
    parser.add_argument("--times", type=int, default=2, help="hostile stretches, two or more; 2")
    parser.add_argument("--hold", action="store_true", help="hold idle connections and rooms instead")
    parser.add_argument("--idle", type=int, default=IDLE, help=f"idle connections to hold; {IDLE}")
    parser.add_argument("--keep-logs", metavar="DIR", help="short: sockets are made in it")
    options = parser.parse_args()
    if options.times < 2:
        parser.error("growth shows after two times at the earliest")
    folder = Path(options.keep_logs).resolve() if options.keep_logs else Path(tempfile.mkdtemp(prefix="continuo-abuse-"))
    folder.mkdir(parents=True, exist_ok=True)
    wrong = asyncio.run(_hold(folder, options) if options.hold else _abuse(folder, options))
    if wrong or options.keep_logs:
        print(f"logs: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if wrong else 0)


async def _abuse(folder, options):
    outcome = await run(folder, options.seconds, options.times)
    print("\n".join(lines(outcome)))
    return bool(outcome.problems)


async def _hold(folder, options):
    try:
        print("\n".join(await hold(folder, options.seconds, options.idle)))
    except AssertionError as error:
        print(f"not held: {error}")
        return True
    return False


if __name__ == "__main__":
    main()
