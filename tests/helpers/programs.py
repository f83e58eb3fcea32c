"""Small servers to start, as texts for ``running(files=...)``; sh and perl-base are on every Debian."""

import os
import pwd

USER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
"""Whom programs are configured to run as: someone the test's daemon can become."""

INTERNAL_SIGNALS = 0b11 << 31
"""Bits of signals 32 and 33 in SigIgn: glibc's posix_spawn(3) leaves its own two ignored, until it needs them."""

FACTS = r"""#!/bin/sh
# Tells the client what this program sees: one "name value" per line.
echo "argv0 $0"
for word; do echo "arg $word"; done
echo "cwd $(pwd)"
echo "umask $(umask)"
echo "same $(readlink /proc/$$/fd/0) $(readlink /proc/$$/fd/1) $(readlink /proc/$$/fd/2)"
echo "nofile $(ulimit -n)"
read -r pid comm state ppid pgrp session tty rest < /proc/$$/stat
[ "$session" = "$pgrp" ] && [ "$pid" = "$session" ] && echo "session own"
echo "tty $tty"
# sed tells about itself: while the shell waits for it, the shell has SIGCHLD blocked.
sed -n 's/^\(Uid\|Gid\|Groups\|SigBlk\|SigIgn\|CapEff\):\t*/status \1 /p' /proc/self/status
env | sed 's/^/env /'
"""

DGRAM_ANSWER = r"""#!/usr/bin/perl
# A wait server for datagrams: answers what is queued until 0.2 s pass without one, then ends.
use Socket;
open(my $s, '+<&=', 0) or die;
my $bits = '';
vec($bits, 0, 1) = 1;
while (select(my $ready = $bits, undef, undef, 0.2)) {
    my $from = recv($s, my $data, 65536, 0);
    send($s, "$$ $data", 0, $from);
}
"""

DGRAM_ONE = r"""#!/usr/bin/perl
# A wait server that takes exactly one datagram and ends.
open(my $s, '+<&=', 0) or die;
my $from = recv($s, my $data, 65536, 0);
send($s, "one $data", 0, $from);
"""

STREAM_WAIT = r"""#!/usr/bin/perl
# A wait server for streams: accepts connections until 0.2 s pass without one, greets each, then ends.
use Socket;
open(my $s, '+<&=', 0) or die;
my $bits = '';
vec($bits, 0, 1) = 1;
while (select(my $ready = $bits, undef, undef, 0.2)) {
    accept(my $client, $s) or next;
    syswrite($client, "accepted by $$\n");
    close($client);
}
"""

EXIT_STATUS = """#!/bin/sh
# Says so and ends with status 7.
echo leaving
exit 7
"""

HOLD = """#!/bin/sh
# Greets, and stays until the client hangs up.
echo "held by $$"
exec cat > /dev/null
"""
