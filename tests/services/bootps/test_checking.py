"""``superd check`` reads the table that a stanza names, and says what is wrong where it is wrong."""

from pathlib import Path

from helpers.configured import services
from helpers.stanza import internal
from superd.config.origin import Origin, Report, Severity


def test_a_mistake_in_a_table_is_a_warning_at_its_own_line_and_the_service_runs(tmp_path: Path) -> None:
    table = tmp_path / "bootptab"
    table.write_text("\na:zz\n")
    report = Report()
    text = internal("bootps", 6767, kind="dgram", user="nobody", bootptab=table)
    assert list(services(text, report))
    (found,) = report.diagnostics
    assert (found.severity, found.code) == (Severity.WARNING, "service-file")
    assert found.origin == Origin(str(table), 2)
    assert found.text == "zz: no such tag; the entry is left out"
