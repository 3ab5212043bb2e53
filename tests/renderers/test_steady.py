"""The same state is told with the same bytes: no times, no names of a run's own, no order of chance."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

import msgspec
import pytest

from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.report import Diagnosis, DiagnosisList, GapTold, Note, Touched

from . import samples
from .streams import rendered

STEADY = ("junit", "sarif", "markdown", "html")


def shuffled(diagnosis: Diagnosis, chance: random.Random, run: str, seconds: float) -> Diagnosis:
    """The diagnosis as another run would make it: gaps and touches in the order of that run, and its own times."""
    gaps = [GapTold(what=word, because="it may not be read") for word in "abcdef"]
    touched = [Touched(what=f"job/refused-{run}", undone="deleted"), *(Touched(what=w, undone="") for w in "xyz")]
    chance.shuffle(gaps)
    chance.shuffle(touched)
    paths = (_timed(path, seconds) for path in diagnosis.paths)
    return msgspec.structs.replace(diagnosis, gaps=tuple(gaps), touched=tuple(touched), paths=tuple(paths))


def _timed(path: object, seconds: float) -> object:
    """The path with other times in its words."""
    text = msgspec.json.encode(path).decode()
    told = re.sub(r"\d+\.\d ms", f"{seconds * 1000:.1f} ms", text)
    told = told.replace('"seconds":0.0002', f'"seconds":{seconds}')
    return msgspec.json.decode(told, type=type(path))


def runs(items: Iterable[Diagnosis]) -> list[DiagnosisList]:
    made = []
    for number, run in enumerate(("d8eedc7e", "0a1b2c3d")):
        chance = random.Random(number)
        told = (shuffled(item, chance, run, 0.001 * (number + 1)) for item in items)
        made.append(DiagnosisList(items=tuple(told)))
    return made


@pytest.mark.parametrize("form", STEADY)
def test_two_runs_write_the_same(form: str) -> None:
    first, second = runs(samples.everything().items)
    assert first != second
    assert rendered(first, form=form) == rendered(first, form=form)
    assert rendered(first, form=form) == rendered(second, form=form)


@pytest.mark.parametrize("form", STEADY)
def test_no_duration_is_told(form: str) -> None:
    text = rendered(samples.everything(), form=form)
    assert not re.search(r"\d m?s\b", re.sub(r"<style>.*?</style>", "", text, flags=re.S))


@pytest.mark.parametrize("form", STEADY)
def test_the_node_of_a_probe_pod_is_chance(form: str) -> None:
    told = []
    for node in ("node1", "node2"):
        path = msgspec.structs.replace(samples.works().paths[0], vantage=f"a pod on {node}")
        told.append(rendered(msgspec.structs.replace(samples.works(), paths=(path,)), form=form))
    assert told[0] == told[1]


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_what_is_worth_knowing_is_told(form: str) -> None:
    note = Note(
        code="KR507",
        name="one-replica",
        certainty=Certainty.PROVED,
        where="deployment/web",
        says="a single pod serves it",
        evidence=(),
        advice="Run two",
    )
    assert "KR507: a single pod serves it; Run two" in rendered(
        msgspec.structs.replace(samples.works(), notes=(note,)), form=form
    )


@pytest.mark.parametrize("form", STEADY)
def test_what_changed_last_is_told_by_the_clock(form: str) -> None:
    """The age would make a difference of every two reports."""
    first = samples.refused()
    older = tuple(msgspec.structs.replace(one, age=one.age + 60) for one in first.changed)
    text = rendered(first, form=form)
    said = text.replace("<!-- -->", "").replace("\\", "")  # as Markdown shows it
    assert "at 2026-03-01T11:56:00Z by helm (revision 7)" in said
    assert "pod/web-1 container web restarted, at 2026-03-01T09:00:00Z" in said
    assert rendered(msgspec.structs.replace(first, changed=older), form=form) == text


def test_data_and_the_wide_form_keep_them() -> None:
    assert "0.2 ms" in rendered(samples.refused(), form="json")
    assert "0.2 ms" in rendered(samples.refused(), form="terminal")
