"""``ServiceCommands``: the commands of hosts.allow and hosts.deny, run for one service by its launchers."""

import asyncio

from superd.access.hosts_access import Effect
from superd.processes import WorkerStart
from superd.worker import ruled
from superd.worker.client import Client
from superd.worker.launchers import Launchers


class ServiceCommands:
    """Has commands run as the service's user. A worker names the rule and the option, never the command."""

    def __init__(self, launchers: Launchers, start: WorkerStart, service: str) -> None:
        self._launchers = launchers
        self._service = service
        self._names = start.launchers_of.get(service, ())

    def command(self, effect: Effect, client: Client) -> asyncio.Future[int]:
        """Run the command of an option; the result is its wait(2) status, or -1 when it could not be run."""
        is_allow = effect.rule.origin.file == self._launchers.hosts_allow
        return self._launchers.order(
            self._names,
            lambda number: ruled.command(number, self._service, effect, client, is_allow=is_allow),
        )
