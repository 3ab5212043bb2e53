"""`-o junit`: valid for who reads JUnit, whatever the report holds, and as the exit codes have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.cli.exit_codes import exit_code
from kubectl_refused.model.items import items_of
from kubectl_refused.model.report import DiagnosisList, Report

from . import hostile, samples
from .streams import rendered

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
