"""What a process has: memory, descriptors, processor time."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def resident(pid):
    """Bytes of memory that are in use and the process's own."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no memory of {pid}")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor_time(pid):
    """Seconds on all processors since it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
