"""One Job of a large scan: made, watched until every shard is read or lost, its logs read as they are done.

What a shard says is read once, when its container has ended, and for a last time when the time is over: then what
it has told so far counts, and the rest is told as missing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound, Unreachable
from kubectl_refused.connection.watch import watch
from kubectl_refused.decoders import decoded
from kubectl_refused.model.objects import Pod
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.cleanup import job_path, pod_path
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.probe_pod_create import Created, create_job
from kubectl_refused.probes.probe_pod_manifest import CONTAINER, Wanted, selector_of
from kubectl_refused.probes.probe_pod_wait import APPEARS, ProbeFailedError, await_appearance
from kubectl_refused.probes.shard_answers import ShardAnswers
from kubectl_refused.probes.shard_manifest import shards_job
from kubectl_refused.probes.shard_plan import Plan
from kubectl_refused.probes.shard_pods import Shard, Shards, ShardsJob, why_lost
from kubectl_refused.sources.reads import MOST_THREADS

LOOK = 5.0  # seconds of one watch; then the Job is asked what it has given up
LARGEST_LOG = 8 * 1024 * 1024  # bytes; kubelets begin a new file at 10 MiB (containerLogMaxSize)
READS = 4  # of one log: a kubelet that restarts answers 404 or 500 for a while
REREAD = 0.5
PAUSE = 0.2


@dataclass
class Told:
    """What the shards of one Job told: answers by node, and by node why they are missing or not whole."""

    plan: Plan
    answers: dict[str, ShardAnswers] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)


class ShardRun:
    """One Job; `created` is there to be removed, whatever happened."""

    def __init__(self, context: ProbeContext, wanted: Wanted, clients: Sequence[Client], plan: Plan) -> None:
        self._context, self._wanted, self._clients = context, wanted, clients
        self.told = Told(plan)
        self.created: Created | None = None
        self._shards = Shards(len(clients), wanted.choice.image)

    def run(self, start: float, dialling: float) -> Told:
        """Make it and read it; `start` and `dialling` are the seconds that its parts may take.

        Raises ProbeFailedError where no pod can run at all, Cancelled, or what ends a run.
        """
        context, wanted = self._context, self._wanted
        deadline = time.monotonic() + start + dialling
        body = shards_job(wanted, self._clients, int(start + dialling) + 1)
        self.created = create_job(context, wanted, body)
        context.say(f"starting {len(self._clients)} shards")
        await_appearance(context, wanted, min(deadline, time.monotonic() + APPEARS))
        with ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="shard") as pool:
            reads: list[Future[None]] = []
            while self._shards.open and time.monotonic() < deadline:
                self._look(pool, reads, deadline)
            reads += [pool.submit(self._read, shard) for shard in self._shards.shards if _may_tell(shard)]
            for read in reads:
                read.result()
        self._note_lost()
        return self.told

    def _look(self, pool: ThreadPoolExecutor, reads: list[Future[None]], deadline: float) -> None:
        """List the pods, then watch them for a while; begin to read what is done."""
        for kind, pod in self._pods(min(LOOK, max(0.1, deadline - time.monotonic()))):
            shard = self._shards.take(kind, pod)
            if shard is not None:
                shard.read = True
                reads.append(pool.submit(self._read, shard))
                done = len(self._clients) - len(self._shards.open)
                self._context.say(f"{done} of {len(self._clients)} shards are done")
            if not self._shards.open:
                return
        if self._shards.unable:
            raise ProbeFailedError(self._shards.unable, by_image=True)
        self._ask_job()
        self._context.connection.cancel.wait(PAUSE)

    def _pods(self, seconds: float) -> Iterator[tuple[str, Pod]]:
        """(kind of change, pod): those that are there, then what becomes of them."""
        context, path = self._context, pod_path(self._wanted.namespace)
        query = [("labelSelector", selector_of(self._wanted))]
        for page in context.connection.list_items(path, query):
            yield from (("ADDED", pod) for raw in page if (pod := _pod(raw)))
        with contextlib.suppress(ApiProblem, Unreachable):  # it broke off: the next list tells whether all is gone
            for kind, raw in watch(context.connection, path, query, seconds):
                if (pod := _pod(raw)) is not None:
                    yield kind, pod

    def _ask_job(self) -> None:
        """What Kubernetes has given up."""
        try:
            raw = self._context.connection.get_bytes(job_path(self._wanted.namespace, self._wanted.name))
            self._shards.close(decoded(raw, ShardsJob).status)
        except NotFound:
            for shard in self._shards.open:
                shard.given_up, shard.trouble = True, "somebody deleted the Job"
        except (Forbidden, ApiProblem, Unreachable, msgspec.DecodeError):
            return  # it cannot be known: the deadline holds

    def _read(self, shard: Shard) -> None:
        """Read the log of a shard, as far as it goes."""
        assert shard.pod is not None
        context, meta, answers = self._context, shard.pod.metadata, ShardAnswers(self.told.plan)
        path = f"{pod_path(meta.namespace, meta.name)}/log"
        query = [("container", CONTAINER), ("limitBytes", str(LARGEST_LOG))]
        problem = ""
        for _ in range(READS):
            try:
                answers.take_all(context.connection.get_bytes(path, query).splitlines())
                break
            except (Forbidden, NotFound, ApiProblem, Unreachable) as failed:
                problem = f"its log cannot be read: {failed.message}"
                context.connection.cancel.wait(REREAD)
        if shard.node and (answers.blocks or answers.ended):
            self.told.answers[shard.node], self.told.pods[shard.node] = answers, shard.pod
        if not answers.ended:
            shard.trouble = problem or (f"it wrote: {answers.garbage}" if answers.garbage else "") or shard.trouble
            self.told.lost[shard.node] = why_lost(shard)

    def _note_lost(self) -> None:
        """The nodes that nobody answers for; which shard would have stood there is known of those that did."""
        unread = [shard for shard in self._shards.shards if not shard.read]
        by_node = {shard.node: shard for shard in unread if shard.node}
        nowhere = [shard for shard in unread if shard.node not in by_node]
        for client in self._clients:
            if client.node not in self.told.answers and client.node not in self.told.lost:
                shard = by_node.get(client.node) or next(iter([*nowhere, *unread]), None)
                self.told.lost[client.node] = why_lost(shard) if shard else "no shard stood there"


def _may_tell(shard: Shard) -> bool:
    """Whether it stands somewhere and may have told a part."""
    return bool(not shard.read and shard.pod and shard.node and shard.pod.metadata.uid not in shard.gone)


def _pod(raw: msgspec.Raw) -> Pod | None:
    try:
        return decoded(raw, Pod)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
