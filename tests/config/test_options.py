"""Options of built-in services: what is said about a wrong one, and where."""

import pytest

from helpers.configured import services, stanza
from superd.config.model import Builtin, Service
from superd.config.origin import Report
from superd_services.finger.options import FingerOptions

SAID = [
    # service   lines (the first is line 8)         line  error
    ("finger", ["fields = name plann"], 8, "fields: plann is none of name, office"),
    ("finger", ["fields = name plann"], 8, "(did you mean plan?)"),
    ("finger", ["fields = name", "fields += plann"], 9, "fields: plann is none of"),
    (
        "finger",
        ["fields = name plan", "fields = name"],
        9,
        "fields was already set in test.conf:8, to something else",
    ),
    (
        "finger",
        ["fields = name", "fields -= plan"],
        9,
        "fields is not set to plan here, so that -= can't take it out",
    ),
    ("finger", ["fields -= plan"], 8, "fields is not set to plan here"),
    ("netstat", ["rows = 10", "rows += 5"], 8, "rows: 10 5 is no whole number"),
    ("finger", ["list = maybe"], 8, "list: maybe is neither yes nor no"),
    ("finger", ["list = yes", "minimum_uid = x"], 9, "minimum_uid: x is no whole number"),
    ("finger", ["request_timeout = soon"], 8, "request_timeout: soon is no number"),
    ("finger", ["request_timeout = 0"], 8, "request_timeout: 0 is out of bounds: at least 0.1"),
    ("finger", ["directory = here"], 8, "directory: here is no absolute path"),
    ("finger", ["minimum_udi = 5"], 8, "did you mean minimum_uid?"),
    ("netstat", ["rows = 20000"], 8, "rows: 20000 is out of bounds: at most 10000"),
    ("netstat", ["show = al"], 8, "show: al is none of all, listening, connections (did you mean all?)"),
    ("ident", ["reply = fake"], 1, "ident: reply = fake and fake_user need each other"),
    ("ident", ["system = a:b"], 8, "system: a:b is not 1 to 64 visible ASCII"),
    ("qotd", ["quotes = /nonexistent"], 8, "quotes: /nonexistent: No such file or directory"),
    ("daytime", ["time_zone = Europe/Viena"], 8, "time_zone: there is no time zone 'Europe/Viena'"),
]


def internal(name: str, lines: list[str], report: Report | None = None) -> dict[str, Service]:
    """The services of a stanza of one built-in."""
    return services(stanza(*lines, name=name, type="INTERNAL UNLISTED", without="user server"), report)


@pytest.mark.parametrize(
    ("name", "lines", "line", "text"), SAID, ids=[f"{case[0]} {case[1][-1]}" for case in SAID]
)
def test_a_wrong_option_is_explained_at_its_line(name: str, lines: list[str], line: int, text: str) -> None:
    report = Report()
    assert internal(name, lines, report) == {}

    said = "\n".join(str(each) for each in report.diagnostics)
    assert f"test.conf:{line}: error: " in said
    assert text in said


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (["fields = name plan"], "name plan"),
        (["fields = name", "fields += plan"], "name plan"),
        (["fields = name plan", "fields -= PLAN"], "name"),
        (["fields += plan"], "plan"),
        (["fields = name", "fields = name"], "name"),
    ],
)
def test_options_are_edited_as_attributes_are(lines: list[str], fields: str) -> None:
    action = internal("finger", lines)["finger"].action
    assert isinstance(action, Builtin)
    assert isinstance(action.options, FingerOptions)
    assert " ".join(action.options.fields) == fields
