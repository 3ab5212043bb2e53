"""The report's JSON Schema: real reports obey it, it tells every field, and within v1 it only grows."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.model import evidence, report
from kubectl_refused.model.observation import Outcome

from .renderers import hostile, samples
from .renderers.streams import rendered

RELEASED = json.loads((Path(__file__).parent / "schemas/v1/report.schema.json").read_text(encoding="utf-8"))
CURRENT = json.loads(
    importlib.resources.files("kubectl_refused").joinpath("report.schema.json").read_text(encoding="utf-8")
)
SCHEMAS = pytest.mark.parametrize("schema", [CURRENT, RELEASED], ids=["current", "released"])
# Struct to its place in the schema, where the name alone does not tell.
PLACES = {"DialTold": "dial", "GapTold": "gap", "MatrixRow": "matrixRow", "IgnoredTold": "ignored"}
STRUCTS = [
    report.Diagnosis,
    report.DiagnosisList,
    report.Root,
    report.Source,
    report.Path,
    report.Hop,
    report.Step,
    report.DialTold,
    report.GapTold,
    report.Note,
    report.Touched,
    report.Changed,
    report.Matrix,
    report.MatrixRow,
    report.Cell,
    report.IgnoredTold,
    report.IgnoredIn,
    report.ScanRow,
    report.Reach,
    report.Scan,
    report.Mention,
    report.Refusal,
    report.Moment,
    report.Explanation,
    evidence.Fix,
    evidence.PatchRequest,
    evidence.Destination,
    evidence.ObjectEvidence,
    evidence.NearestEvidence,
    evidence.SocketEvidence,
    evidence.PacketEvidence,
    evidence.LogEvidence,
    evidence.EventEvidence,
    evidence.WitnessEvidence,
    evidence.TrialEvidence,
]


def validator(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema)


@SCHEMAS
def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert list(validator(schema).iter_errors({"kind": "Diagnosis"}))


@SCHEMAS
@pytest.mark.parametrize("item", [*samples.everything().items, samples.everything()])
def test_reports_obey_it(schema: dict[str, Any], item: report.Report) -> None:
    assert list(validator(schema).iter_errors(json.loads(rendered(item, form="json")))) == []


@SCHEMAS
def test_every_kind_of_evidence_obeys_it(schema: dict[str, Any]) -> None:
    root = msgspec.structs.replace(samples.selector(), evidence=samples.one_of_each_evidence())
    made = msgspec.structs.replace(samples.rejected(), root=root)
    assert list(validator(schema).iter_errors(json.loads(rendered(made, form="json")))) == []


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=st.one_of(hostile.scans, hostile.explanations))
def test_hostile_scans_and_explanations_obey_it(item: report.Report) -> None:
    assert list(validator(CURRENT).iter_errors(json.loads(rendered(item, form="json")))) == []


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=st.one_of(hostile.diagnoses, hostile.lists))
def test_hostile_reports_obey_it(item: report.Report) -> None:
    assert list(validator(RELEASED).iter_errors(json.loads(rendered(item, form="json")))) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("outcome",), "broken"),
        (("depth",), "deep"),
        (("root", "certainty"), "sure"),
        (("root", "evidence", 0, "kind"), "hunch"),
        (("root", "code"), "D3"),
        (("root", "name"), "listens_on_loopback"),
        (("paths", 0, "hops", 0, "status"), "fine"),
        (("apiVersion",), "kubectl-refused/v2"),
        (("root", "fix", "command"), 1),
    ],
)
def test_wrong_values_are_told(place: tuple[str | int, ...], value: object) -> None:
    data = json.loads(rendered(samples.refused(), form="json"))
    holder: Any = data
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    assert list(validator(CURRENT).iter_errors(data))


@pytest.mark.parametrize("key", CURRENT["$defs"]["diagnosis"]["required"])
def test_missing_keys_are_told(key: str) -> None:
    data = json.loads(rendered(samples.refused(), form="json"))
    del data[key]
    assert list(validator(CURRENT).iter_errors(data))


def test_readers_must_expect_further_keys() -> None:
    data = json.loads(rendered(samples.refused(), form="json")) | {"severity": "high"}
    data["paths"][0]["hops"][0]["seconds"] = 1
    assert list(validator(CURRENT).iter_errors(data)) == []


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda s: s.__name__)
def test_the_schema_tells_every_field(struct: type[msgspec.Struct]) -> None:
    name = PLACES.get(struct.__name__, struct.__name__[0].lower() + struct.__name__[1:])
    told = CURRENT["$defs"][name]
    tag = struct.__struct_config__.tag_field
    assert set(told["properties"]) == {*struct.__struct_encode_fields__, *([tag] if tag else [])}
    assert set(told["required"]) == set(told["properties"])


def test_the_schema_knows_every_outcome_certainty_and_evidence() -> None:
    defs = CURRENT["$defs"]
    assert defs["outcome"]["enum"] == [o.value for o in Outcome]
    assert defs["certainty"]["enum"] == [c.value for c in evidence.Certainty]
    kinds = {
        defs[one["$ref"].rpartition("/")[2]]["properties"]["kind"]["const"] for one in defs["evidence"]["oneOf"]
    }
    assert kinds == {e.__struct_config__.tag for e in samples.one_of_each_evidence()}


def test_within_v1_nothing_released_is_taken_away() -> None:
    taken = list(_taken(RELEASED, CURRENT, "#"))
    assert taken == []


def test_what_is_taken_away_is_noticed() -> None:
    less = json.loads(json.dumps(CURRENT))
    del less["$defs"]["hop"]["properties"]["note"]
    less["$defs"]["hop"]["required"].remove("note")
    less["$defs"]["outcome"]["enum"].append("new")
    assert len(list(_taken(RELEASED, less, "#"))) == 3


def _taken(old: Any, new: Any, place: str) -> Iterator[str]:
    """Promises of the old schema that the new one breaks: keys, required keys, and values it rules out."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    if missing := set(old.get("required", ())) - set(new.get("required", ())):
        yield f"{place}: no longer required: {missing}"
    if "enum" in old and (more := set(new.get("enum", ())) - set(old["enum"])):
        yield f"{place}: readers do not expect {more}"
    for key, value in old.items():
        if key in ("description", "title", "required", "enum"):
            continue
        if key not in new:
            yield f"{place}/{key}: gone"
        elif isinstance(value, dict):
            yield from _taken(value, new[key], f"{place}/{key}")
        elif (place, key) == ("#", "oneOf"):  # another command may write another kind
            yield from (f"{place}/{key}: {kind} is gone" for kind in value if kind not in new[key])
        elif value != new[key] and key != "$id":
            yield f"{place}/{key}: changed"
