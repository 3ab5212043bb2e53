"""The laws of the catalogue, for all causes at once (CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec.structs import replace

import kubectl_refused
from kubectl_refused.causes import HOPS, Cause, catalogue
from kubectl_refused.model.facts import Fact, FactStore, Undecided
from kubectl_refused.model.snapshot import fold
from kubectl_refused.model.target import Depth
from kubectl_refused.trace.rulings import views
from kubectl_refused.trace.scenes import scenes, with_siblings

from .case_folders import CASES, Case, cases
from .case_runs import CaseSource, Run, run

T = TypeVar("T")
PACKAGE = Path(kubectl_refused.__file__).parent
PURE = ("model", "trace", "causes", "judge", "fixes")
IMPURE = {
    "kubernetes", "docker", "rich", "urllib3", "websocket", "requests", "typer", "psutil", "socket", "subprocess",
    "threading", "os", "time", "kubectl_refused.connection", "kubectl_refused.sources", "kubectl_refused.cli",
    "kubectl_refused.renderers", "kubectl_refused.probes", "kubectl_refused.engine", "kubectl_refused.host",
}  # fmt: skip
SECTIONS = ("Why it refuses", "Confirm", "Fix", "See")

every_cause = pytest.mark.parametrize("cause", catalogue(), ids=lambda c: c.name)
every_case = pytest.mark.parametrize("case", cases(), ids=str)


def test_codes_and_names_are_unique() -> None:
    for values in ([code for c in catalogue() for code in c.codes], [c.name for c in catalogue()]):
        assert len(values) == len(set(values))


@every_cause
def test_file_folder_and_function_agree(cause: Cause) -> None:
    file = Path(importlib.import_module(cause.check.__module__).__file__ or "")
    assert file == PACKAGE / "causes" / cause.hop / f"{cause.name}.py"
    assert getattr(cause.check, "__name__", "") == cause.name
    assert cause.hop in HOPS


@every_cause
def test_the_code_is_well_formed(cause: Cause) -> None:
    assert all(re.fullmatch(r"KR[1-9]\d\d", code) for code in cause.codes)
    assert re.fullmatch(r"\d+\.\d+", cause.since)


@every_cause
def test_the_manual_is_complete(cause: Cause) -> None:
    title, _, rest = cause.manual.partition("\n")
    assert re.fullmatch(r"[A-Z].*\.", title), "the title is one sentence on the first line"
    assert len(title) < 80
    sections = dict(re.findall(r"^([A-Z][\w ]+):\n((?:(?: {4}.*)?\n)+)", rest, re.MULTILINE))
    assert tuple(sections) == SECTIONS
    assert all(text.strip() for text in sections.values())
    assert re.search(r"https://\S+", sections["See"])
    assert all(code in rest for code in cause.also), "the manual says which dress each code is"


@every_cause
def test_the_case_folder_is_complete(cause: Cause) -> None:
    folder = CASES / cause.hop / cause.name
    missing = [n for n in ("refused.yaml", "healthy.yaml", "expect.yaml") if not (folder / n).is_file()]
    assert not missing, f"{folder} lacks {missing}"


@every_case
def test_a_case_belongs_to_a_cause_and_expects_it(case: Case) -> None:
    assert case.expected.root == case.cause.slug


@every_case
def test_a_cause_needs_exactly_what_it_declares(case: Case) -> None:
    """Over twins and dresses, at every depth, and with each fact withheld, since causes fall back on others."""
    names, depths = [*case.dresses, "healthy"], (Depth.PODS, Depth.NONE)
    runs = [(name, run(case, name, depth)) for name in names for depth in depths]
    runs += [("refused", run(case, "refused", without=[fact])) for fact in case.cause.reads]
    needed: set[Fact[Any]] = set()
    for name, told in runs:
        needed |= _needed(case, name, told)
    assert {f.name for f in needed} == {f.name for f in case.cause.reads}


@pytest.mark.parametrize("package", PURE)
def test_pure_packages_import_nothing_that_acts(package: str) -> None:
    for file in sorted((PACKAGE / package).rglob("*.py")):
        wrong = {name for name in _imports(file) if any(_within(name, banned) for banned in IMPURE)}
        assert not wrong, f"{file.relative_to(PACKAGE)} imports {wrong}"


class RecordingStore(FactStore, frozen=True):
    """Remembers which facts were asked for."""

    asked: set[Fact[Any]] = msgspec.field(default_factory=set)

    def need(self, fact: Fact[T], subject: Any) -> T:
        self.asked.add(fact)
        return super().need(fact, subject)

    def maybe(self, fact: Fact[T], subject: Any) -> T | None:
        self.asked.add(fact)
        return super().maybe(fact, subject)


def _needed(case: Case, name: str, told: Run) -> set[Fact[Any]]:
    """The facts the case's own cause asks for once all is answered that the run learnt."""
    store = RecordingStore(told.answers)
    snapshot = fold(CaseSource(case.world(name), case.taken(name)).read(case.target))
    facts = FactStore(told.answers)
    for scene in with_siblings([s for v in told.vantages for s in scenes(case.target, snapshot, facts, v)]):
        for view in views(scene, case.cause.scope):
            _ask(case.cause, replace(view, facts=store))
    return store.asked


def _ask(cause: Cause, scene: Any) -> None:
    try:
        list(cause.check(scene))
    except Undecided:
        return


def _imports(file: Path) -> Iterator[str]:
    """Modules a file imports when it is loaded; what stands under TYPE_CHECKING is for mypy only."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def _within(name: str, banned: str) -> bool:
    return name == banned or name.startswith(f"{banned}.")
