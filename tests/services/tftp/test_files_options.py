"""The attributes of tftp: how they are written, and that the manual page has them all."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from helpers.configured import services, stanza
from helpers.tftp_files import options
from superd.config.model import Builtin
from superd.config.origin import Report
from superd_services.tftp.options import Symlinks, TftpOptions

PAGE = Path(__file__).parents[3] / "services/superd_services/tftp/README.md"
SERVICE = {"type": "INTERNAL UNLISTED", "socket_type": "dgram", "protocol": "udp", "wait": "yes"}


def configured(*lines: str) -> tuple[TftpOptions | None, list[str]]:
    """The options of a stanza with these lines, and what is wrong with them."""
    report = Report()
    found = services(stanza(*lines, name="tftp", without="server", **SERVICE), report)
    action = found["tftp"].action if found else None
    made = action.options if isinstance(action, Builtin) else None
    assert made is None or isinstance(made, TftpOptions)
    return made, [str(each) for each in report.diagnostics]


def test_the_words_of_a_stanza_become_options(tmp_path: Path) -> None:
    (tmp_path / "menu").write_text("menu")
    made, problems = configured(
        "root = /srv/tftp /srv/more",
        "client_root = 192.0.2.0/24=/srv/lab",
        "client_root += 2001:db8::/32=/srv/six",
        f"virtual = pxelinux.cfg/*={tmp_path}/menu boot.ipxe={tmp_path}/menu",
        "symlinks = rooted",
        "refuse_options = BLKSIZE timeout",
        "write_limit = 64MiB",
        "file_mode = 0660",
        "port_range = 40000-40999",
        "create = yes",
    )
    assert problems == []
    assert made is not None
    assert made.root == ("/srv/tftp", "/srv/more")
    assert made.client_root == (
        (ip_network("192.0.2.0/24"), "/srv/lab"),
        (ip_network("2001:db8::/32"), "/srv/six"),
    )
    assert [each.pattern for each in made.virtual] == ["pxelinux.cfg/*", "boot.ipxe"]
    assert (made.symlinks, made.refuse_options) == (Symlinks.ROOTED, ("blksize", "timeout"))
    assert (made.write_limit, made.file_mode, made.port_range) == (64 << 20, 0o660, (40000, 40999))
    assert (made.create, made.overwrite) == (True, False)


def test_a_mistake_of_a_map_file_is_told_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "map").write_text("# rules\nr [ x\n")
    made, problems = configured(f"map_file = {tmp_path}/map")
    assert made is None
    (problem,) = problems
    assert re.match(r"test\.conf:\d+: error: map_file: ", problem)
    assert f"{tmp_path}/map:2: [ is no regular expression" in problem


BAD = [
    ("root", ["relative"], "an absolute path"),
    ("root", [], "at least 1 item"),
    ("client_root", ["/srv/lab"], "network=directory"),
    ("client_root", ["192.0.2.1/24=/srv/lab"], "host bits"),
    ("client_root", ["192.0.2.0/24=lab"], "an absolute path"),
    ("symlinks", "yes", "'never', 'inside', 'rooted' or 'anywhere'"),
    ("map_file", "map", "an absolute path"),
    ("map_file", "/nowhere/map", "/nowhere/map: No such file or directory"),
    ("map_file", "/", "/: Is a directory"),
    ("map_file", "/dev/zero", "/dev/zero: more than 1048576 bytes"),
    ("write_limit", "much", "byte"),
    ("file_mode", "rw", "an octal number"),
    ("file_mode", "7777", "less than or equal to 511"),
    ("refuse_options", ["multicast"], "multicast is no option"),
    ("max_blksize", "7", "greater than or equal to 8"),
    ("max_blksize", "65465", "less than or equal to 65464"),
    ("max_windowsize", "0", "greater than or equal to 1"),
    ("window_bytes", "1GiB", "less than or equal to 4194304"),
    ("retransmit", "0", "greater than or equal to 0.01"),
    ("retries", "-1", "greater than or equal to 0"),
    ("rollover", "2", "less than or equal to 1"),
    ("port_range", "40000", "two port numbers"),
    ("port_range", "40000-", "two port numbers"),
    ("port_range", "50000-40000", "two port numbers"),
    ("port_range", "1-65536", "two port numbers"),
]


@pytest.mark.parametrize(("name", "value", "problem"), BAD)
def test_what_is_no_value_is_an_error(name: str, value: object, problem: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(problem)):
        options("/srv/tftp", **{name: value})


@pytest.mark.parametrize("name", TftpOptions.model_fields)
def test_the_page_describes_each_option_once(name: str) -> None:
    assert len(re.findall(rf"^`{name} = [^`]+`\n: ", PAGE.read_text(), re.MULTILINE)) == 1


def test_the_map_of_the_page_is_one(tmp_path: Path) -> None:
    rules = PAGE.read_text().split("### Map files")[1].split("```")[1]
    (tmp_path / "map").write_text(rules.strip("\n"))
    made = options("/srv/tftp", map_file=str(tmp_path / "map"))
    assert made.map_file is not None
    assert len(made.map_file.rules) == 4
