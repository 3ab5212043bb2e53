"""Recordings as plain data and back: what the types of facts are is read off model/facts.py."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from kubectl_refused.decoders import converted
from kubectl_refused.model import entrances, facts, objects
from kubectl_refused.model.containers import EngineContainer
from kubectl_refused.model.facts import Fact, Key, Need
from kubectl_refused.model.gaps import Absent, Gap
from kubectl_refused.model.snapshot import Change, Coverage, kind_of
from kubectl_refused.model.target import Depth, Target, Vantage

from .transcript import Learnt, Recording, Round, Transcript

FORMAT = "kubectl-refused-recording/v1"
Form = dict[str, Any]
_WORKLOADS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController")


def _in_front() -> Iterator[type[Any]]:
    """What leads to Services; of a union's members those that objects are."""
    for type_ in (*typing.get_args(entrances.EntranceObject), EngineContainer):
        yield from (type_, *type_.__subclasses__())


_KINDS: dict[str, type[Any]] = {
    **{type_.__name__: type_ for type_ in typing.get_args(objects.KubernetesObject)},
    **dict.fromkeys(_WORKLOADS, objects.Workload),
    **{type_.__name__: type_ for type_ in _in_front()},
}
_FACTS: dict[str, Fact[Any]] = {fact.name: fact for fact in facts.ALL}
# What a fact can be about.
_SUBJECTS: dict[str, type[Key]] = {type_.__name__: type_ for type_ in Key.__subclasses__()}


class OddRecording(Exception):
    """Data that is no recording; `where` is the path to it."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(why)
        self.where, self.why = where, why


@cache
def _value_types() -> dict[str, Any]:
    hints = typing.get_type_hints(facts)
    return {
        value.name: typing.get_args(hints[name])[0]
        for name, value in vars(facts).items()
        if isinstance(value, Fact)
    }


def value_type(fact: Fact[Any]) -> Any:
    """The type of a fact's values."""
    return _value_types()[fact.name]


def plain(value: Any) -> Any:
    """A value as JSON has it, without what is None: that is every such field's default."""
    return _lean(msgspec.to_builtins(value))


def _lean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lean(part) for key, part in value.items() if part is not None}
    return [_lean(part) for part in value] if isinstance(value, list | tuple) else value


def object_of(value: Any) -> tuple[str, Form]:
    """An object's kind and form."""
    return kind_of(value), plain(value)


def object_from(kind: str, form: Any) -> Any:
    """The object. Raises msgspec.ValidationError, or KeyError for a kind that is unknown."""
    return converted(form, _KINDS[kind])


def form_of(recording: Recording) -> Form:
    """The whole recording."""
    return {
        "format": FORMAT,
        "tool": recording.tool,
        "context": recording.context,
        "depth": recording.depth.value,
        "origin": recording.origin,
        "diagnoses": [_transcript(one) for one in recording.transcripts],
    }


def _transcript(one: Transcript) -> Form:
    return {
        "target": plain(one.target),
        "read": [_change(change) for change in one.read],
        "vantages": plain(one.vantages),
        "rounds": [
            {"facts": [_learnt(part) for part in r.learnt], "vantages": plain(r.vantages)} for r in one.rounds
        ],
        "notices": [_gap(gap) for gap in one.notices],
    }


def _change(change: Change) -> Form:
    if change.value is not None:
        kind, form = object_of(change.value)
        return {"at": change.at, "kind": kind, "object": form}
    if change.covered is not None:
        return {"at": change.at, "covered": msgspec.to_builtins(change.covered)}
    assert change.gap is not None  # a diagnosis reads once, so that nothing is ever removed
    return {"at": change.at, "gap": _gap(change.gap)}


def _learnt(one: Learnt) -> Form:
    subject = one.need.subject
    of = msgspec.to_builtins(subject)
    told: Form = {"fact": one.need.fact.name, "about": type(subject).__name__, "of": of}
    told |= {"gap": _gap(one.value)} if isinstance(one.value, Gap) else {"value": plain(one.value)}
    more = {"failed": [_gap(gap) for gap in one.failed], "notices": [_gap(gap) for gap in one.notices]}
    return told | {key: part for key, part in more.items() if part}


def _gap(gap: Gap) -> Form:
    told = {"what": gap.what, "because": gap.because, "remedy": gap.remedy}
    return told | ({"absent": True} if isinstance(gap, Absent) else {})


def recording_from(form: Any) -> Recording:
    """The Recording. Raises OddRecording; facts that this version does not know are left out."""
    whole = _get(form, dict, "$")
    depth = whole.get("depth")
    if depth not in list(Depth):
        raise OddRecording("$.depth", "it is none of " + ", ".join(Depth))
    diagnoses = _get(whole.get("diagnoses"), list, "$.diagnoses")
    return Recording(
        tool=_get(whole.get("tool"), str, "$.tool"),
        context=_get(whole.get("context"), str, "$.context"),
        depth=Depth(depth),
        transcripts=tuple(_transcript_from(one, f"$.diagnoses[{n}]") for n, one in enumerate(diagnoses)),
        origin=_get(whole.get("origin"), str, "$.origin"),
    )


def _transcript_from(form: Any, where: str) -> Transcript:
    one = _get(form, dict, where)
    rounds = _get(one.get("rounds"), list, f"{where}.rounds")
    return Transcript(
        _typed(one.get("target"), Target, f"{where}.target"),
        tuple(_each(one.get("read"), _change_from, f"{where}.read")),
        _typed(one.get("vantages"), tuple[Vantage, ...], f"{where}.vantages"),
        tuple(_round_from(part, f"{where}.rounds[{n}]") for n, part in enumerate(rounds)),
        tuple(_each(one.get("notices"), _gap_from, f"{where}.notices")),
    )


def _round_from(form: Any, where: str) -> Round:
    one = _get(form, dict, where)
    learnt = _each(one.get("facts"), _learnt_from, f"{where}.facts")
    return Round(
        tuple(part for part in learnt if part),
        _typed(one.get("vantages"), tuple[Vantage, ...], f"{where}.vantages"),
    )


def _change_from(form: Any, where: str) -> Change:
    one = _get(form, dict, where)
    at = float(_typed(one.get("at"), float, f"{where}.at"))
    if "kind" in one:
        kind = _get(one["kind"], str, f"{where}.kind")
        if kind not in _KINDS:
            raise OddRecording(f"{where}.kind", f"there is no kind {kind} here")
        return Change(at, value=_typed(one.get("object"), _KINDS[kind], f"{where}.object"))
    if "covered" in one:
        parts = _typed(one["covered"], dict[str, str], f"{where}.covered")
        return Change(at, covered=Coverage(*(parts.get(field, "") for field in Coverage.__struct_fields__)))
    return Change(at, gap=_gap_from(one.get("gap"), f"{where}.gap"))


def _learnt_from(form: Any, where: str) -> Learnt | None:
    one = _get(form, dict, where)
    of = _get(one.get("of"), dict, f"{where}.of")
    fact, subject_type = _FACTS.get(str(one.get("fact"))), _SUBJECTS.get(str(one.get("about")))
    if fact is None or subject_type is None:
        return None
    subject = _typed(of, subject_type, f"{where}.of")
    if "gap" in one:
        value: Any = _gap_from(one["gap"], f"{where}.gap")
    else:
        value = _typed(one.get("value"), value_type(fact), f"{where}.value")
    failed = tuple(_each(one.get("failed", []), _gap_from, f"{where}.failed"))
    notices = tuple(_each(one.get("notices", []), _gap_from, f"{where}.notices"))
    return Learnt(Need(fact, subject), value, failed, notices)


def _gap_from(form: Any, where: str) -> Gap:
    parts = dict(_get(form, dict, where))
    absent = parts.pop("absent", False) is True
    texts = _typed(parts, dict[str, str], where)
    told = (texts.get("what", ""), texts.get("because", ""), texts.get("remedy", ""))
    return Absent(*told) if absent else Gap(*told)


def _get(value: Any, type_: type[Any], where: str) -> Any:
    if not isinstance(value, type_):
        raise OddRecording(where, f"expected `{type_.__name__}`, got `{type(value).__name__}`")
    return value


def _each(value: Any, make: Any, where: str) -> list[Any]:
    return [make(part, f"{where}[{number}]") for number, part in enumerate(_get(value, list, where))]


def _typed(value: Any, type_: Any, where: str) -> Any:
    try:
        return converted(value, type_)
    except (msgspec.ValidationError, RecursionError) as error:
        raise OddRecording(where, str(error)) from error
