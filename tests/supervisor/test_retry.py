"""``Retries``: growing waits, a limit, and forgetting."""

from superd.supervisor.retry import DELAYS, Retries


def test_waits_grow_to_a_minute_and_stay_there() -> None:
    retries = Retries()
    delays = [retries.failed() for _ in range(8)]
    assert delays == [1, 2, 5, 10, 30, 60, 60, 60]
    assert list(DELAYS) == sorted(DELAYS)


def test_a_new_configuration_starts_afresh() -> None:
    retries = Retries()
    retries.failed()
    retries.failed()
    retries.clear()
    assert retries.failed() == DELAYS[0]
