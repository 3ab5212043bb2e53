"""`-o json`, `-o yaml` and `-o name`: the same data, whatever the report holds."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.model.report import Diagnosis, Report

from . import hostile, samples
from .streams import rendered, steering

unhurried = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
reports = st.one_of(hostile.diagnoses, hostile.lists)
encodings = st.sampled_from(("utf-8", "ascii", "latin-1"))


def from_yaml(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@unhurried
@given(report=reports, encoding=encodings)
def test_json_and_yaml_hold_the_same_data(report: Report, encoding: str) -> None:
    text = rendered(report, form="json", encoding=encoding)
    assert from_yaml(rendered(report, form="yaml", encoding=encoding)) == json.loads(text)


@unhurried
@given(report=reports)
def test_data_is_escaped_not_stripped(report: Report) -> None:
    text = rendered(report, form="json")
    assert json.loads(text) == _without_surrogates(msgspec.to_builtins(report))


@unhurried
@given(report=reports, form=st.sampled_from(("json", "yaml", "name")), encoding=encodings)
def test_no_format_steers_a_terminal(report: Report, form: str, encoding: str) -> None:
    assert steering(rendered(report, form=form, encoding=encoding)) == []


def test_both_read_back_as_the_report() -> None:
    for report in (samples.refused(), samples.everything()):
        kind = type(report)
        assert msgspec.json.decode(rendered(report, form="json"), type=kind) == report
        assert msgspec.convert(from_yaml(rendered(report, form="yaml")), type=kind) == report


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_version_and_kind_come_first(form: str) -> None:
    keys = list(from_yaml(rendered(samples.everything(), form=form)))
    assert keys[:2] == ["apiVersion", "kind"]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_same_report_is_written_the_same_twice(form: str) -> None:
    assert rendered(samples.everything(), form=form) == rendered(samples.everything(), form=form)


def test_a_patch_keeps_the_order_of_its_keys() -> None:
    fix = samples.selector().fix
    assert fix is not None
    patch = {"spec": {}, "kind": "Service", "apiVersion": "v1"}
    root = msgspec.structs.replace(samples.selector(), fix=msgspec.structs.replace(fix, patch=patch))
    report = msgspec.structs.replace(samples.rejected(), root=root)
    assert list(json.loads(rendered(report, form="json"))["root"]["fix"]["patch"]) == list(patch)


def test_the_command_is_one_line_of_yaml() -> None:
    assert f"command: {samples.COMMAND}\n" in rendered(samples.rejected(), form="yaml")


def test_names_are_two_words_per_target() -> None:
    assert rendered(samples.several(), form="name") == "svc/web accepted\n"
    assert rendered(samples.refused(), form="name") == "svc/web:80 KR403/listens-on-loopback\n"
    assert rendered(samples.everything(), form="name").count("\n") == 12


@unhurried
@given(report=reports, encoding=encodings)
def test_names_stay_two_words_whatever_the_target(report: Report, encoding: str) -> None:
    count = 1 if isinstance(report, Diagnosis) else len(report.items)
    lines = rendered(report, form="name", encoding=encoding).splitlines()
    assert [len(line.split()) for line in lines] == [2] * count


def _without_surrogates(value: Any) -> Any:
    """The data with lone surrogates replaced, which no UTF-8 stream can hold."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(v) for v in value]
    return value
