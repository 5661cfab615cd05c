"""Which process holds a slot. The kernel knows: a slot is a lock on its file."""

import os


def holder(bus_directory, number):
    """The pid that holds the slot, or None."""
    try:
        inode = os.stat(bus_directory / f"slot-{number}.lock").st_ino
    except FileNotFoundError:
        return None
    with open("/proc/locks") as locks:
        for line in locks:
            # 12: FLOCK  ADVISORY  WRITE 4711 fe:00:1234567 0 EOF
            fields = line.split()
            if fields[1] == "FLOCK" and int(fields[5].split(":")[2]) == inode:
                return int(fields[4])
    return None


def parent(pid):
    """The pid of a process's parent, or None."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("PPid:"))
    except FileNotFoundError:
        return None
