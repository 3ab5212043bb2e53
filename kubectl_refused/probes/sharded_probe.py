"""Dials from every node of a cluster that is too large for one probe pod after the other: an Indexed Job.

Kubernetes places, starts and repeats the shards; each dials the whole plan from its node (shard_agent.py). What a
shard that stays lost would have told is told as missing, and no other method tries it again.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from kubectl_refused.connection.errors import ApiProblem, ConnectionProblem, Forbidden, NotFound
from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod, PodStatus
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.probes.agent_round import AT_ONCE
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.claims import claims_of
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.image_candidates import candidates
from kubectl_refused.probes.images import Choice
from kubectl_refused.probes.probe_of_client import SETTLE
from kubectl_refused.probes.probe_pod_manifest import Wanted
from kubectl_refused.probes.probe_pod_wait import ProbeFailedError
from kubectl_refused.probes.shard_manifest import can_run
from kubectl_refused.probes.shard_plan import Plan, fitting, is_plannable, plans_of
from kubectl_refused.probes.shard_run import ShardRun, Told

WHAT = "shards of the scan"
LONGEST = 900.0  # seconds of dialling; what is then undone is told as missing
SLACK = 20.0  # seconds beyond the dials themselves: a pod's first moment, silent dials, lookups
RETRY = 30.0  # seconds in which Kubernetes replaces a pod that was lost; its back-off begins with 10 s


class ShardedProbe:
    """The Method `sharded-probe`; `unlikes` tells what its lost shards leave out, whatever else was proved."""

    name = "sharded-probe"
    order = 9
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE, LOOKUP})
    rights: tuple[Right, ...] = (
        Right("create", "jobs", "batch"),
        Right("delete", "jobs", "batch"),
        Right("list", "pods"),
        Right("watch", "pods"),
        Right("get", "pods", subresource="log"),
    )
    rights_for_reasons = (Right("list", "events"), Right("get", "jobs", "batch"))
    rights_for_images = (Right("list", "nodes"),)
    proves = "what a packet from every node experiences"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: list[ShardRun] = []
        self._lost: dict[str, str] = {}
        self._final: set[Need] = set()
        self._size: tuple[int, int] = (0, 0)
        self.vantages: dict[str, Vantage] = {}

    @property
    def unlikes(self) -> tuple[Gap, ...]:
        """Where nothing, or not everything, was dialled from."""
        return tuple(
            Gap(f"dials from {name}", f"some or all are missing: {why}") for name, why in self._lost.items()
        )

    def takes(self, need: Need, context: ProbeContext) -> bool:
        """Whether it is asked of a node, where pods one by one would be too many or too slow."""
        client = context.client_of(need)
        if client.standing != "node" or context.settings.guess or not is_plannable(need):
            return False
        clients = sum(one.standing == "node" for one in context.clients)
        return clients > 1 and clients * self._places(context.snapshot) > AT_ONCE

    def keeps(self, need: Need) -> bool:
        """Whether no other method is to try what this one could not tell."""
        return need in self._final

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Yield a Handshake or a Lookup for every need, or a Gap."""
        asked: dict[str, list[Need]] = {}
        for need in needs:
            asked.setdefault(context.client_of(need).key, []).append(need)
        clients = {client.key: client for client in context.clients}
        for keys, plan in plans_of(asked):
            of_these = [need for key in keys for need in asked[key]]
            try:
                told = self._told([clients[key] for key in keys], fitting(plan), context)
            except ProbeFailedError as failed:
                yield from ((need, Gap(WHAT, failed.because, failed.remedy)) for need in of_these)
            else:
                yield from self._learnt(of_these, told, context)

    def close(self, context: ProbeContext) -> None:
        """Remove every Job. What cannot be removed is left to the ledger's undo."""
        for run in self._runs:
            _remove(run, context)

    def _told(self, clients: Sequence[Client], plan: Plan, context: ProbeContext) -> Told:
        """Run a Job with the first image that can run it. Raises ProbeFailedError."""
        failed = ProbeFailedError("no image with python3 is known to be on the nodes", "--image names one")
        for choice in _choices(clients, context):
            run = self._run(choice, clients, plan, context)
            try:
                return run.run(context.settings.probe_pod_timeout + RETRY, seconds_of(plan, context))
            except ProbeFailedError as problem:
                failed = problem
                if not problem.by_image:
                    break
            except (Forbidden, NotFound, ApiProblem) as refused:
                raise ProbeFailedError(refused.message) from refused
            finally:
                _remove(run, context)
        raise failed

    def _run(self, choice: Choice, clients: Sequence[Client], plan: Plan, context: ProbeContext) -> ShardRun:
        settings = context.settings
        words = [
            "--timeout",
            f"{settings.dial_timeout:g}",
            "--rate",
            str(settings.rate),
            "--times",
            str(settings.dials),
        ]
        words += ["--settle", str(SETTLE), "--shards", str(len(clients))]
        words += ["--seconds", str(int(seconds_of(plan, context)))]
        with self._lock:
            number = len(self._runs) + 1
            wanted = Wanted(
                f"refused-{context.run_id}-shards" + (f"-{number}" if number > 1 else ""),
                clients[0].namespace or context.target.namespace,
                context.run_id,
                choice,
                (*words, *plan.words),
                settings.image_pull_secret,
            )
            self._runs.append(ShardRun(context, wanted, clients, plan))
            return self._runs[-1]

    def _learnt(self, needs: Sequence[Need], told: Told, context: ProbeContext) -> Iterator[Learnt]:
        missing: dict[str, int] = {}
        for need in needs:
            client = context.client_of(need)
            value = _value(need, told, client)
            if value is None:
                missing[client.node] = missing.get(client.node, 0) + 1
                why = told.lost.get(client.node, "it was not dialled in time, or does not fit into one Job")
                value = Gap(f"dials from {client.name}", why)
                self._final.add(need)
            yield need, value
        for client in context.clients:
            if client.node in told.pods:
                self.vantages[client.key] = _vantage(client, told.pods[client.node])
            if client.node in missing:
                why = told.lost.get(client.node, "the time for all dials was over")
                self._lost[client.name] = f"{missing[client.node]} of them; {why}"

    def _places(self, snapshot: Snapshot) -> int:
        """About how many a scan of what was read dials from one place."""
        if self._size[0] != id(snapshot):
            self._size = (id(snapshot), sum(map(len, claims_of(snapshot).values())))
        return self._size[1]


def seconds_of(plan: Plan, context: ProbeContext) -> float:
    """What a shard may take for all of it."""
    settings = context.settings
    passes = settings.dials * (len(plan.places) / settings.rate + settings.dial_timeout)
    return min(LONGEST, math.ceil(SLACK + passes + len(plan.names) / 50))


def _choices(clients: Sequence[Client], context: ProbeContext) -> list[Choice]:
    """Images with Python, those of the plain pod that could stand on any node."""
    found = candidates(context, Client(namespace=clients[0].namespace))
    given = bool(context.settings.image)
    return [Choice(c.image, "python", because=c.because) for c in found if given or can_run(c)]


def _value(need: Need, told: Told, client: Client) -> Any:
    answers = told.answers.get(client.node)
    if answers is None:
        return None
    if need.fact is LOOKUP:
        return answers.lookup(need.subject.name)
    status = told.pods[client.node].status or PodStatus()
    found = answers.handshake(need.subject.host, need.subject.port, status.pod_ip or "")
    return replace(found, witness="probe-pod") if found else None


def _vantage(client: Client, pod: Pod) -> Vantage:
    return Vantage(
        "node" if client.host_network else "pod",
        namespace=pod.metadata.namespace,
        node=client.node,
        name=client.name,
        labels=tuple(sorted((pod.metadata.labels or {}).items())),
        address=(pod.status.pod_ip if pod.status else None) or "",
        key=client.key,
    )


def _remove(run: ShardRun, context: ProbeContext) -> None:
    with contextlib.suppress(ConnectionProblem):
        if run.created is not None:
            run.created.remove(context.connection)
