"""The language of a file is told from its content."""

import pytest

from superd.config.detect import kind

STANZA = "service telnet\n{\n\tsocket_type = stream\n\twait = no\n}\n"
ENTRY = "ftp stream tcp nowait root /usr/sbin/ftpd ftpd\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only comments\n\n# ftp = x\n",
        ENTRY,
        f"# service telnet\n# {{\n{ENTRY}",
        "127.0.0.1:\n",
        "ftp stream tcp\n",
        "ftp stream tcp waut root internal\n",
        "echo on\n protocol = udp,\n wait = yes,\n user = root;\n",
        ".include /etc/inetd.d/*\n",
        f"service stream tcp nowait root internal\r\n{ENTRY}",
        f"{ENTRY}service telnet\n{ENTRY}",
    ],
)
def test_inetd(text: str) -> None:
    assert kind(text) == "inetd"


@pytest.mark.parametrize(
    "text",
    [
        STANZA,
        STANZA.replace("\n", "\r\n"),
        "service nrpe {\n socket_type = stream\n}\n",
        "defaults\n{\n}\n",
        "includedir /etc/xinetd.d\n",
        "Service telnet\n{\n}\n",
        f"{ENTRY}{STANZA}",
        "socket_type = stream\nwait = no\n",
        "defaults { instances = 60 log_type = SYSLOG authpriv }\nincludedir /etc/xinetd.d\n",
    ],
)
def test_xinetd(text: str) -> None:
    assert kind(text) == "xinetd"
