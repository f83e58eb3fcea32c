"""The names of superd's own log events and the keys each of them carries; there are no others.

An event is logged as ``log.info(events.CONNECTION_START, **keys)``. Keys mean the same everywhere:

``conn``            connection id in hexadecimal (``connection_id``), the same in start and end
``service``         ``Service.key``
``peer``, ``peer_port``, ``local``, ``local_port``
                    numeric addresses and ports; left out where there are none
``duration``        seconds, with three decimals (``seconds``)
``status``, ``signal``
                    how a program or process ended: one of the two (``wait_status``)
``pid``             process id of a program, worker or launcher
``bytes_in``, ``bytes_out``
                    what the client sent and was sent, where known
``rule``            the rule that decided, as ``file:line: text`` (``rule``)
``name``, ``user``  the client's host name and user, where they were looked up
``severity``        what a rule of hosts.allow or hosts.deny wants; it sets the level, too
``reason``          one plain sentence
``process``, ``process_id``
                    set by the log itself: which of superd's processes wrote the line

The level is part of the meaning: *debug* is for tracing superd itself, *info* is the normal course, *warning*
is something an administrator may want to look at (a refusal, a pause), *error* is something that does not
work until it is mended.
"""

import os
from typing import Final

from superd.access.verdict import Verdict

CONNECTION_START: Final = "connection.start"
"""Info: admitted. conn, service, peer, peer_port, local, local_port, rule (when one was needed); pid for a
program; operation and file for a transfer (TFTP)."""

CONNECTION_END: Final = "connection.end"
"""Info: over. The keys of the start, and duration, status or signal (programs), bytes_in,
bytes_out (built-ins), reason when it did not end by itself (idle, drain, reset). Transfers have outcome (done, probed,
refused, failed), size, options, retransmissions and rate as well; failed ones are warnings, probed ones debug."""

CONNECTION_REFUSED: Final = "connection.refused"
"""Warning: not admitted. conn, service, peer, peer_port, local, local_port, step (the step of admission),
rule."""

DATAGRAM_REFUSED: Final = "datagram.refused"
"""Warning: a datagram was not answered. service, peer, peer_port, local, local_port, step or reason, rule;
count when several of one peer are reported together."""

DATAGRAM_ANSWERED: Final = "datagram.answered"
"""Info: a datagram was answered in process. service, peer, peer_port, local, local_port, bytes_in,
bytes_out."""

BOOTP_ANSWERED: Final = "bootp.answered"
"""Info: a client that may have no address yet was answered in process. service, peer, peer_port, local, local_port,
interface, delivery (unicast, broadcast, frame), and what the service says of it: mac, message, answer, address, file,
name (of the entry), relay, rule (file and line of the entry)."""

BOOTP_IGNORED: Final = "bootp.ignored"
"""Debug: such a client got no answer. The same keys but delivery, and reason; count when several are reported
together."""

BOOTP_PROBLEM: Final = "bootp.problem"
"""Warning: something to mend in what such a service answers with. The same keys as far as they are known, reason,
rule (file and line)."""

NAME_DOUBTFUL: Final = "name.doubtful"
"""Info: the name of a client's address is unknown or not trusted. service, peer, reason."""

CLIENT_BANNED: Final = "client.banned"
"""Warning: who touched a sensor is refused by every service. peer (an address, or a network), service (the sensor),
rule, minutes (left out: for ever)."""

BAN_OVER: Final = "ban.over"
"""Info: a ban has ended, within the last minute. peer, service."""

SERVICE_STARTED: Final = "service.started"
"""Debug: one address of a service is bound. service, local, local_port; reason when it was left out."""

SERVICE_FAILED: Final = "service.failed"
"""Error: a service could not be started. service, reason, rule (the place it was written at)."""

SERVICE_UNSUPPORTED: Final = "service.unsupported"
"""Error: a service needs what this version can't do and isn't started. service, feature, rule, reason."""

SERVICE_DEACTIVATED: Final = "service.deactivated"
"""Warning: a service pauses. service, reason, rule, pause (seconds)."""

SERVICE_ACTIVATED: Final = "service.activated"
"""Info: the pause is over. service."""

PROGRAM_FAILED: Final = "program.failed"
"""Error: a program could not be started. conn, service, peer, reason (what the system said)."""

MACHINE_FAILED: Final = "machine.failed"
"""Error: a built-in service raised an exception; debug has the traceback. conn, service, peer, error."""

WORKER_STARTED: Final = "worker.started"
"""Info: a worker was started. name, pid."""

WORKER_EXITED: Final = "worker.exited"
"""Info after a drain, else error: a worker ended. name, pid, status or signal, duration."""

WORKER_RESTARTING: Final = "worker.restarting"
"""Warning: a worker is to be started again. name, delay (seconds); error when it could not be started: reason."""

WORKER_DRAINING: Final = "worker.draining"
"""Info: a worker takes nothing new. name, pid, count (connections it still has)."""

LAUNCHER_STARTED: Final = "launcher.started"
"""Info: a launcher was started. name, pid."""

LAUNCHER_EXITED: Final = "launcher.exited"
"""Info after a drain, else error: a launcher ended. name, pid, status or signal, duration."""

LAUNCHER_LOST: Final = "launcher.lost"
"""Error: a worker's channel to a launcher has ended. name, reason, count (programs lost sight of)."""

LAUNCHER_RESTARTING: Final = "launcher.restarting"
"""Warning: a launcher is to be started again. name, delay (seconds); error when it could not be started: reason."""

PROCESS_CRASHED: Final = "process.crashed"
"""Error: a process of ours raised an exception and ends; debug has the traceback. name, error."""

PROCESS_FAILED: Final = "process.failed"
"""Error: a process of ours could not do something and goes on; debug has the traceback. name, error."""

PROTOCOL_VIOLATION: Final = "protocol.violation"
"""Error: a process of ours sent what it must not send; it is ended. name, pid, reason."""

CONFIG_PROBLEM: Final = "config.problem"
"""Error or warning: one diagnostic in the words of ``superd check``. problem, code."""

RELOAD_DONE: Final = "reload.done"
"""Info: the new configuration runs. new, kept, changed, dropped (numbers of services)."""

RELOAD_REFUSED: Final = "reload.refused"
"""Error: the new configuration is broken, the old one stays. reason."""

DAEMON_STARTED: Final = "daemon.started"
"""Info: everything that can be served is. version, count (services)."""

DAEMON_STOPPING: Final = "daemon.stopping"
"""Info: the daemon drains; warning: it ends at once. reason."""

DAEMON_STOPPED: Final = "daemon.stopped"
"""Info: the last line."""

STATE_DUMPED: Final = "state.dumped"
"""Info: the state was written out; error: it could not be. path, reason."""

LISTENER_FAILED: Final = "listener.failed"
"""Error: one address of a service could not be bound. service, reason (names port and holder)."""

HOSTS_FILE_PROBLEM: Final = "hosts.problem"
"""Error: hosts.allow or hosts.deny is broken or unreadable; the rules read before stay. rule, reason."""

RULE_FAILED: Final = "rule.failed"
"""Warning: what a rule of hosts.allow or hosts.deny wants was not done. rule, reason; conn, service for one client's
command or program."""

LOOKUP_PROBLEM: Final = "lookup.problem"
"""Error: a file that names come from (hosts(5), nsswitch.conf(5)) can't be read, and counts as empty. path,
reason."""

LOG_LIMIT: Final = "log.limit"
"""Warning at the soft limit, error at the hard limit (after which nothing more is written). path, limit and
size in
bytes."""

LOG_FAILED: Final = "log.failed"
"""Error: a log file can't be opened. path, reason, service (when one can't start because of it)."""

LOG_DROPPED: Final = "log.dropped"
"""Warning: lines were lost because whoever reads the log was too slow or gone. count."""


def connection_id(conn: int) -> str:
    """The connection id as it stands in every event."""
    return f"{conn:x}"


def seconds(duration: float) -> float:
    """A duration as it stands in an event: seconds to the millisecond, never negative."""
    return round(max(duration, 0.0), 3)


def rule(verdict: Verdict) -> str:
    """The rule behind a verdict as ``file:line: text``; empty when no rule was needed."""
    if verdict.origin is None:
        return verdict.rule
    return f"{verdict.origin}: {verdict.rule}" if verdict.rule else str(verdict.origin)


def wait_status(status: int) -> dict[str, int]:
    """A wait(2) status as the key ``status`` or ``signal``."""
    if os.WIFSIGNALED(status):
        return {"signal": os.WTERMSIG(status)}
    return {"status": os.waitstatus_to_exitcode(status)}
