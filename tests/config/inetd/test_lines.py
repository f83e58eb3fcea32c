"""How lines become entries: continuation, comments, default addresses, line ends."""

from helpers.inetd_reading import codes, read, words

ECHO = "echo stream tcp nowait root internal"
CAT = "7007 stream tcp nowait root /bin/cat cat"


def _argv(text: str) -> str:
    services, _ = read(text)
    return words(services[0])["server_args"]


def test_an_indented_comment_is_a_comment_and_does_not_become_arguments() -> None:
    services, report = read(f"{CAT} one\n  two three\n  # four\n  five\n")
    assert words(services[0])["server_args"] == "cat one two three five"
    assert codes(report) == [("warning", 3, "indented-comment")]


def test_a_run_of_indented_comments_is_warned_about_once() -> None:
    _, report = read(f"{CAT}\n  # one\n  # two\n  # three\n")
    assert codes(report) == [("warning", 2, "indented-comment")]


def test_an_indented_entry_below_an_entry_is_an_entry_of_its_own() -> None:
    services, report = read(f"{CAT}\n    {ECHO}\n")
    assert [service.name for service in services] == ["7007", "echo"]
    assert codes(report) == [("warning", 2, "indented-entry")]


def test_a_wrapped_commented_out_entry_leaves_the_entry_above_alone() -> None:
    text = f"    {CAT} -u\n    v\n    #time stream tcp nowait root /bin/date date\n    -k\n"
    services, report = read(text)
    assert [words(service)["server_args"] for service in services] == ["cat -u v"]
    assert codes(report) == [("warning", 3, "indented-comment"), ("warning", 4, "stray-continuation")]


def test_arguments_below_a_comment_in_column_one_belong_to_nothing() -> None:
    services, report = read(f"{CAT}\n# a remark\n  -s /srv\n")
    assert words(services[0])["server_args"] == "cat"
    assert codes(report) == [("error", 3, "stray-continuation")]


def test_an_empty_line_ends_an_entry_and_a_blank_one_does_not() -> None:
    assert _argv(f"{CAT}\n \n  -u\n") == "cat -u"
    services, report = read(f"{CAT}\n\n  -u\n")
    assert words(services[0])["server_args"] == "cat"
    assert codes(report) == [("error", 3, "too-few-fields")]


def test_a_bad_continuation_line_drops_the_entry_rather_than_its_arguments() -> None:
    services, report = read(f"{CAT}\n  -s \x07\n{ECHO}\n")
    assert [service.name for service in services] == ["echo"]
    assert codes(report) == [("error", 2, "bad-line")]


def test_a_default_address_holds_until_the_next() -> None:
    text = f"127.0.0.1,[::1]:\n{ECHO}\n[::1]:time stream tcp nowait root internal\n*:\ndaytime {ECHO[5:]}\n"
    services, report = read(text)
    assert [words(service).get("bind") for service in services] == ["127.0.0.1,::1", "::1", None]
    ids = [words(service)["id"] for service in services]
    assert ids == ["127.0.0.1,[::1]:echo/tcp", "[::1]:time/tcp", "daytime/tcp"]
    assert report.diagnostics == []


def test_a_default_address_does_not_touch_unix_sockets() -> None:
    services, _ = read("127.0.0.1:\n/run/x stream unix nowait root /bin/cat\n")
    assert words(services[0])["bind"] == "/run/x"


def test_cr_lf_is_read_with_one_warning() -> None:
    services, report = read(f"# x\r\n{ECHO}\r\n{CAT}\r\n")
    assert words(services[1])["server_args"] == "cat"
    assert codes(report) == [("warning", 1, "crlf")]


def test_the_last_line_needs_no_newline() -> None:
    assert [service.name for service in read(ECHO)[0]] == ["echo"]


def test_switched_off_entries_are_comments_unless_asked_for() -> None:
    text = f"#<off># {ECHO}\n#<off>#{CAT}\n#:MAIL: mail\n## plain\n#disabled#{ECHO}\n"
    assert read(text)[0] == []
    services, report = read(text, switched_off=True)
    assert [(service.name, words(service)["disable"]) for service in services] == [
        ("echo", "yes"),
        ("7007", "yes"),
    ]
    assert report.diagnostics == []


def test_a_broken_switched_off_entry_is_nobodys_business() -> None:
    assert codes(read("#<off># echo waut\n")[1]) == []
