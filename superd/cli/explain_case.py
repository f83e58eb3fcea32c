"""One client of one service, decided as the daemon would: ``Explanation``, ``explain``.

The verdict comes from ``Gate`` and ``hear``, what is started from the launcher's own planning. Nothing is carried out.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from superd.access.admission import Gate
from superd.access.checks import Check
from superd.access.facts import ClientFacts
from superd.access.hearing import hear
from superd.access.hosts_access import Effect, HostsAccess
from superd.access.verdict import Step, Verdict, touched
from superd.cli.explain_given import Given, Hosts, plan
from superd.cli.explain_request import Request, is_anonymous, now
from superd.cli.explain_sources import GivenSources, Lookup, Lookups
from superd.config.model import Family, Service
from superd.config.origin import Origin
from superd.launcher.rules import RefusalError
from superd.service import Peer
from superd.worker.client import Client

COUNTED: Final = frozenset({Step.RATE, Step.INSTANCES, Step.PROCESSES, Step.PER_SOURCE})
"""Steps whose outcome hangs on what the daemon has counted."""

SHOWN: Final = tuple(step for step in Step if step not in {Step.PROCESSES, Step.FORK})
"""Steps that can be configured, in their order."""


class Outcome(StrEnum):
    """What happens to the client: also the words in tables of expectations. ``twist``: a rule's command serves it."""

    ALLOW = "allow"
    DENY = "deny"
    TWIST = "twist"


class State(StrEnum):
    """What one step says."""

    PASSED = "passed"
    REFUSED = "refused"
    NOT_REACHED = "not reached"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of admission for this client; ``note`` says what the answer leaves out."""

    step: Step
    state: State
    rule: str = ""
    origin: Origin | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer. ``aclexec`` is what was assumed, ``None`` when nothing hangs on it; ``at`` in seconds."""

    service: Service
    client: Client
    at: float
    stages: tuple[Stage, ...]
    lookups: tuple[Lookup, ...]
    aclexec: bool | None = None
    given: Given | None = None
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What admission says."""
        return self.client.verdict

    @property
    def outcome(self) -> Outcome:
        """What happens to the client."""
        if not self.verdict.allowed:
            return Outcome.DENY
        return Outcome.TWIST if self.verdict.twist else Outcome.ALLOW

    @property
    def options(self) -> tuple[Effect, ...]:
        """The options of rules that would be carried out."""
        return self.verdict.effects


class Explainer:
    """Answers requests about the services of one configuration; ``rules`` are the two ``files``, compiled."""

    def __init__(
        self, rules: HostsAccess | None, files: tuple[Path, Path], lookups: Lookups, *, sensors: bool
    ) -> None:
        self._rules = rules
        self._files = files
        self._lookups = lookups
        self._sensors = sensors

    async def explain(self, request: Request, service: Service, peer: Peer) -> list[Explanation]:
        """Answer for one client; twice when the answer hangs on a command and nothing was assumed about it."""
        if request.aclexec is not None:
            return [await self._explain(request, service, peer, aclexec=request.aclexec)]
        first = await self._explain(request, service, peer, aclexec=True)
        if first.aclexec is None:
            return [first]
        return [first, await self._explain(request, service, peer, aclexec=False)]

    async def _explain(self, request: Request, service: Service, peer: Peer, *, aclexec: bool) -> Explanation:
        at = now() if request.at is None else request.at
        seen = replace(peer, host="", port=0) if is_anonymous(service) else peer
        sources = GivenSources(request, service, self._lookups, aclexec=aclexec)
        gate = self._gate(service)
        heard = await hear(gate, seen, gate.decide(seen, at, 0.0), sources, lambda: (at, 0.0))
        verdict, trap = _settled(heard.verdict), touched(service.origin) if service.sensor else None
        client = Client(
            seen, 0, trap if trap and verdict.allowed else verdict, heard.facts if sources.lookups else None
        )
        stages = _stages(_checks(self._gate(service), trap), seen, heard.facts, at)
        try:
            given = self._plan(service, client)
        except RefusalError as refusal:
            given, client.verdict = None, Verdict(False, Step.FORK, str(refusal), refusal.origin)
            stages.append(Stage(Step.FORK, State.REFUSED, str(refusal), refusal.origin))
        return Explanation(
            service, client, at, tuple(stages), tuple(sources.lookups),
            aclexec if sources.asked_aclexec else None, given, tuple(self._notes(service, seen)),
        )  # fmt: skip

    def _plan(self, service: Service, client: Client) -> Given | None:
        if not client.verdict.allowed:
            return None
        return plan(service, client, Hosts((service,), *self._files))

    def _gate(self, service: Service) -> Gate:
        return Gate(service, self._rules, lambda: os.getloadavg()[0])

    def _notes(self, service: Service, peer: Peer) -> list[str]:
        notes = []
        if self._sensors:
            notes.append("the list of banned clients is the daemon's; it was not asked")
        if is_anonymous(service):
            notes.append("wait = yes: the program is started before anybody knows who the client is")
        elif peer.host and not peer.port:
            notes.append("the client's port was not given, and is 0 above")
        if peer.host and service.endpoints and not any(_hears(end.family, peer) for end in service.endpoints):
            family = "IPv6" if ":" in peer.host else "IPv4"
            notes.append(f"the service has no {family} address to reach it at")
        if service.unsupported:
            features = ", ".join(each.feature for each in service.unsupported)
            notes.append(f"this version does not start the service: it needs {features}")
        if service.sensor:
            notes.append(_ban(service))
        return notes


def _hears(family: Family, peer: Peer) -> bool:
    return family is (Family.INET6 if ":" in peer.host else Family.INET)


def _ban(service: Service) -> str:
    minutes = service.access.deny_minutes or 0
    length = "for ever" if minutes < 0 else f"for {minutes} minutes"
    banned = f" and banned from every service {length}" if minutes and service.socket_type == "stream" else ""
    return f"a sensor serves nobody: whom its own rules admit is refused{banned}"


def _settled(verdict: Verdict) -> Verdict:
    """Let the safe verdict stand where a question stayed open, as the daemon does."""
    if verdict.question is None:
        return verdict
    step = None if verdict.allowed else verdict.step or Step.ADDRESS
    return replace(verdict, step=step, rule=f"{verdict.rule} (needs {verdict.question})")


def _checks(gate: Gate, trap: Verdict | None) -> tuple[Check, ...]:
    """The steps of admission; behind those of a sensor is that whoever passes them has touched it."""
    if trap is None:
        return tuple(gate.checks)
    return (*gate.checks, Check(Step.ADDRESS, lambda *_: trap, trap.rule, trap.origin))


def _stages(checks: Sequence[Check], peer: Peer, facts: ClientFacts, at: float) -> list[Stage]:
    """Ask one step after the other, with what was found out; those behind a refusal are not reached."""
    stages: list[Stage] = []
    refused = False
    for check in checks:
        found = None if refused else check.decide(peer, facts, at, 0.0)
        if refused:
            stages.append(Stage(check.step, State.NOT_REACHED, check.rule, check.origin))
            continue
        refused = found is not None and not found.allowed
        state = State.REFUSED if refused else State.PASSED
        rule, origin = (found.rule, found.origin) if found else (check.rule, check.origin)
        stages.append(Stage(check.step, state, rule, origin, _note(check.step)))
    configured = {check.step for check in checks}
    return stages + [Stage(step, State.NOT_CONFIGURED) for step in SHOWN if step not in configured]


def _note(step: Step) -> str:
    if step in COUNTED:
        return "needs the daemon's counters; counted as none"
    return f"the load is {os.getloadavg()[0]:.2f} now" if step is Step.LOAD else ""
