"""`-o junit`: valid for who reads JUnit, whatever the report holds, and as the exit codes have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_refused.cli.exit_codes import exit_code
from kubectl_refused.judge.scanning import row_of
from kubectl_refused.model.items import items_of
from kubectl_refused.model.report import DiagnosisList, FailOn, Report

from . import hostile, samples
from .streams import rendered
from .test_scan import scan

SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[1] / "schemas" / "junit-10.xsd")
unhurried = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
reports = st.one_of(hostile.diagnoses, hostile.lists)


def written(report: Report, encoding: str = "utf-8") -> ElementTree.Element:
    text = rendered(report, form="junit", encoding=encoding)
    SCHEMA.validate(text)
    return ElementTree.fromstring(text)


def kinds(root: ElementTree.Element) -> list[str]:
    """What became of each case; a case that passed has no word of its own."""
    results = ({part.tag for part in case} for case in root.iter("testcase"))
    return [next(iter(tags & {"failure", "error", "skipped"}), "passed") for tags in results]


@unhurried
@given(report=reports, encoding=st.sampled_from(("utf-8", "ascii")))
def test_any_report_is_valid(report: Report, encoding: str) -> None:
    root = written(report, encoding)
    assert len(root.findall("testsuite")) == len(items_of(report))
    assert int(root.get("tests", "")) == len(kinds(root))
    assert int(root.get("failures", "")) == kinds(root).count("failure")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (samples.refused, "failure"),
        (samples.rejected, "failure"),
        (samples.offline, "failure"),
        (samples.suspected, "error"),
        (samples.unknown, "error"),
        (samples.unexplained, "error"),
        (samples.quiet, "skipped"),
        (samples.works, "passed"),
    ],
)
def test_a_case_ends_as_its_path_does(make: Any, kind: str) -> None:
    assert kinds(written(make())) == [kind]


@unhurried
@given(report=reports)
def test_failures_and_errors_are_those_of_the_exit_codes(report: Report) -> None:
    items = [d for d in items_of(report) if d.paths and d.root == d.paths[0].root]
    items = [d for d in items if any(p.outcome == d.outcome for p in d.paths)]
    items = [d for d in items if all(p.root or not p.chain for p in d.paths)]  # none follows none
    found = set(kinds(written(DiagnosisList(items=tuple(items)))))
    code = exit_code(DiagnosisList(items=tuple(items)))
    assert ("failure" in found) == (code == 1)
    assert ("error" in found) >= (code == 3)


def test_a_failure_says_what_to_do() -> None:
    (failure,) = written(samples.rejected()).iter("failure")
    assert failure.get("message") == "svc/cart:80 is rejected: its selector matches no pod"
    assert failure.get("type") == "KR201/selector-matches-nothing"
    assert samples.COMMAND in (failure.text or "")
    assert "nearest: deployment/cart has tier=c0re, 3 pods" in (failure.text or "")


def test_two_targets_of_one_name_stay_two_suites() -> None:
    report = DiagnosisList(items=(samples.refused(), samples.refused()))
    assert len(written(report).findall("testsuite")) == 2


def test_every_client_is_a_case() -> None:
    names = [case.get("name") for case in written(samples.twelve_nodes()).iter("testcase")]
    assert len(set(names)) == 12


@pytest.mark.parametrize(
    ("fail_on", "expected"),
    [
        ("proved", ("failure", "error", "error", "skipped", "passed")),
        ("likely", ("failure", "failure", "error", "skipped", "passed")),
        ("any", ("failure", "failure", "failure", "failure", "passed")),
    ],
)
def test_a_scan_fails_for_what_it_is_told_to_fail_for(fail_on: FailOn, expected: tuple[str, ...]) -> None:
    """Failures are there where the scan exits with 1, row by row."""
    made = {"admin": samples.refused(), "perhaps": samples.suspected(), "nobody": samples.unexplained()}
    items = {name: replace(one, target=f"svc/{name}", changed=()) for name, one in made.items()}
    rows = {name: row_of(one, None) for name, one in items.items()}
    rows["old"] = replace(
        rows["admin"], target="svc/old", state="idle", code="KR205", name="zero-replicas", says="scaled to 0"
    )
    rows["web"] = row_of(replace(samples.works(), target="svc/web"), None)
    for (name, row), kind in zip(rows.items(), expected, strict=True):
        item = (items[name],) if name in items else ()
        report = scan(row, items=item, fail_on=fail_on)
        assert kinds(written(report)) == [kind], name
        assert (exit_code(report) == 1) is (kind == "failure"), name
