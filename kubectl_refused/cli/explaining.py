"""Explain failed connections: find out whose their addresses are, and diagnose the Services that are meant."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, TextIO

from kubectl_refused.errors import UsageProblem
from kubectl_refused.judge.explaining import Told, explanation, mentions, named, targets, timeline
from kubectl_refused.judge.refusals import LastWords, Watched, refusals
from kubectl_refused.model.facts import HOLDER, AddressKey, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Holder
from kubectl_refused.model.report import Diagnosis, Report
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Target
from kubectl_refused.resolve.error_text import ErrorText
from kubectl_refused.sources.scan import ScanSource
from kubectl_refused.trace.history import History
from kubectl_refused.trace.linking import Known, unlinked

from .grounds import ClusterGround, Ground
from .kubectl_command import kubectl_command
from .request import Request
from .run import DiagnosisJob
from .surveys import Say, Sight, Survey
from .surveys import Watched as Lists
from .waiting import works

if TYPE_CHECKING:
    from kubectl_refused.resolve.error_text import Failure

MOST_ASKED = 8  # addresses whose holder is asked for
LARGEST_TEXT = 256 << 20  # bytes of a text that are read
PIECE = 1 << 16


@dataclass(frozen=True)
class Evidence:
    """What a command left to be explained: what failed by its output, and what was watched meanwhile."""

    failures: Sequence[Failure]
    left_out: int = 0
    told: Told = field(default_factory=Told)
    history: History = field(default_factory=History)
    logs: dict[tuple[str, str, str], LastWords] = field(default_factory=dict)
    gaps: Sequence[Gap] = ()


class ExplanationJob(DiagnosisJob):
    """An explanation as supervise.Job. `gather` gives what there is to explain; `dial`: diagnose it too."""

    def __init__(
        self, request: Request, out: TextIO, gather: Callable[[], Evidence], *, dial: bool = True
    ) -> None:
        super().__init__(request, out, ClusterGround)
        self._gather, self._dial = gather, dial
        self._evidence = Evidence(())

    def work(self) -> int:
        """Gather first, since what was handed over may be nothing; then as any diagnosis."""
        self._evidence = self._gather()
        return super().work()

    def _survey(self, ground: Ground, request: Request) -> Survey:
        assert isinstance(ground, ClusterGround)
        return ExplanationSurvey(ground, request, self._evidence, dial=self._dial)


@dataclass(frozen=True)
class ExplanationSurvey:
    """The explanation of one text on one ground."""

    ground: ClusterGround
    request: Request
    evidence: Evidence
    dial: bool = True

    def report(self, say: Say) -> Report:
        """Read what there is, link the addresses to it, and diagnose what they mean."""
        say("reading Services, EndpointSlices and pods")
        given, kubectl = self.evidence, kubectl_command(self.request.connection)
        snapshot = ScanSource(self.ground.connection, self._namespace).snapshot()
        known = self._known(snapshot, say)
        told = mentions(given.failures, known, timed=bool(given.told.command))
        watched = Watched(
            given.history, given.told.seconds or 0.0, named(told), given.logs, kubectl.removeprefix("kubectl")
        )
        refused = refusals(watched)
        asked = targets(told, refused, kubectl) if self.dial else []
        return explanation(
            given.told,
            told,
            refused,
            timeline(given.history, told, refused, given.told) if given.told.command else (),
            [(one, works(one)) for one in self._diagnoses(asked, say)],
            context=self.ground.context,
            namespace=self._namespace,
            gaps=[*given.gaps, *snapshot.gaps, *self._unread(known)],
            touched=self.ground.ledger.entries,
            complete=any(one.kind == "Service" for one in snapshot.coverage),
        )

    def look(self, say: Say) -> Sight:
        """Nothing of it is waited for."""
        return Sight(True, self.report(say))

    def watched(self) -> Sequence[Lists]:
        """Nothing: it is told once."""
        return ()

    @property
    def _namespace(self) -> str:
        """The one that was watched and is read, empty for all."""
        scan = self.request.scan
        return self.ground.namespace if scan is None or scan.namespace is None else scan.namespace

    def _known(self, snapshot: Snapshot, say: Say) -> Known:
        """What addresses are looked up in; those of nobody read are asked for one by one."""
        known = Known(snapshot, self.ground.namespace, self.evidence.history)
        asked = unlinked((one.place for one in self.evidence.failures), known)[:MOST_ASKED]
        if not asked:
            return known
        looker = self.ground.looker(Target("", self.ground.namespace), say)
        needs = [Need(HOLDER, AddressKey(address)) for address in asked]
        learnt = looker.learn(needs, snapshot, FactStore())
        holders = {need.subject.address: value for need, value in learnt if isinstance(value, Holder | Gap)}
        return Known(snapshot, known.namespace, known.history, holders)

    def _unread(self, known: Known) -> Iterator[Gap]:
        """Whose addresses could not be found out, and what was too much."""
        yield from (value for value in known.holders.values() if isinstance(value, Gap))
        if self.evidence.left_out:
            more = f"there are more than the {len(self.evidence.failures)} that are kept apart"
            yield Gap("some addresses of the output", more)

    def _diagnoses(self, asked: Iterable[Target], say: Say) -> Iterator[Diagnosis]:
        """Each as it would be alone, one after the other; one namespace's share a probe pod."""
        from kubectl_refused.pipeline import diagnose

        ground = self.ground
        for target in asked:
            yield diagnose(
                target,
                ground.source,
                ground.prober(target, say),
                depth=ground.depth,
                context=ground.context,
                say=say,
            )


def read_text(stream: BinaryIO, errors: TextIO) -> Evidence:
    """The failures in a text, read to its end or to LARGEST_TEXT. Raises UsageProblem for an empty one."""
    if stream.isatty():
        errors.write("reading an error text from the terminal; Ctrl-D ends it\n")
        errors.flush()
    reader, read = ErrorText(), 0
    while read < LARGEST_TEXT and (data := stream.read1(PIECE)):  # type: ignore[attr-defined]  # a BufferedReader
        reader.feed(data)
        read += len(data)
    failures = reader.end()
    if not reader.seen:
        raise UsageProblem("the text on stdin is empty", "type kubectl logs POD | kubectl refused -")
    beyond = [Gap(f"the text beyond {LARGEST_TEXT >> 20} MB", "it is not read")] if read >= LARGEST_TEXT else []
    return Evidence(failures, reader.left_out, gaps=beyond)


def explain_text(request: Request) -> int:
    """Explain the text on stdin; the report is on stdout."""
    from .supervise import supervise

    job = ExplanationJob(request, sys.stdout, lambda: read_text(sys.stdin.buffer, sys.stderr))
    return supervise(job, verbose=request.verbose)
