"""No text makes the readers raise, and nothing is read silently."""

from hypothesis import given, settings
from hypothesis import strategies as st

from superd.config import inetd
from superd.config.detect import kind
from superd.config.dialect import Dialect
from superd.config.origin import Report

VOCABULARY = (
    "echo 7 ::1:echo 127.0.0.1,*: tcpmux/+x x/1-2 /run/x :a:b:600:/run/x stream dgram raw tli sunrpc_tcp stream,3:f "
    "tcp udp6 unix rpc/udp rpc/* tcp,sndbuf=1k faith/tcp6 wait nowait nowait.3 nowait/1/2/3 waut root a.b:c/d internal "
    "/bin/cat tcpd /usr/sbin/tcpd in.ftpd cat -u # #@ #<off># on off protocol = user , ; ' \" \\ .include x /dev/null "
    "exec args ipsec %A"
)
WORDS = st.sampled_from(VOCABULARY.split())
GAPS = st.sampled_from([" ", "\t", "\n", "\n ", "\r\n", "\\\n", "=", ""])
LINES = st.lists(st.tuples(WORDS, GAPS), max_size=40).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)


def _lines_accounted_for(text: str, dialect: Dialect) -> bool:
    report = Report()
    services = inetd.read("/nonexistent/inetd.conf", text, report, dialect, switched_off=True)
    count = text.count("\n") + 1
    return all(1 <= each.origin.line <= each.end <= count for each in services) and all(
        1 <= each.origin.line <= count and each.code and "\n" not in each.code for each in report.diagnostics
    )


@settings(max_examples=300, deadline=None)
@given(LINES, st.sampled_from(list(Dialect)))
def test_any_arrangement_of_words_is_read(text: str, dialect: Dialect) -> None:
    assert kind(text) in {"inetd", "xinetd"}
    assert _lines_accounted_for(text, dialect)


@settings(max_examples=200, deadline=None)
@given(st.text(), st.sampled_from(list(Dialect)))
def test_any_text_is_read(text: str, dialect: Dialect) -> None:
    assert kind(text) in {"inetd", "xinetd"}
    assert _lines_accounted_for(text, dialect)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=6, max_size=9), st.sampled_from(list(Dialect)))
def test_an_entry_on_one_line_gives_a_service_or_an_error(words: list[str], dialect: Dialect) -> None:
    line = "7 stream " + " ".join(words)
    report = Report()
    services = inetd.read("/nonexistent/inetd.conf", line, report, dialect)
    assert services or any(each.severity == "error" for each in report.diagnostics)
