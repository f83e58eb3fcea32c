"""The launcher: starts programs with one set of credentials, for workers that may not.

``main`` makes a process a launcher (``process`` prepares it) and drops its privileges, ``loop`` serves supervisor
and workers (``outbox`` holds back what a slow one does not read), ``programs`` precomputes what a start needs,
``environment`` adds the facts of the connection, ``spawn`` and ``limited`` start the program, ``table`` knows what
runs and whom that concerns. What rules of hosts.allow and hosts.deny want is looked up in ``rules``, the launcher's
own reading of the files, and planned in ``ruled``; ``commands`` bounds the commands that run beside a service.
"""

from superd.launcher.main import run

__all__ = ["run"]
