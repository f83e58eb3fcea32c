"""Plays readable dialogues with a stream machine: ``played`` gives the transcript that really took place.

Each line of a transcript is an event or what came of it:

    C: text         the client sends this line, with CR LF
    C~ text         the client sends these bytes and no line end
    ! eof           the client closes its half
    ! timeout       the machine's timer fires
    S: text         the machine sends this line, with CR LF
    S~ text         the machine sends bytes without a line end
    S. timer 60     the machine sets its timer
    S. close        the machine closes; whatever follows does not happen

Calls are done at once, unless ``do`` does something else with them.
"""

from collections.abc import Callable, Iterable, Iterator

from superd.service import (
    Action,
    Call,
    Close,
    Connected,
    Eof,
    Peer,
    Raised,
    Received,
    Returned,
    Send,
    SetTimer,
    StreamEvent,
    StreamMachine,
    TimedOut,
)

CLIENT = Peer("192.0.2.1", 4000, "192.0.2.2", 113)
NOW = 1795291166.75
"""21 November 2026, 19:59:26 UTC."""

_EVENTS: dict[str, StreamEvent] = {"! eof": Eof(), "! timeout": TimedOut()}


def done(call: Call) -> StreamEvent:
    """Do the work of a call here and now."""
    try:
        return Returned(call.work())
    except Exception as error:  # noqa: BLE001 - the machine decides what it means
        return Raised(error)


def answers(
    machine: StreamMachine, events: Iterable[StreamEvent], do: Callable[[Call], StreamEvent] = done
) -> Iterator[list[Action]]:
    """Feed the events and yield what came of each, until the machine closes. Calls are not shown."""
    for event in events:
        actions: list[Action] = []
        waiting = [event]
        while waiting:
            for action in machine.handle(waiting.pop()):
                if isinstance(action, Call):
                    assert not waiting, "a connection has one call at a time"
                    waiting.append(do(action))
                else:
                    actions.append(action)
        yield actions
        if any(isinstance(action, Close) for action in actions):
            assert isinstance(actions[-1], Close), "nothing comes after Close"
            return


def played(
    machine: StreamMachine, script: str, peer: Peer = CLIENT, do: Callable[[Call], StreamEvent] = done
) -> str:
    """Feed the client's part of a transcript; return the whole as it happened."""
    lines = [line.strip() for line in script.strip().splitlines()]
    client = [line for line in lines if not line.startswith("S")]
    events = [Connected(peer, NOW), *map(_event, client)]
    seen: list[str] = []
    for said, actions in zip(["", *client], answers(machine, events, do), strict=False):
        seen += [said] if said else []
        seen += _shown(actions)
    return "\n".join(seen)


def same(script: str) -> str:
    """A transcript as ``played`` gives it, without indentation."""
    return "\n".join(line.strip() for line in script.strip().splitlines())


def _event(line: str) -> StreamEvent:
    if line in _EVENTS:
        return _EVENTS[line]
    data = line[2:].removeprefix(" ").encode("utf-8")
    return Received(data + b"\r\n" if line.startswith("C:") else data)


def _shown(actions: Iterable[Action]) -> Iterator[str]:
    sent = b"".join(action.data for action in actions if isinstance(action, Send))
    *lines, rest = sent.decode("utf-8", "backslashreplace").split("\r\n")
    yield from (f"S: {line}".rstrip() for line in lines)
    if rest:
        yield f"S~ {rest}"
    for action in actions:
        if isinstance(action, SetTimer):
            yield f"S. timer {action.seconds:g}"
        elif isinstance(action, Close):
            yield "S. close"
