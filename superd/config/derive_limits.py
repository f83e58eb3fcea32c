"""Bounds on load: instances, per_source, cps, rate, max_load, idle_timeout and inetd's starts per minute."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from superd import builtins
from superd.config import values
from superd.config.context import Context
from superd.config.model import Limits, Rate, SourceRate
from superd.config.written import Word, Written

T = TypeVar("T")

DEFAULT_CPS: Final = Rate(starts=50, window=None, pause=10)
"""What xinetd applies when no cps is written."""

MINUTE: Final = 60
RATE_PAUSE: Final = 600
"""Seconds inetd closes a service for that was started too often (inetd(8))."""


def derive_limits(context: Context) -> Limits:
    """Derive every bound; errors are reported."""
    written = context.written
    idle = context.value("idle_timeout", written.idle_timeout, values.seconds)
    return Limits(
        instances=_written(context, "instances", written.instances, values.count),
        **_per_source(context),
        cps=_rate(context),
        max_load=_written(context, "max_load", written.max_load, lambda text: _load(context, text)),
        source_rates=tuple(_source_rates(context)),
        **({} if idle is None else {"idle_timeout": idle}),
    )


def _written(
    context: Context, name: str, word: Word | None, parse: Callable[[str], T | None]
) -> Written[T] | None:
    value = context.value(name, word, parse)
    return None if word is None or value is None else Written(value=value, origin=word.origin)


def _per_source(context: Context) -> dict[str, Any]:
    word = context.written.per_source
    found = context.value("per_source", word, values.per_source)
    if word is None or found is None:
        return {}
    most, prefix = found
    return {"per_source": Written(value=most, origin=word.origin), "per_source_prefix": prefix}


def _source_rates(context: Context) -> Iterator[Written[SourceRate]]:
    """Both ``rate`` and FreeBSD's second number hold if both are written."""
    words = context.written.rate
    if words is not None:
        text = Word(value=" ".join(word.value for word in words), origin=words[0].origin)
        rate = context.value("rate", text, lambda joined: values.source_rate(tuple(joined.split(" "))))
        if rate is not None:
            yield Written(value=rate, origin=text.origin)
    minutely = context.written.source_rate_per_minute
    number = context.value("source_rate_per_minute", minutely, values.positive)
    if minutely is not None and number is not None:
        yield Written(value=SourceRate(count=number, period=MINUTE, burst=number), origin=minutely.origin)


def _load(context: Context, text: str) -> float:
    number, rest = values.load_average(text)
    word = context.written.max_load
    if rest and word is not None:
        context.warning("number-with-text", word.origin, f"max_load: {rest!r} behind the number is ignored")
    return number


def _rate(context: Context) -> Written[Rate] | None:
    written = context.written
    word = written.rate_per_minute
    if word is not None:
        starts = context.value("rate_per_minute", word, values.positive)
        rate = Rate(starts=starts, window=MINUTE, pause=RATE_PAUSE) if starts else None
        return Written(value=rate, origin=word.origin) if rate else None
    if written.cps is None and _is_conversation(context):
        return None
    if written.cps is None:
        default: Written[Rate] = Written(value=DEFAULT_CPS, origin=written.origin)
        return default if written.dialect == "xinetd" else None
    first, second = written.cps
    negative = next((word for word in (first, second) if word.value.startswith("-")), None)
    if negative is not None:
        text = f"cps: {negative.value} is less than 0"
        context.error("negative-rate", negative.origin, text, xinetd="takes it for another number")
        return None
    starts = context.value("cps", first, lambda text: values.integer(text, 0))
    pause = context.value("cps", second, lambda text: values.integer(text, 0))
    if not starts or pause is None:
        return None
    return Written(value=Rate(starts=starts, window=None, pause=pause), origin=first.origin)


def _is_conversation(context: Context) -> bool:
    """Whether each request is a part of something longer (a boot of many files), which a pause would break."""
    service = builtins.find(context.written.name.lower()) if context.internal else None
    return service is not None and bool(service.transfers or service.links)
