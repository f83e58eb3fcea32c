"""Verdicts: a command that serves a client instead of the service."""

import pytest

from superd.access.facts import ClientFacts
from superd.access.hosts_access import Applied, Effect
from superd.access.hosts_access.options import parse
from superd.access.verdict import Step, Verdict
from superd.config.origin import Origin


def verdict(options: str, *, allowed: bool = True) -> Verdict:
    """The verdict of a rule with these options, all of which were reached."""
    applied = Applied(Origin("hosts.allow", 3), "x", parse(options), "x", ClientFacts("192.0.2.1"))
    effects = (Effect(applied, n, option, option.value) for n, option in enumerate(applied.options.options))
    return Verdict(allowed, None if allowed else Step.ADDRESS, "x", effects=tuple(effects))


@pytest.mark.parametrize(
    ("found", "allowed", "step"),
    [
        (verdict("twist /bin/cat"), False, Step.LIBWRAP),
        (verdict("setenv A b: twist /bin/cat"), False, Step.LIBWRAP),
        (verdict("spawn /bin/true"), True, None),
        (verdict("allow"), True, None),
        (verdict("twist /bin/cat", allowed=False), False, Step.ADDRESS),
        (Verdict(allowed=True), True, None),
    ],
)
def test_only_a_command_that_would_have_to_serve_the_client_is_refused(
    found: Verdict, allowed: bool, step: Step | None
) -> None:
    without = found.without_twist()
    assert (without.allowed, without.step, without.rule) == (allowed, step, found.rule)
