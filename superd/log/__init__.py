"""What superd writes down: its own events (structlog), and the lines that a service's ``log_type`` asks for.

Flow: ``structlog.get_logger().info(events.NAME, key=value)`` -> ``render`` makes bytes -> an ``outlet`` takes
them without ever waiting. ``service`` writes xinetd's lines (``xinetd``) to the same kinds of outlets:
``files`` and ``syslog``. ``configure`` is called once in the supervisor, before it forks.
"""

from superd.log.configure import configure, descriptors, flush, identify

__all__ = ["configure", "descriptors", "flush", "identify"]
