"""``Retries``: growing waits, a limit, and forgetting."""

from superd.supervisor.retry import DELAYS, Retries


def test_waits_grow_to_a_minute_and_stay_there() -> None:
    retries: Retries[str] = Retries()
    delays = [retries.failed("tftp", 0) for _ in range(8)]
    assert delays == [1, 2, 5, 10, 30, 60, 60, 60]
    assert list(DELAYS) == sorted(DELAYS)


def test_a_thing_is_due_when_its_wait_is_over() -> None:
    retries: Retries[str] = Retries()
    retries.failed("tftp", 100)
    retries.failed("tftp", 101)
    retries.failed("echo", 101.5)
    assert retries.next_due() == 102.5
    assert retries.due(102.4) == ()
    assert retries.due(102.5) == ("echo",)
    assert retries.due(103) == ("tftp", "echo")


def test_what_worked_starts_afresh() -> None:
    retries: Retries[str] = Retries()
    retries.failed("tftp", 0)
    retries.failed("tftp", 0)
    retries.forget("tftp")
    retries.forget("never heard of")
    assert retries.next_due() is None
    assert retries.failed("tftp", 0) == DELAYS[0]


def test_a_new_configuration_forgets_everything() -> None:
    retries: Retries[int] = Retries()
    retries.failed(1, 0)
    retries.failed(2, 0)
    retries.clear()
    assert retries.due(1e9) == ()
