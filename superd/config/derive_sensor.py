"""A sensor: a service that serves nobody (flags = SENSOR), so that it needs neither a program nor a user.

xinetd.conf(5) says the same ("no matter what is typed"), but xinetd looks for the server and the user first.
"""

from collections.abc import Iterator

from superd import builtins
from superd.config import attributes
from superd.config.context import Context
from superd.config.model import Sensor


def derive_sensor(context: Context) -> Sensor:
    """Derive the sensor; what a service would have needed is only remarked on."""
    flag = context.origin_of(context.written.flags, "SENSOR")
    for reason in _obstacles(context):
        text = f"{reason}; a sensor serves nobody and needs none"
        context.warning("sensor-without-program", flag, text, xinetd="does not start the service")
    if not context.streams and context.written.deny_time is not None:
        text = "deny_time: senders of datagrams can be forged, so that this sensor only logs them"
        origin = context.written.deny_time.origin
        context.warning("sensor-of-datagrams", origin, text, xinetd="shuts out whoever a datagram names")
    for name, words in context.written.options.items():
        origin = words[0].origin if words else context.written.origin
        context.failed |= attributes.report_unknown(name, origin, context.report)
    return Sensor()


def _obstacles(context: Context) -> Iterator[str]:
    """What would keep the service from being started without the flag."""
    written = context.written
    if context.internal:
        if builtins.find(written.name.lower(), ()) is None:
            yield f"there is no built-in {written.name}"
        return
    if written.user is None:
        yield "there is no user"
    elif context.machine.user(written.user.value) is None and not written.user.value.isdigit():
        yield f"there is no user {written.user.value}"
    if written.server is None and written.redirect is None:
        yield "there is no server"
    elif written.server is not None and (obstacle := context.machine.obstacle(written.server.value)):
        yield f"server {written.server.value} {obstacle}"
