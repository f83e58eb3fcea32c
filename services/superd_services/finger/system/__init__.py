"""What finger asks of the system, blocking: ``look_up``. It runs in a thread (superd.service.Call).

``accounts`` finds people, ``homes`` reads their files, ``logins`` knows who is or was logged in, ``virtual`` publishes
a directory of texts instead, ``forward`` asks another host.
"""

from superd_services.finger.options import FingerOptions
from superd_services.finger.people import Report
from superd_services.finger.query import Query
from superd_services.finger.system import accounts, forward, virtual


def look_up(options: FingerOptions, query: Query, now: float) -> Report:
    """Answer a query that the options allow; ``now`` is the wall clock.

    Raises:
        OSError: it can't be answered now.
    """
    if query.hosts:
        return forward.ask(query)
    if options.directory is not None:
        return virtual.read(options.directory, query.user)
    if query.user:
        return accounts.people_named(options, query.user, now)
    return accounts.people_here(options, now)


__all__ = ["look_up"]
