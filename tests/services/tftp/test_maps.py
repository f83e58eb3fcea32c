"""Map files: the grammar of tftpd-hpa, its mistakes, and what rules make of names."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.tftp_files import client, get, options, refusal, store
from helpers.tftp_map_cases import CLIENT, COMMON, LATER
from superd_services.tftp.files import Refused
from superd_services.tftp.maps import MapFile, Operation, parse
from superd_services.tftp.posix_regex import Regex
from superd_services.tftp.remap import NAME_LIMIT, STEPS_LIMIT, remap

FILES = {b"there", b"boot/there"}


def mapped(rules: str | bytes, name: str, host: str = CLIENT, *, writes: bool = False) -> str:
    """What the rules make of a name, or the text of the refusal."""
    text = rules.encode() if isinstance(rules, str) else rules
    try:
        made = remap(parse("map", text), name.encode(), host, writes=writes, is_file=FILES.__contains__)
    except Refused as refused:
        return f"ERROR {refused.code:d} {refused.text}"
    return made.decode()


@pytest.mark.parametrize(("rules", "name", "made"), [*COMMON, *LATER])
def test_rules_make_a_name_of_a_name(rules: str, name: str, made: str) -> None:
    assert mapped(rules, name) == made


def test_rules_for_writing_are_for_writing() -> None:
    assert mapped("rP a b\nrG a c", "a", writes=True) == "b"


def test_ipv6_clients_have_rules_and_forms_of_their_own() -> None:
    assert (
        mapped("r6 a \\i,\\x\nr4 . X", "a", "2001:db8::1") == "2001:db8::1,20010DB8000000000000000000000001"
    )


def test_names_are_bytes() -> None:
    rules = parse("map", b"r ^\xff X")
    made = remap(rules, b"\xff\xfe", "192.0.2.1", writes=False, is_file=FILES.__contains__)
    assert made in {b"X\xfe", b"\xff\xfe"}


def test_a_name_that_grows_is_refused() -> None:
    assert mapped(f"rg a {'aa' * 200}", "a").startswith("ERROR 2")
    assert len(mapped(f"rgg a {'b' * 100}", "a" * 40)) == 4000 < NAME_LIMIT


def test_the_reason_names_the_rule() -> None:
    for text, reason in [
        ("r x y\na secret", "refused by /etc/map:2"),
        ("\nrg a b\nrg b b", f"/etc/map:3: more than {STEPS_LIMIT} steps for one name"),
    ]:
        with pytest.raises(Refused) as caught:
            remap(parse("/etc/map", text.encode()), b"a/secret", "192.0.2.1", writes=False, is_file=bool)
        assert caught.value.reason == reason


MISTAKES = [
    ("r", "a regular expression is missing"),
    ("r #x", "a regular expression is missing"),
    ("rz a b", "z is no operation"),
    ("r (a b", "(a is no regular expression: Unmatched ( or \\("),
    ("r a{2 b", "a{2 is no regular expression"),
    ("r [[:foo:]] b", "is no regular expression"),
    ("r~ a b", "r and ~ contradict each other"),
    ("ar a b", "r and a contradict each other"),
    ("es a", "e and s contradict each other"),
    ("GP a b", "G and P contradict each other"),
    ("46e a b", "4 and 6 contradict each other"),
    ("ge a", "g means nothing without r"),
    ("r a b c", "c is one word too many"),
    ("j a", "j needs a label to jump to"),
    ("j a nowhere", "there is no label nowhere"),
    ("r a\0b c", "a NUL character"),
]


@pytest.mark.parametrize(("line", "problem"), MISTAKES)
def test_a_mistake_is_told_with_file_and_line(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"^/etc/map:3: ") as caught:
        parse("/etc/map", f"# rules\nr a b\n{line}\n".encode())
    assert problem in str(caught.value)


def test_several_mistakes_are_told_together() -> None:
    with pytest.raises(ValueError, match=r"map:1: .*; map:3: "):
        parse("map", b"z\nr a b\nz")


def test_a_rule_knows_its_line() -> None:
    assert [(rule.line, rule.operation) for rule in parse("map", b"\n#\nrig a b\n:x").rules] == [
        (3, Operation.REPLACE | Operation.IGNORE_CASE | Operation.REPEAT),
        (4, Operation.LABEL),
    ]


def test_the_configuration_tells_where_the_mistake_is(tmp_path: Path) -> None:
    path = tmp_path / "map"
    path.write_text("r a\n\nrq a\n")
    with pytest.raises(ValidationError, match=rf"{path}:3: q is no operation"):
        options(tmp_path, map_file=str(path))


def test_files_are_found_by_the_name_that_rules_make(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "192.0.2.10").mkdir(parents=True)
    (root / "common").write_bytes(b"common")
    (root / "192.0.2.10/own").write_bytes(b"own")
    path = tmp_path / "map"
    path.write_text("rE ^/? \\i/\na ^private\nr ^up ..\n")
    files = store(root, map_file=str(path))
    assert (get(files, "own"), get(files, "common")) == (b"own", b"common")
    (root / "fe80::1").mkdir()
    (root / "fe80::1/own").write_bytes(b"linked")
    assert get(files, "own", client("fe80::1%eth0")) == b"linked"
    assert refusal(files, "own", client("192.0.2.11")) == (1, "File not found")
    assert refusal(files, "private/x") == (2, "Access denied")
    assert refusal(files, "up/map") == (2, "Access violation")


def test_a_name_of_the_rules_is_judged_as_one_of_a_client(tmp_path: Path) -> None:
    (tmp_path / "pxelinux.bin").write_bytes(b"loader")
    path = tmp_path / "map"
    path.write_text("r ^(pxelinux\\.bin).* \\1\n")
    assert get(store(tmp_path, map_file=str(path)), "pxelinux.biny\n\x1e") == b"loader"


def test_an_expression_of_the_c_library_has_its_limits() -> None:
    with pytest.raises(ValueError, match="Invalid"):
        Regex(b"[b-a]")
    assert Regex(b"(a)|(b)").search(b"xb") == ((1, 2), (-1, -1), (1, 2), *[(-1, -1)] * 7)
    assert Regex(b"^a").search(b"a", begins=False) is None


@given(st.binary(max_size=200))
def test_whatever_is_in_a_file_it_is_rules_or_mistakes(text: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(parse("map", text), MapFile)


@given(
    st.lists(
        st.sampled_from(
            ["rg a b", "rgg . \\0\\0", "rs x y", "r (.)(.) \\2\\1", "rE ^ b", "j a l", ":l", "e c"]
        )
    ),
    st.text("abcx/", max_size=20),
)
def test_rules_always_come_to_an_end(lines: list[str], name: str) -> None:
    assert len(mapped("\n".join([*lines, ":l"]), name)) <= NAME_LIMIT
