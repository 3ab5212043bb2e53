"""The two grounds of recordings: a cluster whose answers are kept, and the file that gives them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_refused import __version__
from kubectl_refused.errors import RecordingProblem, shown
from kubectl_refused.model.target import Target
from kubectl_refused.probes.base import Ledger
from kubectl_refused.recordings.bundle import read
from kubectl_refused.recordings.recorder import RecordedLearner, RecordedSource
from kubectl_refused.recordings.replay import ReplayedLearner, ReplayedSource
from kubectl_refused.recordings.transcript import Recording
from kubectl_refused.sources.base import Source

from .grounds import ClusterGround, Say
from .request import Request

if TYPE_CHECKING:
    from kubectl_refused.pipeline import Learner

MOST_SHOWN = 5  # targets that a message lists


class RecordedGround(ClusterGround):
    """A cluster, of which all that is read and learnt is kept, without secrets."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._kept = RecordedSource(self.source)
        self.source: Source = self._kept
        self._learners: dict[Target, RecordedLearner] = {}

    def prober(self, target: Target, say: Say) -> Learner:
        """The cluster's own, with a recorder before it."""
        self._learners[target] = RecordedLearner(super().prober(target, say))
        return self._learners[target]

    def recording(self) -> Recording:
        """What was read and learnt of every target, once all are diagnosed."""
        told = (one.transcript(target, self._kept.read_of[target]) for target, one in self._learners.items())
        return Recording(__version__, self.context, self.depth, tuple(told))


class ReplayedGround:
    """A recording: nothing is dialled, created or asked. Raises RecordingProblem."""

    def __init__(self, request: Request) -> None:
        self.recording = read(request.recording)
        self.context, self.depth = self.recording.context, self.recording.depth
        self.source: Source = ReplayedSource(self.recording)
        self.ledger = Ledger()
        self._request = request
        self._of = {one.target: one for one in self.recording.transcripts}
        self.namespace = next((target.namespace for target in self._of), "")

    def targets(self) -> tuple[Target, ...]:
        """Those asked for, or all that were recorded. Raises RecordingProblem for one that is not in it."""
        asked = self._request.targets
        return tuple(self._recorded(target) for target in asked) if asked else tuple(self._of)

    def _recorded(self, asked: Target) -> Target:
        for target in self._of:
            space = asked.namespace or target.namespace
            if (target.name, target.namespace, target.port) == (asked.name, space, asked.port):
                return target
        held = [f"{target} in namespace {target.namespace}" for target in list(self._of)[:MOST_SHOWN]]
        more = f" and {len(self._of) - MOST_SHOWN} more" if len(self._of) > MOST_SHOWN else ""
        raise RecordingProblem(
            f"{shown(self._request.recording)} does not hold {shown(str(asked))}",
            f"it holds {', '.join(map(shown, held)) or 'nothing'}{more}",
        )

    def prober(self, target: Target, say: Say) -> Learner:
        """What tells again what was learnt then."""
        return ReplayedLearner(self._of[target])

    def close(self) -> None:
        """Nothing is held."""

    def cancel(self) -> None:
        """Reading a file ends by itself, or with the process."""

    def spare_connection(self) -> None:
        """Nothing is ever created, so nothing is undone."""
