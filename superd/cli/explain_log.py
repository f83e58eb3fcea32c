"""What would be written about a client: ``logged``."""

import os
from typing import Final

from superd.access.verdict import Step
from superd.cli.explain_case import Explanation, Outcome
from superd.config.model import Program
from superd.log import events, render, xinetd
from superd.log.connections import facts

_PID: Final = "pid=..."
"""Stands for a number that nobody knows yet."""


def logged(explanation: Explanation) -> list[str]:
    """The lines: superd's event, and the one of the service's own log."""
    lines = [_event(explanation)]
    if explanation.service.log.target is not None:
        lines.append(_line(explanation))
    return [line for line in lines if line]


def _event(explanation: Explanation) -> str:
    client, verdict = explanation.client, explanation.verdict
    refused = explanation.outcome is Outcome.DENY
    who = {
        "service": explanation.service.key,
        **{key: value for key, value in facts(client.peer).items() if value},
    }
    fields: dict[str, object] = {
        "event": events.CONNECTION_REFUSED if refused else events.CONNECTION_START,
        **who,
    }
    fields |= client.found
    if refused:
        fields["step"] = str(verdict.step or Step.ADDRESS)
    if client.rule:
        fields["rule"] = client.rule
    if verdict.step is Step.FORK:
        fields = {"event": events.RULE_FAILED, **who, "rule": str(verdict.origin), "reason": verdict.rule}
    level = client.level or ("warning" if refused else "info")
    return render.brief(render.Head(explanation.at, level, "worker", 0), fields)


def _line(explanation: Explanation) -> str:
    service, host = explanation.service, explanation.client.peer.host
    name, step = xinetd.clean(service.id), explanation.verdict.step or Step.ADDRESS
    if explanation.outcome is Outcome.DENY and step is Step.IDENT:
        return xinetd.noid(name, host, "no server")
    if explanation.outcome is Outcome.DENY:
        return xinetd.fail(name, service.log.on_failure, step, host)
    if not isinstance(service.action, Program):
        return xinetd.start(name, service.log.on_success, 0, host)
    pid = os.getpid()
    return xinetd.start(name, service.log.on_success, pid, host).replace(f"pid={pid}", _PID)
