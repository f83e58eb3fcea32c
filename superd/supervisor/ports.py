"""The ports of the current configuration: ``Ports`` binds them, retries, and knows which services can run."""

import time
from collections.abc import Callable, Iterable
from functools import partial

import structlog

from superd.config.model import Config, Endpoint, Service
from superd.log import events
from superd.processes import Listener
from superd.supervisor.listeners import Acquired, Failure, Listeners
from superd.supervisor.problems import startable
from superd.supervisor.retry import Retries
from superd.supervisor.timers import Timers

log = structlog.get_logger()


class Ports:
    """``changed`` is called when a retry has bound something more."""

    def __init__(self, timers: Timers, changed: Callable[[], None]) -> None:
        self._timers = timers
        self._changed = changed
        self._listeners = Listeners()
        self._services: tuple[Service, ...] = ()
        self._acquired = Acquired()
        self._retries = Retries()
        self._reported: frozenset[tuple[str, Endpoint]] = frozenset()
        self._round = 0

    def take(self, config: Config, *, whole: bool = False, without: Iterable[str] = ()) -> bool:
        """Bind what this configuration wants and close the rest; services named in ``without`` are left out.

        With ``whole`` a port that fails anew (one that failed before still may) refuses the configuration: nothing
        changes, and the answer is false.
        """
        left_out = frozenset(without)
        services = tuple(service for service in startable(config.services) if service.key not in left_out)
        acquired = self._listeners.acquire(services)
        failed = frozenset((failure.service, failure.endpoint) for failure in acquired.failures)
        if whole and not failed <= self._reported:
            self._report(acquired.failures, "the reload was refused because of it")
            self._listeners.abandon(acquired)
            return False
        self._services = services
        self._retries.clear()
        self._use(acquired)
        return True

    def _use(self, acquired: Acquired) -> None:
        self._report(self._listeners.commit(acquired), "the option is ignored")
        before, self._acquired = self._acquired, acquired
        self._log_started(before)
        for skipped in acquired.skipped:
            log.debug(events.SERVICE_STARTED, service=skipped.service, reason=str(skipped))
        if acquired.failures:
            delay = self._retries.failed()
            self._report(acquired.failures, f"tried again in {delay:g} s")
            self._round += 1
            self._timers.at(time.monotonic() + delay, partial(self._retry, self._round))
        self._reported = frozenset((failure.service, failure.endpoint) for failure in acquired.failures)

    def _report(self, failures: Iterable[Failure], consequence: str) -> None:
        """Say once what is wrong with a port, not at each retry."""
        for failure in failures:
            write = log.debug if (failure.service, failure.endpoint) in self._reported else log.error
            write(events.LISTENER_FAILED, service=failure.service, reason=f"{failure}; {consequence}")

    def _log_started(self, before: Acquired) -> None:
        for key, endpoint in self._acquired.sockets.keys() - before.sockets.keys():
            log.debug(events.SERVICE_STARTED, service=key, local=endpoint.address, local_port=endpoint.port)

    def _retry(self, round_: int) -> None:
        if round_ != self._round:
            return
        bound = self._acquired.sockets.keys()
        self._use(self._listeners.acquire(self._services))
        if self._acquired.sockets.keys() != bound:
            self._changed()

    def served(self) -> tuple[Service, ...]:
        """The services with at least one socket."""
        bound = {key for key, _ in self._acquired.sockets}
        return tuple(service for service in self._services if service.key in bound)

    def listeners(self) -> tuple[Listener, ...]:
        """Every socket, in the order of the configuration."""
        return self._acquired.listeners()

    def failures(self) -> tuple[Failure, ...]:
        """What could not be bound yet."""
        return tuple(self._acquired.failures)

    def close(self) -> None:
        """Stop listening; processes that were told to drain go on with what they accepted."""
        self._round += 1
        self._listeners.close()
