"""The worker: accepts connections, decides on them, answers built-in services, has launchers start programs.

``main`` makes a process a worker, ``engine`` runs it, ``control`` talks to the supervisor. Each service is a
``Runtime``: ``builtin_streams`` and ``builtin_datagrams`` (answered in process), ``programs`` (a program per
connection), ``wait_programs`` (a program gets the socket), ``datagram_sessions`` (a program per peer).
``accepting`` is the accept loop, ``starter`` and ``launchers`` ask for programs, ``watch`` says which sockets
are looked at, ``context`` is what all share.
"""

from superd.worker.main import run

__all__ = ["run"]
