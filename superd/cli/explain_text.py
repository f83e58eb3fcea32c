"""An explanation for a person: ``lines``. The outcome and the rule behind it come first."""

import shlex
import time
from collections.abc import Iterator
from typing import Final

from superd.access.facts import UNKNOWN
from superd.cli.explain_case import Explanation, Outcome, Stage, State
from superd.cli.explain_given import Given
from superd.cli.explain_log import logged
from superd.config.model import Builtin, Redirect
from superd.log import events

_VERDICTS: Final = {Outcome.ALLOW: "ALLOWED", Outcome.DENY: "REFUSED", Outcome.TWIST: "TWIST"}
_MARGIN: Final = 9
"""Columns of the headings."""


def lines(explanation: Explanation) -> Iterator[str]:
    """The lines of one explanation."""
    yield f"{_VERDICTS[explanation.outcome]:<{_MARGIN}}{_who(explanation)}"
    yield from _section("rule", _rule(explanation))
    yield from _section("steps", _steps(explanation.stages))
    yield from _section(
        "lookups", (_lookup(each.what, each.answer, each.how) for each in explanation.lookups)
    )
    yield from _section("options", (f"{effect}  ({effect.rule.origin})" for effect in explanation.options))
    yield from _section("given", _given(explanation))
    yield from _section("log", logged(explanation))
    yield from _section("note", explanation.notes)


def _section(heading: str, texts: "Iterator[str] | list[str] | tuple[str, ...]") -> Iterator[str]:
    for text in texts:
        yield f"{heading:<{_MARGIN}}{text}"
        heading = ""


def _who(explanation: Explanation) -> str:
    peer, assumed = explanation.client.peer, ""
    client = _end(peer.host, peer.port) if peer.host else "a client without an address"
    reached = f" at {_end(peer.local_host, peer.local_port)}" if peer.local_host else ""
    when = time.strftime("%a %Y-%m-%d %H:%M", time.localtime(explanation.at))
    if explanation.aclexec is not None:
        assumed = f", if aclexec says {'yes' if explanation.aclexec else 'no'}"
    return f"{client} to {explanation.service.key}{reached}, {when}{assumed}"


def _end(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host and port else host
    return f"{shown}:{port}" if port else shown


def _rule(explanation: Explanation) -> Iterator[str]:
    verdict = explanation.verdict
    step = f"  (step: {verdict.step})" if verdict.step else ""
    yield f"{events.rule(verdict) or 'none refuses'}{step}"


def _steps(stages: tuple[Stage, ...]) -> Iterator[str]:
    configured = [stage for stage in stages if stage.state is not State.NOT_CONFIGURED]
    width = max((len(stage.step) for stage in configured), default=0)
    for stage in configured:
        note = f"  [{stage.note}]" if stage.note else ""
        place = f"  ({stage.origin})" if stage.origin else ""
        yield f"{stage.step:<{width}}  {stage.state:<11}  {stage.rule}{place}{note}"
    others = ", ".join(stage.step for stage in stages if stage.state is State.NOT_CONFIGURED)
    if others:
        yield f"not configured: {others}"


def _lookup(what: str, answer: str | bool | None, how: str) -> str:
    said = answer if isinstance(answer, str) else {True: "yes", False: "no", None: UNKNOWN}[answer]
    return f"{what}: {said}  ({how})"


def _given(explanation: Explanation) -> Iterator[str]:
    action = explanation.service.action
    if explanation.given is not None:
        yield from _program(explanation.given)
    elif explanation.outcome is Outcome.ALLOW and isinstance(action, Builtin):
        options = " ".join(f"{name}={value!r}" for name, value in action.options.model_dump().items())
        yield f"built-in {action.name} {options}".rstrip()
    elif explanation.outcome is Outcome.ALLOW and isinstance(action, Redirect):
        yield f"a connection to {action.host} port {action.port}"


def _program(plan: Given) -> Iterator[str]:
    yield from (f"not as the rule wants: {trouble}" for trouble in plan.trouble)
    yield f"path {plan.path}"
    yield f"argv {shlex.join(plan.argv)}"
    groups = ",".join(map(str, plan.groups)) or "none"
    yield f"user {plan.user} (uid {plan.uid}, gid {plan.gid}, groups {groups})"
    yield f"umask {plan.umask:03o}, nice {plan.nice}"
    for name, value in plan.environment.items():
        yield f"env  {name}={shlex.quote(value)}"
    if plan.inherited:
        yield f"env  and {len(plan.inherited)} inherited variables, which the daemon may have otherwise"
