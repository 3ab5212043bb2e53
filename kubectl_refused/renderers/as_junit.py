"""`-o junit`: one suite per target, one case per path; what CI systems show as tests.

A proved fault is a failure; of a scan, what --fail-on says. What else fails, or could not be judged, is an error;
what nobody dialled is skipped. So a run has failures when it exits with 1, errors and no failure when with 3,
neither when with 0.
"""

from __future__ import annotations

from typing import Any, TextIO

import junitparser

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.report import Diagnosis, FailOn, Report, Root, Scan, ScanRow
from kubectl_refused.patterns import lazily

from .base import Style
from .data import encodable
from .paths import Standing
from .telling import Told, changes_of, claims, gaps_of, line, refusals_of, rows_beside, tellings, verbatim

# XML 1.0, 2.2: Char. The parser of whoever reads it stops at any other, escaped or not.
_NO_XML = lazily("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_Junit: Any = junitparser  # its functions carry no types


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write XML, indented; on a stream that cannot hold a character, by its number."""
    from xml.etree import ElementTree

    root = _Junit.JUnitXml("kubectl refused")
    fail_on: FailOn = report.fail_on if isinstance(report, Scan) else "proved"
    for number, told in enumerate(tellings(report, all_paths=True)):
        root.append(_suite(told, number, fail_on))  # add_testsuite compares each with all others
    for row in rows_beside(report):
        root.append(_row(row, len(root), fail_on))
    if refused := refusals_of(report):
        root.append(_refused(refused, len(root)))
    root.update_statistics()
    for suite in [root, *root]:
        suite._elem.attrib.pop("time", None)  # a duration of ours would be no test's
    root._elem.attrib.pop("skipped", None)  # the schema has it on suites only
    whole = ElementTree.fromstring(root.tostring())
    ElementTree.indent(whole)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(whole, encoding="unicode") + "\n"
    if not encodable(text, out.encoding):
        text = text.encode("ascii", "xmlcharrefreplace").decode()
    out.write(text)


def _suite(told: list[Told], number: int, fail_on: FailOn) -> Any:
    diagnosis = told[0].diagnosis
    suite = _Junit.TestSuite(_whole_name(diagnosis))
    suite._elem.set("id", str(number))
    for key, value in (("namespace", diagnosis.namespace), ("depth", diagnosis.depth)):
        suite.add_property(key, _fit(line(value)))
    seen: dict[str, int] = {}
    for one in sorted(told, key=lambda t: (t.path.port, t.path.family, t.path.vantage, t.path.entrance)):
        seen[one.name] = seen.get(one.name, 0) + 1
        again = f" ({seen[one.name]})" if seen[one.name] > 1 else ""
        suite.add_testcase(_case(one, again, fail_on))
    return suite


def _row(row: ScanRow, number: int, fail_on: FailOn) -> Any:
    """A Service of a scan that is not told in full: it works, is idle, or ignored."""
    fails = fail_on == "any" and row.state == "idle" and row.code
    suite = _Junit.TestSuite(_whole_name(row))
    suite._elem.set("id", str(number))
    case = _Junit.TestCase(_fit(line(row.target)) or "?", _whole_name(row))
    case._elem.attrib.pop("time", None)
    if row.state != "works":
        made = _Junit.Failure if fails else _Junit.Skipped
        kind = f"{row.code}/{row.name}" if fails else row.state
        case.result = [made(_fit(line(row.says)) or row.state, _fit(kind))]
    suite.add_testcase(case)
    return suite


def _refused(refused: list[str], number: int) -> Any:
    """What failed while a command ran, as errors: most of it is over, and nothing dialled it then."""
    suite = _Junit.TestSuite("refused meanwhile")
    suite._elem.set("id", str(number))
    for place, says in enumerate(refused, 1):
        case = _Junit.TestCase(f"connection {place}", "refused meanwhile")
        case._elem.attrib.pop("time", None)
        case.result = [_Junit.Error(_fit(says), "refused")]
        suite.add_testcase(case)
    return suite


def _case(told: Told, again: str, fail_on: FailOn) -> Any:
    case = _Junit.TestCase(_fit(told.name + again), _whole_name(told.diagnosis))
    case._elem.attrib.pop("time", None)
    message = _fit(told.sentence)
    if told.standing is Standing.WORKS:
        case.system_out = message
        return case
    if told.standing in (Standing.UNTRIED, Standing.IGNORED):
        case.result = [_Junit.Skipped(message, told.standing.value)]
        return case
    made = _Junit.Failure if _is_failure(told, fail_on) else _Junit.Error
    root = told.path.root
    result = made(message, _fit(f"{root.code}/{root.name}" if root else told.path.outcome.value))
    result.text = _fit(_text(told))
    case.result = [result]
    return case


def _is_failure(told: Told, fail_on: FailOn) -> bool:
    """Whether what does not work is what the run is to fail for (cli/exit_codes.py)."""
    likely = any(root.certainty is Certainty.LIKELY for root in told.faults)
    return fail_on == "any" or told.standing is Standing.FAULT or (fail_on == "likely" and likely)


def _whole_name(diagnosis: Diagnosis | ScanRow) -> str:
    """`shop.svc/web:80`; CI systems group by what stands before the last dot."""
    parts = (line(diagnosis.namespace), line(diagnosis.target))
    return _fit(".".join(filter(None, parts))) or "?"


def _text(told: Told) -> str:
    """Proof and fix of every fault, then what is not known."""
    blocks = [_fault(root, told) for root in told.faults]
    if news := changes_of(told.diagnosis):
        blocks.append("\n".join(["changed last:", *(f"  {one}" for one in news)]))
    if gaps := gaps_of(told.diagnosis):
        blocks.append("\n".join(["not checked:", *(f"  {gap}" for gap in gaps)]))
    return "\n\n".join([told.sentence, *blocks])


def _fault(root: Root, told: Told) -> str:
    lines = [f"{root.code} {root.name}, {root.certainty.value}: {line(root.says or root.headline)}"]
    lines += [f"  {claim}" for claim in claims(root, told.name)]
    if root.source:
        lines.append(f"  at: {line(root.source.file)}:{root.source.line}")
    if root.fix:
        lines.append(f"fix: {line(root.fix.summary)}")
        lines += verbatim(root.fix.command or "").splitlines()
        lines += [f"owner: {line(root.fix.owner)}"] if root.fix.owner else []
    return "\n".join(lines)


def _fit(text: str) -> str:
    """The text without what XML cannot hold; `]]>` and the like are escaped by whoever writes it."""
    return _NO_XML.sub("", text)
