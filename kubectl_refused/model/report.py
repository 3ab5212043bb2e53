"""The report as data: what `-o json` writes and every renderer reads (schema: report.schema.json)."""

from __future__ import annotations

from typing import Literal

import msgspec

from .evidence import Certainty, Evidence, Fix
from .observation import Outcome

API_VERSION = "kubectl-refused/v1"


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of the report's parts."""


class Root(_Part, frozen=True):
    """One fault: its code and name in the catalogue, where it is and what proves it."""

    code: str
    name: str
    certainty: Certainty
    where: str
    says: str
    headline: str
    evidence: tuple[Evidence, ...]
    fix: Fix | None


class Hop(_Part, frozen=True):
    """One step of the path. `status` is of the step that leads into it."""

    role: Literal["client", "name", "entrance", "endpoints", "endpoint", "process"]
    label: str
    status: Literal["ok", "broken", "unknown", "start"]
    note: str = ""


class DialTold(_Part, frozen=True):
    """One dial of the path, for the reader who wants them all."""

    address: str
    outcome: Outcome
    seconds: float
    witness: str
    rejected_by: str = ""
    speaks: str = ""
    heard: dict[str, int] = {}


class Path(_Part, frozen=True):
    """One (vantage, entrance, port, family) and what became of it."""

    vantage: str
    entrance: str
    port: str
    family: str
    outcome: Outcome
    root: Root | None
    chain: tuple[Root, ...]
    hops: tuple[Hop, ...]
    dials: tuple[DialTold, ...] = ()
    summary: str = ""


class Cell(_Part, frozen=True):
    """One address as one vantage saw it: the worst outcome, and of several dials how often which one came."""

    outcome: Outcome
    heard: dict[str, int] = {}


class MatrixRow(_Part, frozen=True):
    """One address: the Service's own (`entrance`) or an endpoint's; what it is, what made it; cells by vantage."""

    address: str
    name: str
    cells: tuple[Cell, ...]
    owner: str = ""
    entrance: bool = False


class Matrix(_Part, frozen=True):
    """Every address of one port and family from every vantage; `sentence` says what the failing ones share."""

    port: str
    family: str
    vantages: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    sentence: str


class GapTold(_Part, frozen=True):
    """What stayed unknown, why, and what would tell."""

    what: str
    because: str
    remedy: str = ""


class Touched(_Part, frozen=True):
    """One thing the run created, ran or sent that changes or reaches into the cluster, and how it was undone."""

    what: str
    undone: str


class Diagnosis(_Part, frozen=True, tag_field="kind", tag="Diagnosis"):
    """The whole answer about one target; outcome and root are those of the worst path."""

    target: str
    context: str
    namespace: str
    depth: Literal["objects", "passive", "packets"]
    outcome: Outcome
    root: Root | None
    paths: tuple[Path, ...]
    gaps: tuple[GapTold, ...]
    touched: tuple[Touched, ...]
    complete: bool = True
    matrices: tuple[Matrix, ...] = ()
    api_version: str = API_VERSION


class DiagnosisList(_Part, frozen=True, tag_field="kind", tag="DiagnosisList"):
    """Several diagnoses, in the order asked."""

    items: tuple[Diagnosis, ...]
    api_version: str = API_VERSION


Report = Diagnosis | DiagnosisList
