"""hosts.allow and hosts.deny beside the real libwrap: recorded decisions, generated files, limits to the byte."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tools import fuzz_libwrap, libwrap, libwrap_repairs, replay_libwrap_cases, superd_hosts
from tools.libwrap import Case

VECTORS = Path(__file__).with_name("vectors") / "libwrap.jsonl"
GENERATED = 150
SEED = 20_000_000

needs_libwrap = pytest.mark.skipif(bool(libwrap.missing()), reason=libwrap.missing() or "libwrap is there")


@pytest.fixture(scope="module")
def oracle() -> Iterator[libwrap.Oracle]:
    """The real library; its files are in a short path, because its lines are limited."""
    with (
        TemporaryDirectory(prefix="w", dir="/tmp") as name,
        libwrap.Oracle(libwrap.build(Path(name)), Path(name, "c")) as running,
    ):
        yield running


def test_recorded_decisions_of_libwrap_are_met(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay_libwrap_cases.main([str(VECTORS)]) == 0, capsys.readouterr().out
    cases = len(VECTORS.read_text().splitlines())
    assert f"superd: {cases} same" in capsys.readouterr().out


def test_a_wrong_record_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(VECTORS.read_text().replace('["ptr", "', '["ptr", "1'))
    assert replay_libwrap_cases.main([str(wrong)]) == 1
    assert "lookups: recorded" in capsys.readouterr().out


@pytest.mark.peer
@needs_libwrap
def test_generated_files_are_decided_as_libwrap_decides_them(oracle: libwrap.Oracle) -> None:
    comparison = fuzz_libwrap.Comparison(oracle)
    different = [
        [*comparison.explain(case), case]
        for case in fuzz_libwrap.generated(SEED, GENERATED)
        if comparison.classify(case) == "different"
    ]
    assert not different


@pytest.mark.peer
@needs_libwrap
def test_the_comparison_sees_what_superd_repairs(oracle: libwrap.Oracle) -> None:
    case = simple("ALL: 0.0.0.0/0\n")
    found = superd_hosts.decide(case, oracle.folder)
    assert oracle.ask(case).differences(found) == ["verdict", "matched"]
    changed, repairs = libwrap_repairs.repaired(case)
    assert oracle.ask(changed) == found
    assert repairs["mask"] == 1


@pytest.mark.peer
@needs_libwrap
def test_a_difference_is_shrunk_to_what_shows_it(oracle: libwrap.Oracle) -> None:
    case = simple("# comment\nftpd: ALL\nsshd ftpd: 10.9. 0.0.0.0/0 .example\n")
    small = fuzz_libwrap.shrunk(
        case, lambda attempt: superd_hosts.decide(attempt, oracle.folder) != oracle.ask(attempt)
    )
    assert small["allow_text"] == "sshd:0.0.0.0/0\n"


@pytest.mark.peer
@needs_libwrap
@pytest.mark.parametrize("length", range(2044, 2050))
@pytest.mark.parametrize("rule", ["ALL: 10.1.2.3 ", "# comment ", "ALL: \\\n10.1.2.3 ", " "])
def test_a_line_may_be_as_long_as_in_libwrap(length: int, rule: str, oracle: libwrap.Oracle) -> None:
    line = rule + " " * (length - len(rule.replace("\\\n", "")))
    case = simple("", deny=f"ALL: 10.9.\n{line}\nsshd: ALL\n")
    assert superd_hosts.decide(case, oracle.folder) == oracle.ask(case)


@pytest.mark.peer
@needs_libwrap
@pytest.mark.parametrize("length", range(8186, 8196))
def test_an_expansion_may_be_as_long_as_in_libwrap(length: int, oracle: libwrap.Oracle) -> None:
    case = {**simple(f"ALL: ALL: spawn {'%u' * 81}{'x' * (length - 8100)}\n"), "user": "u" * 100}
    real = libwrap_repairs.settled(oracle.ask(case))
    assert superd_hosts.decide(case, oracle.folder) == real


@pytest.mark.peer
@needs_libwrap
@pytest.mark.parametrize(
    ("option", "user"),
    [
        ("setenv %u x", "a=b"),
        ("setenv %z", "bob"),
        ("setenv %z x", "bob"),
        ("setenv = %n", "bob"),
        ("spawn %z\t x \f", "bob"),
        ("aclexec %z true", "bob"),
    ],
)
def test_values_are_judged_after_their_expansion(option: str, user: str, oracle: libwrap.Oracle) -> None:
    case = {**simple(f"ALL: ALL: {option}\n"), "user": user}
    assert superd_hosts.decide(case, oracle.folder) == oracle.ask(case)


def simple(allow: str, deny: str = "ALL: ALL\n") -> Case:
    """A client of sshd."""
    return {
        "allow_text": allow,
        "deny_text": deny,
        "daemon": "sshd",
        "client_addr": "10.1.2.3",
        "mode": "direct",
    }
