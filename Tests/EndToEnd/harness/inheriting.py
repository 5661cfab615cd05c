"""inheriting.py DESCRIPTOR COMMAND…: becomes the command, with a descriptor as systemd hands sockets on (sd_listen_fds(3))."""

import os
import sys

FIRST = 3


def main():
    descriptor, *command = sys.argv[1:]
    if int(descriptor) == FIRST:
        os.set_inheritable(FIRST, True)
    else:
        os.dup2(int(descriptor), FIRST)
    os.execve(command[0], command, {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})


if __name__ == "__main__":
    main()
