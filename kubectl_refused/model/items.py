"""The diagnoses of any kind of report, for whoever tells them one by one."""

from __future__ import annotations

from .report import Diagnosis, Report


def items_of(report: Report) -> tuple[Diagnosis, ...]:
    """The single diagnosis, or those of a list, in the report's order; a kind that tells more has `items` too."""
    return (report,) if isinstance(report, Diagnosis) else report.items
