"""Files that administrators have had for decades run as they are; only the servers are stand-ins of ours.

Each file binds to a loopback address of its own, because the ports are the real ones.
"""

import pytest

from helpers import net
from helpers.daemon import running
from helpers.stanza import stanza

pytestmark = pytest.mark.root

FTP, TELNET, TFTP, SHELL = 21, 23, 69, 514

SERVER = """#!/bin/sh
# Tells which server it is, how it was called, and by whom.
echo "$(basename $0) called with $* as $(id -un) for $REMOTE_HOST"
"""

OPENBSD = """
127.0.51.1:
#       Internet server configuration database
#
ftp             stream  tcp     nowait  root    @DIR@/libexec/ftpd       ftpd -USlld
#telnet         stream  tcp     nowait  root    @DIR@/libexec/telnetd    telnetd -k
#shell          stream  tcp     nowait  root    @DIR@/libexec/rshd       rshd -L
#finger         stream  tcp     nowait  nobody  @DIR@/libexec/fingerd    fingerd -lsm
#tftp           dgram   udp     wait    root    @DIR@/libexec/tftpd      tftpd -s
"""


def test_openbsds_inetd_conf() -> None:
    with running(OPENBSD, files={"libexec/ftpd": SERVER}):
        assert net.tcp(FTP, host="127.0.51.1") == b"ftpd called with -USlld as root for 127.0.0.1\n"
        assert not net.is_open(TELNET, "127.0.51.1")


AS_PRINTED = """
    127.0.55.1:
    #       $OpenBSD: inetd.conf,v 1.31 1999/04/10 05:13:42 deraadt Exp $
    #
    # Internet server configuration database
    #
    ftp             stream  tcp     nowait  root    @DIR@/libexec/ftpd       ftpd -US
    lld
    #telnet         stream  tcp     nowait  root    @DIR@/libexec/telnetd    telnetd\x20
    -k
    #finger         stream  tcp     nowait  nobody  @DIR@/libexec/fingerd    fingerd\x20
    -lsm
    #tftp           dgram   udp     wait    root    @DIR@/libexec/tftpd      tftpd -s
"""


def test_openbsds_inetd_conf_as_a_document_indents_and_breaks_it() -> None:
    with running(AS_PRINTED, files={"libexec/ftpd": SERVER}) as daemon:
        assert net.tcp(FTP, host="127.0.55.1") == b"ftpd called with -US lld as root for 127.0.0.1\n"
        assert not net.is_open(TELNET, "127.0.55.1")
        assert "'-lsm' is taken for the rest of the commented-out entry" in daemon.log()


def test_indented_lines_with_tcpd_that_does_not_exist_start_the_servers() -> None:
    lines = WRAPPED.replace("\n", "\n    ").replace("127.0.52.1", "127.0.56.1")
    servers = {f"sbin/{name}": SERVER for name in ("in.ftpd", "in.telnetd", "in.rshd")}
    options = ["--hosts-allow", "@DIR@/none", "--hosts-deny", "@DIR@/none"]
    with running(lines, options, files=servers):
        assert net.tcp(FTP, host="127.0.56.1").startswith(b"in.ftpd called with -l as root")
        assert net.tcp(TELNET, host="127.0.56.1").startswith(b"in.telnetd called with  as nobody")
        assert net.tcp(SHELL, host="127.0.56.1").startswith(b"in.rshd")


WRAPPED = """
127.0.52.1:
ftp     stream  tcp     nowait  root    /usr/local/tcpd/bin/tcpd @DIR@/sbin/in.ftpd -l
telnet  stream  tcp     nowait  nobody  /usr/local/tcpd/bin/tcpd @DIR@/sbin/in.telnetd
shell   stream  tcp     nowait  root    /usr/local/tcpd/bin/tcpd @DIR@/sbin/in.rshd
"""
HOSTS_FILES = {"hosts.allow": "in.ftpd : 127.0.0.\n", "hosts.deny": "in.telnetd in.ftpd : ALL\n"}
HOSTS_OPTIONS = ["--hosts-allow", "@DIR@/hosts.allow", "--hosts-deny", "@DIR@/hosts.deny"]


def test_lines_with_tcpd_ask_the_hosts_files_and_start_the_real_server() -> None:
    servers = {f"sbin/{name}": SERVER for name in ("in.ftpd", "in.telnetd", "in.rshd")}
    with running(WRAPPED, HOSTS_OPTIONS, files=servers | HOSTS_FILES) as daemon:
        answer = net.tcp(FTP, host="127.0.52.1")
        assert answer == b"in.ftpd called with -l as root for 127.0.0.1\n"
        assert net.tcp(TELNET, host="127.0.52.1") == b""
        assert net.tcp(FTP, host="127.0.52.1", source="127.9.0.1") == b""
        assert net.tcp(SHELL, host="127.0.52.1").startswith(b"in.rshd called with")
        daemon.wait_for_log("hosts.deny:1")


XINETD = """
#
# Simple configuration file for xinetd
#
# Some defaults, and include /etc/xinetd.d/

defaults
{
        instances               = 60
        log_type                = SYSLOG authpriv
        log_on_success          = HOST PID
        log_on_failure          = HOST
        bind                    = 127.0.53.1
}

includedir @DIR@/xinetd.d
"""
TELNET_FILE = """
# default: on
# description: The telnet server serves telnet sessions; it uses \\
#       unencrypted username/password pairs for authentication.
service telnet
{
\t\tflags           = REUSE
\t\tsocket_type     = stream\x20\x20
\t\twait            = no
\t\tuser            = root
\t\tserver          = @DIR@/sbin/in.telnetd
\t\tlog_on_failure  += USERID
}
"""
DISABLED_FILE = stanza(
    "tftp", socket_type="dgram", protocol="udp", wait="yes", server="/bin/true", disable="yes"
)


def test_red_hats_xinetd_conf_with_its_directory() -> None:
    files = {
        "xinetd.d/telnet": TELNET_FILE,
        "xinetd.d/tftp": DISABLED_FILE,
        "xinetd.d/telnet.rpmsave": "left over",
        "sbin/in.telnetd": SERVER,
    }
    with running(XINETD, files=files):
        answer = net.tcp(TELNET, host="127.0.53.1")
        assert answer == b"in.telnetd called with  as root for 127.0.0.1\n"


def test_an_old_defaults_flag_does_not_keep_the_services_from_starting() -> None:
    files = {"xinetd.d/telnet": TELNET_FILE, "sbin/in.telnetd": SERVER}
    with running(XINETD.replace("= HOST\n", "= HOST RECORD\n"), files=files) as daemon:
        assert net.tcp(TELNET, host="127.0.53.1").startswith(b"in.telnetd")
        assert "RECORD" in daemon.log()


ONE_LINE = """
defaults { instances = 60 log_type = FILE @DIR@/service.log log_on_success = HOST PID log_on_failure = HOST RECORD }

includedir @DIR@/xinetd.d
"""
GENERATED_LINE = (
    "service telnet { socket_type = stream protocol = tcp wait = no user = root flags = NAMEINARGS "
    "server = /usr/local/tcpd/bin/tcpd server_args = @DIR@/sbin/in.telnetd bind = 127.0.57.1 }"
)
ONE_LINE_TELNET = f"""
    # Edit /local/etc/inetd.conf.local and re-run mkinetd.conf instead.
    #

{GENERATED_LINE}
"""


def test_files_whose_line_ends_were_lost_run() -> None:
    files = {"xinetd.d/telnet": ONE_LINE_TELNET, "sbin/in.telnetd": SERVER}
    hosts = {"hosts.allow": "", "hosts.deny": "in.telnetd : 127.9.0.1\n"}
    with running(ONE_LINE, HOSTS_OPTIONS, files=files | hosts) as daemon:
        assert net.tcp(TELNET, host="127.0.57.1").startswith(b"in.telnetd called with  as root")
        assert net.tcp(TELNET, host="127.0.57.1", source="127.9.0.1") == b""
        daemon.wait_for_log("connection.refused")


ADDRESSES = TELNET_FILE.replace("}\n", "\tonly_from = 128.138.202.0/24\n\tonly_from += 127.0.0.0/24\n}\n")


def test_only_from_narrows_who_may_connect() -> None:
    files = {"xinetd.d/telnet": ADDRESSES, "sbin/in.telnetd": SERVER}
    with running(XINETD, files=files):
        assert net.tcp(TELNET, host="127.0.53.1").startswith(b"in.telnetd")
        assert net.tcp(TELNET, host="127.0.53.1", source="127.0.1.1") == b""


GENERATED = """
#
# Warning, this is a *generated* file.
# Any changes you make WILL be overwritten.
#

service telnet
{
        socket_type     = stream
        protocol        = tcp
        wait            = no
        user            = root
        flags           = NAMEINARGS
        server          = /usr/local/tcpd/bin/tcpd
        server_args     = @DIR@/sbin/in.telnetd
        bind            = 127.0.54.1
}
"""


def test_a_generated_stanza_with_nameinargs_and_tcpd() -> None:
    files = {"sbin/in.telnetd": SERVER, "hosts.allow": "", "hosts.deny": "in.telnetd : 127.9.\n"}
    with running(GENERATED, HOSTS_OPTIONS, files=files):
        answer = net.tcp(TELNET, host="127.0.54.1")
        assert answer == b"in.telnetd called with  as root for 127.0.0.1\n"
        assert net.tcp(TELNET, host="127.0.54.1", source="127.9.0.1") == b""
