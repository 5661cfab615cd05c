"""Free TCP ports, below the range from which the kernel takes those of outgoing connections."""

import random
import socket

_given = set()


def free_port():
    while True:
        port = random.randrange(20000, 32000)
        if port not in _given and is_free(port):
            _given.add(port)
            return port


def is_free(port, host="127.0.0.1"):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
