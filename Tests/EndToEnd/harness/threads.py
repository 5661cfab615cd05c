"""One thread of a process, stopped while the others go on."""

import ctypes
import os
from contextlib import contextmanager
from pathlib import Path

_PTRACE_ATTACH, _PTRACE_DETACH = 16, 17
_WALL = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def threads(pid):
    """{name: id}; the kernel keeps 15 bytes of a name."""
    return {(task / "comm").read_text().strip(): int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()}


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
