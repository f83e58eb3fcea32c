"""No service, however odd, breaks a conversion or slips a line of its own into a generated file."""

from hypothesis import given, settings
from hypothesis import strategies as st

from superd.config import xinetd
from superd.config.convert import to_systemd, to_xinetd
from superd.config.origin import Origin, Report
from superd.config.written import Word, WrittenService, attributes

MARK = "INJECTED"
BAD = [
    "a b",
    "",
    "%h",
    "$x",
    "x\\",
    f"\n{MARK}=1",
    f"a\n{MARK}=1",
    '"',
    "'",
    "#",
    ";",
    "}",
    "{",
    "é",
    "\udcff",
    "\x00",
]
GOOD = [
    "root",
    "::1",
    "127.0.0.1,::1",
    "/bin/cat",
    "7007",
    "yes",
    "no",
    "tcp",
    "unix",
    "stream",
    "dgram",
    "INTERNAL",
]
ODD = st.sampled_from(BAD + GOOD)
ATTRIBUTES = {name: mark.most for name, mark in attributes(WrittenService).items()}
SINGLE = sorted(name for name, most in ATTRIBUTES.items() if most == 1)
LISTS = sorted(name for name, most in ATTRIBUTES.items() if most is None)


@st.composite
def services(draw: st.DrawFn) -> WrittenService:
    service = WrittenService(
        name=draw(ODD), origin=Origin(draw(ODD), draw(st.integers(0, 9))), dialect="inetd"
    )
    for name, text in draw(st.dictionaries(st.sampled_from(SINGLE), ODD)).items():
        setattr(service, name, _word(text))
    for name, texts in draw(st.dictionaries(st.sampled_from(LISTS), st.lists(ODD, max_size=3))).items():
        setattr(service, name, tuple(map(_word, texts)))
    return service


def _word(text: str) -> Word:
    return Word(value=text, origin=Origin("inetd.conf", 1))


@settings(max_examples=150, deadline=None)
@given(st.lists(services(), max_size=3))
def test_units_hold_only_the_lines_that_belong_there(written: list[WrittenService]) -> None:
    for file in to_systemd.files(written):
        assert not any(line.startswith(MARK) or line.endswith("\\") for line in file.text.splitlines())
        assert "/" not in file.name


@settings(max_examples=150, deadline=None)
@given(st.lists(services(), max_size=3))
def test_stanzas_hold_only_the_lines_that_belong_there(written: list[WrittenService]) -> None:
    files = to_xinetd.files(written, {})
    assert len({file.name for file in files}) == len(written)
    for file in files:
        assert not any(line.startswith(MARK) for line in file.text.splitlines())
        assert sum(line.startswith("service ") for line in file.text.splitlines()) <= 2
        xinetd.read(file.name, file.text, Report())
