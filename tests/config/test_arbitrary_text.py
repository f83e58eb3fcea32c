"""Arbitrary text never raises: everything is read, or diagnosed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.configured import machine
from superd.config import attributes, inetd
from superd.config.derive import derive
from superd.config.lexer import lines
from superd.config.origin import Report
from superd.config.stanzas import Include, Stanza, parse
from superd.config.xinetd import read

MENTIONED = """
    service defaults include includedir { } = += -= = s # " /nonexistent interface onlyfrom colour yes no stream
    dgram tcp udp unix INTERNAL UNLISTED RPC TCPMUX echo nobody /bin/cat 4700 1-3 -1 0 10.0.0.0 :: {1,2} 1:00-2:00
    IPv6 SENSOR NAMEINARGS HOST FILE SYSLOG UNLIMITED A=1 99999999999999999999
"""
WORDS = st.sampled_from([*MENTIONED.split(), *attributes.ALL])
LINES = st.lists(st.one_of(WORDS, st.text(max_size=6)), max_size=8).map(" ".join)
TEXTS = st.lists(LINES, max_size=25).map("\n".join)
STANZAS = st.lists(
    st.tuples(st.sampled_from(sorted(attributes.ALL)), st.sampled_from(["=", "+=", "-="]), LINES).map(
        " ".join
    ),
    max_size=12,
).map(lambda body: "\n".join(["service echo", "{", *body, "}"]))


@settings(max_examples=150, deadline=None)
@given(st.one_of(TEXTS, STANZAS, st.text(max_size=200)))
def test_no_text_makes_a_reader_raise(text: str) -> None:
    report = Report()
    written = [*read("f", text, report), *inetd.read("f", text, report)]
    known = machine()
    for each in written:
        derive(each, report, known)
    for diagnostic in report.diagnostics:
        assert diagnostic.code
        assert str(diagnostic)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_every_line_belongs_to_a_section_an_include_or_a_diagnostic(text: str) -> None:
    report = Report()
    found = lines("f", text, report)
    items = parse("f", found, report)
    diagnosed = {each.origin.line for each in report.diagnostics}
    covered = set()
    for item in items:
        if isinstance(item, Include):
            covered.add(item.origin.line)
        elif isinstance(item, Stanza) or item.origin.line in diagnosed:
            covered |= set(range(item.origin.line, item.end + 1))
    assert {line.number for line in found} <= covered
