"""Which ``Runtime`` serves a configured service: ``make``."""

import socket

from superd import builtins
from superd.access.admission import Gate
from superd.access.hosts_access import HostsAccess
from superd.config.model import Builtin, Program, Sensor, Service, SocketType
from superd.errors import ConfigError
from superd.log.service import ServiceLogWriter
from superd.processes import WorkerStart
from superd.worker.builtin_datagrams import BuiltinDatagrams
from superd.worker.builtin_streams import BuiltinStreams
from superd.worker.commands import ServiceCommands
from superd.worker.context import Context
from superd.worker.datagram_sessions import DatagramSessions
from superd.worker.launchers import Launchers
from superd.worker.links import LinkDatagrams
from superd.worker.programs import Programs
from superd.worker.runtime import Runtime, Setup
from superd.worker.sensors import SensorDatagrams, SensorStreams
from superd.worker.transfers import Transfers
from superd.worker.wait_programs import WaitPrograms

_ACCEPTED = frozenset({SocketType.STREAM, SocketType.SEQPACKET})


def make(
    context: Context, start: WorkerStart, service: Service, hosts: HostsAccess, launchers: Launchers
) -> Runtime:
    """Make the runtime of one service of ``start``.

    Raises:
        ConfigError: this version can't serve it; the text says why.
    """
    listeners = tuple(listener for listener in start.listeners if listener.service == service.key)
    gate = Gate(service, hosts, context.load, context.bans)
    commands = ServiceCommands(launchers, start, service.key)
    setup = Setup(context, service, gate, ServiceLogWriter(service, start.logs), listeners, commands)
    names = start.launchers_of.get(service.key, ())
    if isinstance(service.action, Sensor):
        return (SensorStreams if service.socket_type in _ACCEPTED else SensorDatagrams)(setup)
    if isinstance(service.action, Builtin):
        return _builtin(setup, service.action, launchers, names, start.packets.get(service.key))
    if not isinstance(service.action, Program) or not names:
        raise ConfigError(
            f"service {service.key}: a worker can't serve a {service.action.kind} without a launcher"
        )
    kind = _program_kind(service)
    return kind(setup, launchers=launchers, names=names)


def _program_kind(service: Service) -> type[Programs | WaitPrograms | DatagramSessions]:
    if service.wait:
        return WaitPrograms
    return Programs if service.socket_type in _ACCEPTED else DatagramSessions


def _builtin(
    setup: Setup,
    action: Builtin,
    launchers: Launchers,
    names: tuple[str, ...],
    packets: socket.socket | None,
) -> Runtime:
    service = setup.service
    # The configuration holds only names that were allowed when it was checked.
    builtin = builtins.find(action.name, (action.name,))
    if service.socket_type in _ACCEPTED:
        if builtin is None or builtin.stream is None:
            raise ConfigError(f"service {service.key}: there is no built-in {action.name} for streams")
        return BuiltinStreams(setup, builtin=builtin, launchers=launchers, names=names)
    if builtin is not None and builtin.transfers is not None:
        return Transfers(setup, builtin=builtin)
    if builtin is not None and builtin.links is not None:
        return LinkDatagrams(setup, builtin=builtin, packets=packets)
    if builtin is None or builtin.datagram is None:
        raise ConfigError(f"service {service.key}: there is no built-in {action.name} for datagrams")
    return BuiltinDatagrams(setup, builtin=builtin)
