"""The report as data: what `-o json` writes and every renderer reads (schema: report.schema.json)."""

from __future__ import annotations

from typing import Literal

import msgspec

from .evidence import Certainty, Evidence, Fix
from .observation import Outcome
from .target import TargetKind

API_VERSION = "kubectl-refused/v1"
State = Literal["broken", "unjudged", "idle", "ignored", "works"]
FailOn = Literal["proved", "likely", "any"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of the report's parts."""


class Source(_Part, frozen=True):
    """A line of a manifest, as its file was named with -f."""

    file: str
    line: int


class Root(_Part, frozen=True):
    """One fault: its code and name in the catalogue, where it is and what proves it.

    `source` is where the offending field, or else its object, stands in the manifests; None for a cluster's.
    """

    code: str
    name: str
    certainty: Certainty
    where: str
    says: str
    headline: str
    evidence: tuple[Evidence, ...]
    fix: Fix | None
    source: Source | None = None


class IgnoredTold(_Part, frozen=True):
    """A finding that somebody wants ignored: by whom (`annotation of svc/web`), and why, if that is told."""

    code: str
    name: str
    certainty: Certainty
    where: str
    says: str
    by: str
    reason: str = ""


class Hop(_Part, frozen=True):
    """One step of the path. `status` is of the step that leads into it.

    Behind an Ingress or a route stand its rule, which is a name, and the Service, which is an entrance again.
    """

    role: Literal["client", "name", "entrance", "endpoints", "endpoint", "process"]
    label: str
    status: Literal["ok", "broken", "unknown", "start"]
    note: str = ""


class Step(_Part, frozen=True):
    """One step of the whole way, and who says what of it: `witness` is object, probe-pod, exec and the like.

    `status` is of the step that leads into it, as a hop's is; `note` says why it is broken or not known.
    """

    role: Literal["client", "url", "dns", "address", "entrance", "rule", "service", "slice", "pod", "process"]
    label: str
    status: Literal["ok", "broken", "unknown", "start"]
    witness: str = ""
    says: str = ""
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
    """One (vantage, entrance, port, family) and what became of it.

    `rule` is the host and path by which an Ingress or a route leads there; empty for any other target. `way` has
    every step of it, from the URL to the process, where it leads through a Service of a cluster.
    """

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
    ignored: tuple[IgnoredTold, ...] = ()
    rule: str = ""
    way: tuple[Step, ...] = ()

    @property
    def overlooked(self) -> bool:
        """Whether nothing is left to say of it but what is ignored."""
        return bool(self.ignored) and self.root is None


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


class Changed(_Part, frozen=True):
    """One change of what lies on the path, told beside the cause: when it came, and by whom where that is known.

    `at` is RFC 3339 text, `age` how many seconds before the objects were read that was. `revision` is that of a
    Deployment's rollout, None for any other change.
    """

    what: str
    says: str
    at: str
    age: int
    by: str = ""
    revision: int | None = None


class Note(_Part, frozen=True):
    """Something worth telling that is no fault: by its code in the catalogue, where, what shows it, what helps."""

    code: str
    name: str
    certainty: Certainty
    where: str
    says: str
    evidence: tuple[Evidence, ...]
    advice: str = ""


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
    changed: tuple[Changed, ...] = ()
    notes: tuple[Note, ...] = ()
    target_kind: TargetKind = "Service"
    api_version: str = API_VERSION


class DiagnosisList(_Part, frozen=True, tag_field="kind", tag="DiagnosisList"):
    """Several diagnoses, in the order asked."""

    items: tuple[Diagnosis, ...]
    api_version: str = API_VERSION


class ScanRow(_Part, frozen=True):
    """One Service of a scan in one line: what became of it, how many of its paths fail, and why."""

    target: str
    namespace: str
    state: State
    outcome: Outcome
    ports: tuple[str, ...]
    failing: int
    paths: int
    code: str = ""
    name: str = ""
    certainty: Literal["proved", "likely", "possible", ""] = ""
    says: str = ""


class IgnoredIn(_Part, frozen=True):
    """An ignored finding and whose it is."""

    target: str
    namespace: str
    finding: IgnoredTold


class Reach(_Part, frozen=True):
    """How many paths of a scan accept as one vantage saw it, how many fail, and of how many it cannot tell."""

    vantage: str
    accepting: int
    failing: int
    unknown: int


class Scan(_Part, frozen=True, tag_field="kind", tag="Scan"):
    """Every Service of a namespace or a cluster; `items` are those that are broken or unjudged.

    `namespace` is empty for all of them. What is told of the scan as a whole is not in the items. `reach` tells of
    every path, also of those that work and are in no item.
    """

    context: str
    namespace: str
    selector: str
    depth: Literal["objects", "passive", "packets"]
    fail_on: FailOn
    rows: tuple[ScanRow, ...]
    counts: dict[str, int]
    items: tuple[Diagnosis, ...]
    ignored: tuple[IgnoredIn, ...]
    gaps: tuple[GapTold, ...]
    touched: tuple[Touched, ...]
    complete: bool = True
    reach: tuple[Reach, ...] = ()
    api_version: str = API_VERSION


class Mention(_Part, frozen=True):
    """An address of a failed connection in a text, as often as it is in it, and what it is in the cluster.

    `line` is the first one, `first` when it was written, in seconds since the command began (None for a text that
    was handed over). `means` says whose it is, empty for nobody's; `target` the Service meant, empty for none.
    """

    address: str
    how: str
    times: int
    line: str
    means: str
    target: str = ""
    namespace: str = ""
    first: float | None = None


class Refusal(_Part, frozen=True):
    """A time in which a Service, or some of its pods (`partly`), could not accept, and why, as the watch saw it.

    Seconds since the command began; `start` is negative where it was so before, `end` None where it still is.
    `code` is the cause's in the catalogue that tells more of it, or empty.
    """

    target: str
    namespace: str
    start: float
    end: float | None
    cause: Literal["start-up", "rollout", "crash", "address-in-use", "not-ready", "deleted", "no-pods", "unknown"]
    says: str
    advice: str
    code: str = ""
    partly: bool = False
    named: bool = False


class Moment(_Part, frozen=True):
    """One entry of a timeline, `at` in seconds since the command began."""

    at: float
    what: str
    namespace: str
    says: str


class Explanation(_Part, frozen=True, tag_field="kind", tag="Explanation"):
    """Why connections failed that an error text tells of: of a command that was run, or of a text handed over.

    `command` is empty and `exit_code`, `seconds` are None for a text. `items` are the diagnoses of what is still
    broken, `works` the targets that were asked about and accept now.
    """

    context: str
    namespace: str
    command: tuple[str, ...]
    exit_code: int | None
    seconds: float | None
    mentions: tuple[Mention, ...]
    refusals: tuple[Refusal, ...]
    timeline: tuple[Moment, ...]
    works: tuple[str, ...]
    items: tuple[Diagnosis, ...]
    gaps: tuple[GapTold, ...]
    touched: tuple[Touched, ...]
    complete: bool = True
    api_version: str = API_VERSION


Report = Diagnosis | DiagnosisList | Scan | Explanation
