"""`-o sarif`: valid by the standard's own schema, and what code scanning needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.causes import catalogue
from kubectl_refused.model.report import DiagnosisList, Report, Source

from . import hostile, samples
from .streams import rendered, steering

SCHEMA = json.loads((Path(__file__).parents[1] / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)
unhurried = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def written(report: Report, encoding: str = "utf-8") -> dict[str, Any]:
    text = rendered(report, form="sarif", encoding=encoding)
    assert steering(text) == []
    log = json.loads(text)
    assert list(VALIDATOR.iter_errors(log)) == []
    return dict(log["runs"][0])


def place(result: dict[str, Any]) -> tuple[str, int]:
    physical = result["locations"][0]["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical["region"]["startLine"]


def with_source(file: str, line: int) -> Report:
    """The rejected sample, read from a manifest."""
    one = samples.offline()
    root = msgspec.structs.replace(samples.selector(), source=Source(file=file, line=line))
    return msgspec.structs.replace(one, root=root, paths=(msgspec.structs.replace(one.paths[0], root=root),))


@unhurried
@given(report=st.one_of(hostile.diagnoses, hostile.lists), encoding=st.sampled_from(("utf-8", "ascii")))
def test_any_report_is_valid(report: Report, encoding: str) -> None:
    run = written(report, encoding)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted(set(rules))
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    prints = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(prints) == len(set(prints))


def test_the_schema_refuses_what_is_wrong() -> None:
    log = json.loads(rendered(samples.refused(), form="sarif"))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(VALIDATOR.iter_errors(log))


def test_a_rule_is_the_manual_page() -> None:
    (rule,) = written(samples.refused())["tool"]["driver"]["rules"]
    assert (rule["id"], rule["name"]) == ("KR403", "ListensOnLoopback")
    assert "kubectl exec POD" in rule["help"]["text"]
    assert "**Fix**" in rule["help"]["markdown"]
    assert rule["helpUri"].startswith("https://istio.io/")


def test_every_manual_makes_a_rule() -> None:
    roots = [msgspec.structs.replace(samples.selector(), code=c.code, name=c.slug) for c in catalogue()]
    one = samples.rejected()
    items = [msgspec.structs.replace(one, paths=(msgspec.structs.replace(one.paths[0], root=r),)) for r in roots]
    rules = written(DiagnosisList(items=tuple(items)))["tool"]["driver"]["rules"]
    assert {cause.code for cause in catalogue()} <= {rule["id"] for rule in rules}
    assert all(rule["help"]["text"] and rule["helpUri"].startswith("https://") for rule in rules)


def test_levels_follow_the_certainty() -> None:
    results = written(samples.everything())["results"]
    levels = {(r["ruleId"], r["properties"].get("certainty", ""), r["level"]) for r in results}
    assert ("KR201", "proved", "error") in levels
    assert ("KR201", "likely", "warning") in levels
    assert ("unexplained", "", "warning") in levels
    assert written(samples.works())["results"] == []


def test_places() -> None:
    (result, _) = written(samples.rejected())["results"]
    assert place(result) == ("k8s/shop/Service/cart", 1)
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "shop/Service/cart"
    (result,) = written(with_source("a folder/shop.yaml", 7))["results"]
    assert place(result) == ("a%20folder/shop.yaml", 7)
    (result,) = written(with_source(str(Path.cwd() / "k" / "shop.yaml"), 7))["results"]
    assert place(result) == ("k/shop.yaml", 7)
    (result,) = written(with_source("/elsewhere/shop.yaml", 7))["results"]
    assert place(result) == ("file:///elsewhere/shop.yaml", 7)
    (result,) = written(with_source("stdin", 7))["results"]
    assert place(result) == ("k8s/shop/Service/cart", 1)


def test_a_fingerprint_outlives_words_and_places() -> None:
    (first,) = written(with_source("a.yaml", 7))["results"]
    (second,) = written(with_source("b.yaml", 9))["results"]
    assert first["partialFingerprints"] == second["partialFingerprints"]
    (other, _) = written(msgspec.structs.replace(samples.rejected(), namespace="test"))["results"]
    assert first["partialFingerprints"] != other["partialFingerprints"]


def test_one_fault_of_two_families_is_one_result() -> None:
    found = [r["ruleId"] for r in written(samples.several())["results"]]
    assert found == ["KR201", "KR301", "KR403"]


def test_gaps_are_notifications() -> None:
    (invocation,) = written(samples.unknown())["invocations"]
    (note,) = invocation["toolExecutionNotifications"]
    assert "may not list endpointslices in shop" in note["message"]["text"]
