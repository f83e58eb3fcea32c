"""The least that a Python process has to do for daytime: accept, send, close, one client after the other.

No admission, no limits, no log, no event loop. What a process written in Python answers in this way is the most that
any of them can; it is measured beside the super-servers to tell their cost from the language's.
"""

import os
import pwd
import signal
import socket
import sys
import time


def main() -> int:
    """Serve until SIGTERM; arguments: address, port, user."""
    address, port, user = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = socket.create_server((address, int(port)), backlog=4096)
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    while True:
        connection, _ = listener.accept()
        connection.send(time.strftime("%d %b %Y %H:%M:%S %Z\r\n").encode())
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
