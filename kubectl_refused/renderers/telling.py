"""What the formats for machines and pages tell of a path, the same on every run for the same state.

Durations and the names of a run's own pods differ from run to run, and would make a difference of every two
reports; `-o json` and `-o wide` have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from kubectl_refused.model.evidence import Evidence, PacketEvidence
from kubectl_refused.model.items import items_of
from kubectl_refused.model.report import (
    Changed,
    Diagnosis,
    Explanation,
    GapTold,
    Path,
    Report,
    Root,
    Scan,
    ScanRow,
)
from kubectl_refused.patterns import lazily
from kubectl_refused.text import clean, one_line

from .claims import kind_of, told
from .paths import Standing, faults, not_in_tables, paths_of, same_fault, standing
from .terminal_words import asked, sentence, totals, verb

LONGEST = 600  # characters of a sentence
# judge/tellings.py: "answered RST in 0.2 ms", "gave no answer in 3.0 s", "3 of 3 endpoints accepted, 12 ms".
_TOOK = lazily(r"(?: in|,) (?:under )?\d+(?:\.\d+)? m?s\b")
_CHANCE = lazily(r"a pod on \S+")  # the scheduler chose the node
_RUN = lazily(r"\brefused-[0-9a-f]{8}(?:-[0-9a-z]{1,5})?\b")


@dataclass(frozen=True)
class Told:
    """One path of a diagnosis: its name, its sentence, and whether an earlier one has the same fault."""

    diagnosis: Diagnosis
    path: Path
    name: str
    sentence: str
    standing: Standing
    repeated: bool

    @property
    def faults(self) -> tuple[Root, ...]:
        """Its faults in the order in which they must be mended."""
        return faults(self.path)

    @property
    def code(self) -> str:
        """`KR403 · proved`, empty where no cause is known."""
        root = self.path.root
        return f"{root.code} · {root.certainty.value}" if root else ""

    @property
    def ends(self) -> str:
        """`svc/web:80 is refused`, without the reason."""
        return line(f"{self.name} {verb(self.path)}")


def tellings(report: Report, *, all_paths: bool = False) -> Iterator[list[Told]]:
    """The paths of each diagnosis, the surest fault first; of those a table compares the worst, or all."""
    for diagnosis in items_of(report):
        yield _told_of(diagnosis, all_paths=all_paths)


def _told_of(diagnosis: Diagnosis, *, all_paths: bool) -> list[Told]:
    every = paths_of(diagnosis)
    paths = every if all_paths else not_in_tables(diagnosis, every)
    found = []
    for place, path in enumerate(paths):
        steady = _steady(path, alone=len({p.vantage for p in every}) == 1)
        name = line(asked(diagnosis, path, every)) or "?"
        says = line(sentence(diagnosis, steady, asked(diagnosis, path, every)))
        found.append(Told(diagnosis, steady, name, says, standing(diagnosis, path), same_fault(paths, place)))
    return found


def _steady(path: Path, *, alone: bool) -> Path:
    """The path without times, and without the node of a probe pod that stands for any: nothing compares it."""
    chance = alone and _CHANCE.fullmatch(path.vantage)
    return msgspec.structs.replace(
        path, summary=_TOOK.sub("", path.summary), vantage="a pod" if chance else path.vantage
    )


def line(text: str, limit: int = LONGEST) -> str:
    """The text cleaned, on one line, without what is of this run only."""
    return one_line(_RUN.sub("refused-…", text), limit)


def verbatim(text: str) -> str:
    """A command to copy: cleaned, its lines kept."""
    return clean(text).strip("\n")


def claim(evidence: Evidence, name: str) -> str:
    """What a witness saw."""
    if isinstance(evidence, PacketEvidence):
        evidence = msgspec.structs.replace(evidence, says=_TOOK.sub("", evidence.says))
    return line(told(evidence, name, wide=False)) or "-"


def claims(root: Root, name: str) -> list[str]:
    """The proof: `sockets: 127.0.0.1:8080 LISTEN in web-1`."""
    return [f"{kind_of(evidence)}: {claim(evidence, name)}" for evidence in root.evidence]


def gaps_of(diagnosis: Diagnosis | Scan | Explanation) -> list[str]:
    """What stayed unknown and why, sorted: the order in which probes failed means nothing."""
    known = diagnosis.gaps
    if not known and not diagnosis.complete:
        known = (GapTold(what="not all that this depth asks for", because="it could not be reached"),)
    said = (": ".join(filter(None, (g.what, "; ".join(filter(None, (g.because, g.remedy)))))) for g in known)
    return sorted({line(gap) for gap in said} - {""})


def notes_of(report: Report) -> list[str]:
    """What is worth telling and no fault, with its advice, sorted."""
    notes = report.notes if isinstance(report, Diagnosis) else ()
    return sorted({line(f"{note.code}: {'; '.join(filter(None, (note.says, note.advice)))}") for note in notes})


def changes_of(report: Report) -> list[str]:
    """What changed last on a path that fails, newest first; by the clock, as an age differs from run to run."""
    found = report.changed if isinstance(report, Diagnosis) else ()
    return [line(f"{one.what} {one.says}, at {one.at}{_by(one)}") for one in found]


def _by(one: Changed) -> str:
    by = f" by {one.by}" if one.by else ""
    return f"{by} (revision {one.revision})" if one.revision is not None else by


def touched_of(diagnosis: Diagnosis | Scan | Explanation) -> list[str]:
    """What the run made or ran in the cluster, and how it was undone, sorted."""
    said = (", ".join(filter(None, (t.what, t.undone))) for t in diagnosis.touched)
    return sorted({line(thing) for thing in said} - {""})


def total(report: Report) -> str:
    """`5 targets: 2 are refused, 3 work`, of a scan by state; empty for a single one."""
    if isinstance(report, Scan):
        from .terminal_scan import totals as states

        return line(states(report))
    if isinstance(report, Explanation):
        from .terminal_explanation import headline

        return line(headline(report))
    items = items_of(report)
    return totals(paths_of(item)[0] for item in items) if len(items) > 1 else ""


def refusals_of(report: Report) -> list[str]:
    """When Services did not accept while a command ran, and addresses of its output that lead to none."""
    if not isinstance(report, Explanation):
        return []
    from .terminal_explanation import counted, span

    told = [f"{one.target} in namespace {one.namespace} did not accept {span(one)}" for one in report.refusals]
    told += [f"{counted(one)}: {one.line}" for one in report.mentions]
    return [line(text) for text in dict.fromkeys(told)]


def rows_beside(report: Report) -> list[ScanRow]:
    """The Services of a scan that its diagnoses do not tell of, by name."""
    if not isinstance(report, Scan):
        return []
    told = {(item.namespace, item.target) for item in report.items}
    rows = (row for row in report.rows if (row.namespace, row.target) not in told)
    return sorted(rows, key=lambda row: (row.namespace, row.target))
