"""One thread of a process, stopped while the others go on."""

import ctypes
import os
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

_PTRACE_ATTACH, _PTRACE_DETACH = 16, 17
_WALL = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def threads(pid):
    """{name: id}; the kernel keeps 15 bytes of a name."""
    return {(task / "comm").read_text().strip(): int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()}


def client_loops(pid):
    """The ids of those threads of a front door that serve clients: they are the one group of two."""
    groups = defaultdict(list)
    for name, thread in threads(pid).items():
        if name.startswith("NIO-ELT-"):
            groups[name.rpartition("-")[0]].append(thread)
    loops = next((group for group in groups.values() if len(group) == 2), None)
    assert loops, threads(pid)
    return loops


@contextmanager
def stopped(thread):
    _ptrace(_PTRACE_ATTACH, thread)
    os.waitpid(thread, _WALL)
    try:
        yield
    finally:
        _ptrace(_PTRACE_DETACH, thread)


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request} of thread {thread}")
