"""``superd explain --batch``: a table of expectations, its differences, and tables that are malformed."""

import json

import pytest

from helpers.explaining import Question

TABLE = """\
# service client expected
cat 10.1.2.3 allow              # the lan
cat 10.1.2.3:99 allow at=08:30

cat [2001:db8::1]:5 deny
cat 192.0.2.1 deny name=unknown
cat 192.0.2.1 allow name="gw.example" user=bob
cat 192.0.2.2 twist name=unknown
cat 192.0.2.3 allow aclexec=yes name=unknown
cat 192.0.2.3 deny aclexec=no name=unknown
"""
ALLOW = "cat: 10.1. bob@.example\ncat: 192.0.2.2: twist /bin/echo\ncat: 192.0.2.3: aclexec x\n"


def batch(question: Question, table: str, *options: str) -> int:
    """Compare with a table."""
    path = question.folder / "table"
    path.write_text(table)
    return question.ask("--batch", str(path), *options)


def test_a_policy_that_is_met_is_silent(question: Question) -> None:
    question.rules(ALLOW, "ALL: ALL\n")
    assert batch(question, TABLE) == 0
    assert (question.out, question.err) == ("", "superd: 8 expectations, 0 different\n")


def test_differences_name_both_places(question: Question) -> None:
    question.rules(ALLOW, "ALL: ALL\n")
    assert batch(question, "cat 10.1.2.3 deny\ncat 10.9.9.9 twist name=x\ncat 10.1.2.4 allow\n") == 1
    table, allow, deny = map(question.place, ("table", "hosts.allow", "hosts.deny"))
    assert question.out.splitlines() == [
        f"{table}:1: cat 10.1.2.3: expected deny, got allow by {allow}:1: cat: 10.1. bob@.example",
        f"{table}:2: cat 10.9.9.9: expected twist, got deny by {deny}:1: ALL: ALL",
    ]
    assert question.err == "superd: 3 expectations, 2 different\n"


def test_without_a_rule_the_difference_says_so(question: Question) -> None:
    assert batch(question, "cat 10.1.2.3 deny\n") == 1
    assert question.out.endswith("expected deny, got allow: no rule refuses\n")


def test_differences_as_json(question: Question) -> None:
    assert batch(question, "cat 10.1.2.3 deny\ncat 10.1.2.3 allow\n", "--json") == 1
    found = json.loads(question.out)
    assert (found["expectations"], len(found["differences"])) == (2, 1)


def test_what_hangs_on_a_command_that_nothing_was_said_about_is_a_difference(question: Question) -> None:
    question.rules(ALLOW, "ALL: ALL\n")
    assert batch(question, "cat 192.0.2.3 allow name=unknown\n") == 1
    assert "if aclexec says no (write aclexec=yes or aclexec=no)" in question.out


def test_options_hold_for_lines_that_do_not_say_otherwise(question: Question) -> None:
    question.configure("access_times = 8:00-9:00")
    assert batch(question, "cat 10.1.2.3 allow\ncat 10.1.2.3 deny at=07:00\n", "--at=08:30") == 0


def test_every_service_of_a_name_has_to_meet_what_is_expected(question: Question) -> None:
    text = (question.folder / "x.conf").read_text()
    other = text.replace("port = 4700", "port = 4701\n\tid = other\n\tno_access = 10.1.2.3")
    question.configure(more=other)
    assert batch(question, "cat 10.1.2.4 allow\n") == 0
    text = (question.folder / "x.conf").read_text().replace("port = 4700", "port = 4700\n\tid = one")
    (question.folder / "x.conf").write_text(text)
    assert batch(question, "cat 10.1.2.3 allow\none 10.1.2.3 allow\n") == 1
    assert len(question.out.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("cat 10.1.2.3", "a line is: service client expected"),
        ("cat 10.1.2.3 maybe", "'maybe' can't be expected"),
        ("cat 10.1.2.3 allow name", "'name' is not like name=value"),
        ("cat 10.1.2.3 allow name=", "'name=' is not like name=value"),
        ("cat 10.1.2.3 allow port=1", "'port=1': name, user, at, to and aclexec"),
        ("cat 10.1.2.3 allow aclexec=maybe", "name, user, at, to and aclexec (yes or no)"),
        ("cat 10.1.2.3 allow at=noon", "'noon' is no time"),
        ('cat 10.1.2.3 allow name="x', "No closing quotation"),
        ("cta 10.1.2.3 allow", "there is no service 'cta'; did you mean cat?"),
        ("cat 10.1.2 allow", "'10.1.2' is no address"),
    ],
)
def test_a_malformed_table_is_status_two_and_names_the_line(
    question: Question, line: str, complaint: str
) -> None:
    assert batch(question, f"cat 10.1.2.3 allow\n{line}\n") == 2
    assert f"{question.place('table')}:2: " in question.err
    assert complaint in question.err


@pytest.mark.parametrize(("content", "complaint"), [(None, "No such file"), (b"\xff\n", "not UTF-8")])
def test_an_unreadable_table_is_status_two(question: Question, content: bytes | None, complaint: str) -> None:
    path = question.folder / "table"
    if content is not None:
        path.write_bytes(content)
    assert question.ask("--batch", str(path)) == 2
    assert complaint in question.err
