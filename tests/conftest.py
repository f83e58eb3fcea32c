"""Skips what this machine can't run, and with ``SUPERD_REQUIRE_PEERS=1`` makes such a skip a failure."""

import os
from collections.abc import Generator

import pytest

REQUIRED = os.environ.get("SUPERD_REQUIRE_PEERS") == "1"
"""Set where everything has to be there (``.ci/run``), so that a missing peer can't hide a broken test."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marked = item.get_closest_marker("root") or item.get_closest_marker("peer")
    if REQUIRED and marked and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped although SUPERD_REQUIRE_PEERS=1: {report.longrepr}"
    return report
