"""``Programs``: a service whose connections each get a program of their own (stream, nowait)."""

import socket

from superd.net.poller import WRITABLE
from superd.worker.accepting import FAREWELL_TIMEOUT, Kind, StreamRuntime
from superd.worker.client import Client
from superd.worker.launchers import Launchers
from superd.worker.runtime import Setup
from superd.worker.starter import Starter


class Programs(StreamRuntime):
    """Accepts, decides, greets, and passes the connection on."""

    def __init__(
        self,
        setup: Setup,
        *,
        launchers: Launchers,
        names: tuple[str, ...],
    ) -> None:
        super().__init__(setup)
        self._starter = Starter(self, launchers, names)
        self._greeters: set[Greeter] = set()

    @property
    def live(self) -> int:
        """Programs, and clients that are still reading their banner."""
        return self._starter.count + len(self._greeters)

    @property
    def connections(self) -> int:
        """Clients that are still reading their banner."""
        return len(self._greeters)

    def stop(self) -> None:
        """Close the connections of clients that are still reading their banner; programs go on."""
        for greeter in tuple(self._greeters):
            greeter.idle()

    def serve(self, fd: int, kind: Kind, client: Client) -> None:
        """Have a program started on the connection, after the banner if there is one."""
        greeting = self.greeting(client)
        if not greeting:
            self._starter.launch(fd, client)
            return
        greeter = Greeter(self, socket.SocketType(*kind, fd), greeting, client)
        self._greeters.add(greeter)
        self.gate.enter(client.peer.host)
        greeter.start()

    def greeted(self, greeter: "Greeter", *, well: bool) -> None:
        """The banner was sent, or could not be."""
        self._greeters.discard(greeter)
        self.gate.leave(greeter.client.peer.host)
        if well:
            self._starter.launch(greeter.socket.detach(), greeter.client)
        else:
            greeter.socket.close()


class Greeter:
    """Sends a banner on a connection that a program will have; waits for a slow reader without holding up others."""

    __slots__ = ("_context", "_rest", "_runtime", "_watched", "active", "client", "due", "socket", "span")

    def __init__(self, runtime: Programs, sock: socket.SocketType, banner: bytes, client: Client) -> None:
        self._runtime = runtime
        self._context = runtime.context
        self._rest = banner
        self._watched = False
        self.socket = sock
        self.client = client
        self.active = self.due = 0
        self.span = runtime.context.wheel.span(FAREWELL_TIMEOUT)

    def start(self) -> None:
        """Send what fits now; in all but strange cases that is everything."""
        self.ready(WRITABLE)

    def idle(self) -> None:
        """The client does not read."""
        self._over(well=False)

    def ready(self, _events: int) -> None:
        """Send what fits (called by the poller)."""
        try:
            self._rest = self._rest[self.socket.send(self._rest, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            pass
        except OSError:
            self._over(well=False)
            return
        if not self._rest:
            self._over(well=True)
        elif not self._watched:
            self._watched = True
            self._context.wheel.add(self)
            self._context.poller.watch(self.socket.fileno(), self, WRITABLE)

    def _over(self, *, well: bool) -> None:
        if self._watched:
            self._context.wheel.remove(self)
            self._context.poller.forget(self.socket.fileno())
        self._runtime.greeted(self, well=well)
