"""What a worker asks of launchers because of rules: ``launch`` and ``command`` make the messages.

They say which line of hosts.allow or hosts.deny is meant and what was found out about the client; never a command, a
variable or a user. The launcher looks the line up for itself.
"""

from typing import Final, NamedTuple

from superd.access.hosts_access import Applied, Effect
from superd.access.lists import facts_of
from superd.privsep import clients
from superd.privsep.messages import Command, Launch, RuledLaunch
from superd.service import Peer
from superd.worker.client import Client

CONCERNED: Final = frozenset({"setenv", "umask", "nice", "user", "group", "twist"})
"""The options that change how a program is started."""


class _Rule(NamedTuple):
    """A rule in a message: its line, its text, and what was known when it was reached."""

    line: int = 0
    text: str = ""
    known: int = 0


def launch(service: str, client: Client, hosts_allow: str) -> Launch | RuledLaunch:
    """Make the request to start a program, or the ``twist`` command, for a client."""
    peer, effects = client.peer, client.verdict.effects
    local = _local(peer)
    if not any(effect.option.name in CONCERNED for effect in effects):
        return Launch(service, client.conn, peer.host, peer.port, local, peer.local_port)
    rules = {effect.rule.origin.file == hosts_allow: _rule(effect.rule) for effect in effects}
    names = clients.names(client.facts or facts_of(peer))
    return RuledLaunch(
        service, client.conn, peer.host, peer.port, local, peer.local_port, *names,
        *rules.get(True, _Rule()), *rules.get(False, _Rule()),
    )  # fmt: skip


def command(number: int, service: str, effect: Effect, client: Client, *, is_allow: bool) -> Command:
    """Make the request to run the command of an option."""
    peer, rule = client.peer, _rule(effect.rule)
    names = clients.names(client.facts or facts_of(peer))
    return Command(
        number, service, client.conn, peer.host, peer.port, _local(peer), peer.local_port, *names,
        "allow" if is_allow else "deny", rule.line, rule.text, rule.known, effect.number,
    )  # fmt: skip


def _rule(applied: Applied) -> _Rule:
    return _Rule(applied.origin.line, applied.text, clients.known(applied.facts))


def _local(peer: Peer) -> str:
    return peer.local_host if peer.local_port else ""
