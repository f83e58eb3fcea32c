"""What one step of admission is: ``Check``; and the steps that count and measure."""

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from superd.access import times
from superd.access.bans import Bans
from superd.access.facts import ClientFacts
from superd.access.limits import Counters, SourceRates, Window
from superd.access.verdict import Step, Verdict
from superd.config.model import Rate, SourcePrefix, SourceRate, TimeSpan
from superd.config.origin import Origin
from superd.config.written import Written
from superd.service import Peer


class Decide(Protocol):
    """One step for one service; ``None``: nothing to say."""

    def __call__(
        self, peer: Peer, facts: ClientFacts | None, wall: float, monotonic: float, /
    ) -> Verdict | None:
        """Decide about a peer.

        ``facts`` is what was found out about it, ``None`` at first. ``wall`` and ``monotonic`` are the two clocks
        in seconds.
        """


class Check(NamedTuple):
    """A step as it is configured; ``rule`` and ``origin`` are what ``superd explain`` shows when it passes."""

    step: Step
    decide: Decide
    rule: str
    origin: Origin | None
    once: bool = False
    """It counts the attempt, so it must be asked once for each client, however often the others are."""


class Pause(Protocol):
    """Holds until when a service is paused."""

    paused_until: float
    """CLOCK_MONOTONIC in seconds."""


def rate(pause: Pause, written: Written[Rate]) -> Check:
    """``cps`` and its like: too many attempts pause the whole service."""
    rate = written.value
    words = f"cps = {rate.starts} {rate.pause}"
    if rate.window is not None:
        words = f"at most {rate.starts} starts in {rate.window} seconds, then a pause of {rate.pause}"
    refused = Verdict(False, Step.RATE, words, written.origin)
    window = Window(rate)

    def decide(_peer: Peer, _facts: ClientFacts | None, _wall: float, monotonic: float, /) -> Verdict | None:
        if monotonic < pause.paused_until:
            return refused
        if not window.trips(monotonic):
            return None
        pause.paused_until = monotonic + rate.pause
        return refused

    return Check(Step.RATE, decide, words, written.origin, once=True)


def load(written: Written[float], load_average: Callable[[], float]) -> Check:
    """``max_load``."""
    words = f"max_load = {written.value:g}"
    refused = Verdict(False, Step.LOAD, words, written.origin)

    def decide(_peer: Peer, _facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        return refused if load_average() >= written.value else None

    return Check(Step.LOAD, decide, words, written.origin)


def hours(spans: tuple[TimeSpan, ...], origin: Origin) -> Check:
    """``access_times``, in local time, with daylight saving as the system has it."""
    place = spans[0].origin if spans else origin
    words = f"access_times {' '.join(map(str, spans))}".rstrip()
    refused = Verdict(False, Step.TIME, words, place)
    allowed = {id(span): Verdict(True, None, f"access_times {span}", span.origin) for span in spans}

    def decide(_peer: Peer, _facts: ClientFacts | None, wall: float, _monotonic: float, /) -> Verdict | None:
        now = time.localtime(wall)
        span = times.within(spans, now.tm_wday, 60 * now.tm_hour + now.tm_min)
        return refused if span is None else allowed[id(span)]

    return Check(Step.TIME, decide, words, place)


def instances(counters: Counters, written: Written[int]) -> Check:
    """``instances``."""
    words = f"instances = {written.value}"
    refused = Verdict(False, Step.INSTANCES, words, written.origin)

    def decide(_peer: Peer, _facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        return refused if counters.total >= written.value else None

    return Check(Step.INSTANCES, decide, words, written.origin)


def per_source(counters: Counters, written: Written[int], prefix: SourcePrefix) -> Check:
    """``per_source``: bounds each source; a client of a Unix socket has no address and is not bounded."""
    words = f"per_source = {written.value}{prefix}"
    refused = Verdict(False, Step.PER_SOURCE, words, written.origin)
    most = written.value

    def decide(peer: Peer, _facts: ClientFacts | None, _wall: float, _monotonic: float, /) -> Verdict | None:
        return refused if peer.host and counters.of(peer.host) >= most else None

    return Check(Step.PER_SOURCE, decide, words, written.origin)


def source_rate(written: Written[SourceRate]) -> Check:
    """``rate``, and FreeBSD's connections per minute: refuse a source that comes too often, and nobody else."""
    words = f"rate = {written.value}"
    refused = Verdict(False, Step.PER_SOURCE, words, written.origin)
    rates = SourceRates(written.value)

    def decide(peer: Peer, _facts: ClientFacts | None, _wall: float, monotonic: float, /) -> Verdict | None:
        return refused if peer.host and rates.exceeded(peer.host, monotonic) else None

    return Check(Step.PER_SOURCE, decide, words, written.origin, once=True)


def banned(bans: Bans) -> Check:
    """The list of those who touched a sensor. xinetd says "address" of them, too."""
    find = bans.find

    def decide(peer: Peer, _facts: ClientFacts | None, _wall: float, monotonic: float, /) -> Verdict | None:
        ban = find(peer.host, monotonic)
        if ban is None:
            return None
        return Verdict(False, Step.ADDRESS, f"{ban} is banned by sensor {ban.sensor}", ban.origin)

    return Check(Step.ADDRESS, decide, "nobody who touched a sensor", None)
