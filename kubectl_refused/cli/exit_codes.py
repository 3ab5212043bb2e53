"""The exit codes, which scripts rely on."""

from __future__ import annotations

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis, DiagnosisList, Explanation, FailOn, Report, Scan, ScanRow

NO_FAULT = 0
PROVED = 1
USAGE = 2
NOT_PROVED = 3
NO_CLUSTER = 4
CRASH = 70  # EX_SOFTWARE of sysexits(3)
SIGNAL = 128  # plus the signal's number, as shells do

MEANINGS: dict[int, str] = {
    NO_FAULT: "no fault at the depth asked, which the report states",
    PROVED: "a fault was proved",
    USAGE: "wrong usage",
    NOT_PROVED: "it fails or could not be judged, and no cause is proved",
    NO_CLUSTER: "no cluster or no credentials",
    CRASH: "the program itself failed",
    SIGNAL + 2: "interrupted (Ctrl-C)",
    SIGNAL + 15: "terminated (SIGTERM)",
}


def exit_code(report: Report) -> int:
    """0, 1 or 3 for a report; of several diagnoses 1 beats 3 beats 0."""
    if isinstance(report, Scan):
        codes = {_of_row(row, report.fail_on) for row in report.rows}
        codes |= set() if report.complete else {NOT_PROVED}
    elif isinstance(report, Explanation):
        codes = {_of(item) for item in report.items}
        # An address that is nobody's, or a text without any: there is no saying that all is well.
        codes |= set() if report.works and all(one.target for one in report.mentions) else {NOT_PROVED}
        codes |= set() if report.complete else {NOT_PROVED}
    else:
        items = report.items if isinstance(report, DiagnosisList) else (report,)
        codes = {_of(item) for item in items}
    return next((code for code in (PROVED, NOT_PROVED) if code in codes), NO_FAULT)


def _of_row(row: ScanRow, fail_on: FailOn) -> int:
    """1 from the certainty on that is to fail a scan; `any` has what fails without a cause or is idle too."""
    if row.state in ("works", "ignored"):
        return NO_FAULT
    if row.state == "idle":
        return PROVED if fail_on == "any" and row.code else NO_FAULT
    failing = {"proved": ("proved",), "likely": ("proved", "likely"), "any": ("proved", "likely", "possible", "")}
    return PROVED if row.certainty in failing[fail_on] else NOT_PROVED


def _of(diagnosis: Diagnosis) -> int:
    roots = [diagnosis.root, *(root for path in diagnosis.paths for root in (path.root, *path.chain))]
    found = [root for root in roots if root is not None]
    if any(root.certainty is Certainty.PROVED for root in found):
        return PROVED
    if found:
        return NOT_PROVED
    if diagnosis.paths and all(path.overlooked for path in diagnosis.paths):
        return NO_FAULT
    if not diagnosis.complete:
        return NOT_PROVED
    # Where nothing may be dialled, untried is all there is to say; anywhere else it is a question left open.
    fine = {Outcome.ACCEPTED} | ({Outcome.UNTRIED} if diagnosis.depth == "objects" else set())
    return NO_FAULT if diagnosis.outcome in fine else NOT_PROVED
