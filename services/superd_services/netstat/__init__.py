"""The netstat service: the sockets of this machine. No RFC describes it.

Nouns: an ``Entry`` is one socket of the kernel's table (``table``); ``inet_diag`` and ``proc_net`` read the two forms
in which the kernel shows it, ``system`` asks for them, ``protocol`` writes the answer. ident asks here as well.
"""

from functools import lru_cache
from typing import Final

from pydantic import Field

from superd.service import BuiltinService, Options
from superd_services.netstat.inet_diag import EVERY_STATE
from superd_services.netstat.protocol import View, render
from superd_services.netstat.system import LISTENING, sockets
from superd_services.recent import Recent
from superd_services.single_answer import AnswerStream

ROWS_LIMIT: Final = 10_000
"""Rows that can be asked for: about a megabyte of text, which the slowest reader holds as long as it likes."""


class NetstatOptions(Options):
    """The attributes of netstat."""

    show: View = View.ALL
    """``all``, ``listening``, or ``connections``."""
    rows: int = Field(default=1000, ge=1, le=ROWS_LIMIT)
    """Sockets shown at most; how many are left out is said."""


def stream(options: Options) -> AnswerStream:
    """Make the machine of one connection."""
    chosen = options if isinstance(options, NetstatOptions) else NetstatOptions()
    text = _text(chosen.show, chosen.rows)
    return AnswerStream(lambda _now: text.get())


@lru_cache(maxsize=64)
def _text(view: View, rows: int) -> Recent[bytes]:
    """One text for all connections of a worker that want the same."""
    states = LISTENING if view is View.LISTENING else EVERY_STATE
    return Recent(lambda: render(sockets(("tcp", "udp"), states), view, rows))


SERVICE = BuiltinService(
    name="netstat",
    summary="shows the sockets of this machine",
    options=NetstatOptions,
    stream=stream,
)

__all__ = ["SERVICE"]
