"""Free TCP ports, below the range from which the kernel takes those of outgoing connections; and this host's address."""

import random
import socket

_STANDARD = set(range(20860, 20886)) | {20888}  # management addresses of gateways that are not told others
_given = set(_STANDARD)


def free_port():
    return free_neighbours(1)


def free_neighbours(count):
    """The first of so many consecutive ones."""
    while True:
        first = random.randrange(20000, 32000 - count)
        wanted = set(range(first, first + count))
        if not wanted & _given and all(is_free(port) for port in wanted):
            _given.update(wanted)
            return first


def is_free(port, host="127.0.0.1"):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def own_address():
    """The address from which this host speaks to others, as Janus finds it for SIP; loopback where there is no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # documentation's own; nothing is sent
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]
