"""The lexical rules and the grammar of xinetd's language."""

import pytest

from helpers.configured import codes, defaults, one, services, stanza
from superd.config.lexer import lines
from superd.config.model import Builtin, Program
from superd.config.origin import Origin, Report
from superd.config.xinetd import read


def test_words_are_split_at_spaces_and_tabs_only() -> None:
    found = lines("f", " a\tb  c\x0bd \n", Report())
    assert [line.words for line in found] == [("a", "b", "c\x0bd")]


def test_lines_whose_first_word_starts_with_a_hash_are_comments() -> None:
    assert lines("f", "# a\n\t#b\n\n \nc # d\n", Report()) == lines("f", "\n\n\n\nc # d", Report())


@pytest.mark.parametrize("text", ["user =nobody", "user = nobody", "user =\tnobody", "USER = nobody"])
def test_a_blank_behind_the_operator_is_optional(text: str) -> None:
    assert "s" in services(stanza(text, without="user"))


def test_every_name_is_compared_without_case() -> None:
    text = stanza().upper().replace("/BIN/CAT", "/bin/cat").replace("NOBODY", "nobody")
    assert list(services(text)) == ["S"]


def test_further_words_behind_a_name_are_ignored() -> None:
    assert list(services(stanza(name="s extra"))) == ["s"]


def test_braces_count_only_alone_on_their_line() -> None:
    service = one("server_args = -c cd${IFS}/home;exec${IFS}./x { }")
    assert isinstance(service.action, Program)
    assert service.action.argv == ("cat", "-c", "cd${IFS}/home;exec${IFS}./x", "{", "}")


def test_a_word_before_an_operator_starts_an_attribute_in_a_one_line_stanza() -> None:
    text = stanza("server_args = -a -b").replace("\n", " ")
    action = services(text)["s"].action
    assert isinstance(action, Program)
    assert action.argv == ("cat", "-a", "-b")


def test_a_one_line_stanza_may_end_on_a_later_line() -> None:
    head, rest = stanza().split("\n\t", 1)
    assert "s" in services(f"{head.replace(chr(10), ' ')} {rest}")


def test_every_value_knows_its_line() -> None:
    written = read("f", stanza("server_args = a b"), Report())[0]
    assert written.server_args is not None
    assert [word.origin for word in written.server_args] == [Origin("f", 10)] * 2
    assert (written.origin.line, written.end) == (1, 11)


def test_an_attribute_of_a_builtin_is_kept_for_its_own_options() -> None:
    written = read("f", stanza("type = INTERNAL UNLISTED", "colour = red", without="type"), Report())[0]
    assert [word.value for word in written.options["colour"]] == ["red"]


def test_an_option_that_the_builtin_does_not_have_is_an_unknown_attribute() -> None:
    text = stanza("colour = red", name="echo", type="INTERNAL UNLISTED")
    assert codes(text) == ["unknown-attribute"]
    assert isinstance(services(text)["echo"].action, Builtin)


EDITS = [
    ("inherits", [], ["10.0.0.1", "10.0.0.2"]),
    ("= replaces", ["only_from = 10.0.0.3"], ["10.0.0.3"]),
    ("+= adds", ["only_from += 10.0.0.3"], ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
    ("-= removes", ["only_from -= 10.0.0.1"], ["10.0.0.2"]),
    ("-= removes what means the same", ["only_from -= 10.0.0.2/32"], ["10.0.0.1"]),
    ("-= removes everything", ["only_from -= 10.0.0.1 10.0.0.2"], []),
    ("= of nothing is nobody", ["only_from ="], []),
]


@pytest.mark.parametrize(
    ("lines_", "expected"), [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS]
)
def test_lists_are_inherited_and_edited(lines_: list[str], expected: list[str]) -> None:
    text = defaults("only_from = 10.0.0.1", "only_from = 10.0.0.2") + stanza(*lines_)
    found = services(text)["s"].access.only_from
    assert [pattern.text for pattern in found or ()] == expected


def test_an_empty_list_clears_the_inherited_log_flags() -> None:
    found = services(defaults("log_on_success = PID HOST") + stanza("log_on_success ="))["s"]
    assert found.log.on_success == frozenset()


def test_defaults_of_several_sections_add_up() -> None:
    text = defaults("no_access = 10.0.0.1") + stanza() + defaults("no_access = 10.0.0.2", "instances = 3")
    service = services(text)["s"]
    assert [pattern.text for pattern in service.access.no_access or ()] == ["10.0.0.1", "10.0.0.2"]
    assert service.limits.instances is not None


ENABLING = [
    ("nothing said", [], ["s", "t"]),
    ("enabled", ["enabled = S"], ["s"]),
    ("enabled is empty", ["enabled ="], []),
    ("enabled by nothing that exists", ["enabled = zzz"], []),
    ("disabled", ["disabled = T"], ["s"]),
    ("disabled wins", ["enabled = s t", "disabled = t"], ["s"]),
    ("both add up", ["enabled = s", "enabled += t"], ["s", "t"]),
    ("disable wins over enabled", ["enabled = s t off"], ["s", "t"]),
]


@pytest.mark.parametrize(
    ("lines_", "expected"), [case[1:] for case in ENABLING], ids=[case[0] for case in ENABLING]
)
def test_what_is_switched_on(lines_: list[str], expected: list[str]) -> None:
    text = stanza() + stanza("id = t", port="4701") + stanza("disable = YES", name="off", port="4702")
    assert list(services(text + defaults(*lines_))) == expected
