"""The daemon names of rules beside the services that are configured: ``DaemonNames``."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import PurePosixPath

from superd.access.hosts_access.rules import Daemon
from superd.config.model import Program, Service
from superd.config.origin import Origin, Report


class DaemonNames:
    """Which daemon names services ask hosts.allow and hosts.deny for; each word is reported once."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._asking: dict[str, Service] = {}
        self._others: dict[str, Service] = {}
        self._ports: set[int] = set()
        self._seen: set[str] = set()
        for service in services:
            daemon = service.access.daemon.lower()
            if daemon:
                self._asking.setdefault(daemon, service)
                self._ports |= {endpoint.port for endpoint in service.endpoints}
            for name in _names(service):
                self._others.setdefault(name, service)

    def look(self, daemon: Daemon, origin: Origin, report: Report) -> None:
        """Report a word that no service answers to."""
        word = daemon.name.lower()
        if word in self._seen or self._means_some(daemon, word):
            return
        self._seen.add(word)
        other = self._others.get(word)
        if daemon.port is not None:
            text = f"no service that asks these rules listens on port {daemon.port}"
            report.warning("hosts-no-such-daemon", origin, text)
        elif other is None:
            near = get_close_matches(word, self._asking, 1)
            text = f"no service asks these rules as {daemon.name!r} (other programs may)"
            report.warning(
                "hosts-no-such-daemon", origin, text, hint=f"did you mean {near[0]}?" if near else ""
            )
        elif other.access.daemon:
            text = f"{daemon.name!r}: service {other.id} ({other.origin}) asks these rules by another name"
            report.warning("hosts-no-such-daemon", origin, text, hint=f"write {other.access.daemon}")
        else:
            text = f"{daemon.name!r}: service {other.id} ({other.origin}) does not ask these rules"
            hint = "it has flags = NOLIBWRAP, or is started without tcpd"
            report.warning("hosts-not-asked", origin, text, hint=hint)

    def _means_some(self, daemon: Daemon, word: str) -> bool:
        if daemon.port is not None:
            return daemon.port in self._ports
        return word in self._asking or (daemon.plain is None and any(map(daemon.test, self._asking)))


def _names(service: Service) -> Iterable[str]:
    """What somebody might take for a service's daemon name, in lower case."""
    yield service.id.lower()
    yield service.name.lower()
    if isinstance(service.action, Program):
        yield PurePosixPath(service.action.path).name.lower()
        yield from (PurePosixPath(word).name.lower() for word in service.action.argv[:1])
