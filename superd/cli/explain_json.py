"""An explanation for programs: ``plain``. The keys are documented in docs/explain.md and stay."""

from dataclasses import asdict
from datetime import datetime

from superd.cli.explain_case import Explanation, Outcome, Stage
from superd.cli.explain_log import logged
from superd.config.model import Builtin, Redirect
from superd.config.origin import Origin


def plain(explanation: Explanation) -> dict[str, object]:
    """Turn an explanation into values that JSON has."""
    verdict, peer, given = explanation.verdict, explanation.client.peer, explanation.given
    return {
        "service": explanation.service.key,
        "client": peer.host,
        "client_port": peer.port,
        "local": peer.local_host,
        "local_port": peer.local_port,
        "at": datetime.fromtimestamp(explanation.at).astimezone().isoformat(timespec="seconds"),
        "verdict": str(explanation.outcome),
        "step": str(verdict.step) if verdict.step else None,
        "rule": verdict.rule,
        **_place(verdict.origin),
        "aclexec": explanation.aclexec,
        "steps": [_stage(each) for each in explanation.stages],
        "lookups": [asdict(each) for each in explanation.lookups],
        "options": [
            {"option": each.option.name, "text": each.text, **_place(each.rule.origin)} for each in explanation.options
        ],
        "program": None if given is None else asdict(given),
        **_served(explanation),
        "log": logged(explanation),
        "notes": list(explanation.notes),
    }  # fmt: skip


def _stage(stage: Stage) -> dict[str, object]:
    words = {"step": str(stage.step), "state": str(stage.state), "rule": stage.rule}
    return {**words, **_place(stage.origin), "note": stage.note}


def _place(origin: Origin | None) -> dict[str, object]:
    return {"file": origin.file if origin else None, "line": origin.line if origin else None}


def _served(explanation: Explanation) -> dict[str, object]:
    action = explanation.service.action
    served = explanation.outcome is Outcome.ALLOW
    builtin = redirect = None
    if served and isinstance(action, Builtin):
        builtin = {"name": action.name, "options": action.options.model_dump(mode="json")}
    if served and isinstance(action, Redirect):
        redirect = {"host": action.host, "port": action.port}
    return {"builtin": builtin, "redirect": redirect}
