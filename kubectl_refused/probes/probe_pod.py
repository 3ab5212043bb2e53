"""Dials and lookups from pods of our own, one for each client that asks: the best witness there is.

For each a Job runs the probe agent (probe_agent.py), which writes its answers to the pod's log and stays a while;
later questions of the same diagnosis are put to it by exec.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from kubectl_refused.connection.errors import ConnectionProblem
from kubectl_refused.model.facts import NODE_SETTINGS, Fact, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.target import Depth, Vantage
from kubectl_refused.probes.agent_round import FACTS
from kubectl_refused.probes.base import Learnt, ProbeContext, Right
from kubectl_refused.probes.cleanup import Leftover
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.probe_of_client import ProbeOfClient
from kubectl_refused.sources.reads import each

STANDINGS = ("anywhere", "pod", "node", "control")


class ProbePod:
    """The Method `probe-pod`. A client's pod serves all rounds of a diagnosis; `close` removes them all.

    `vantages` by client key are known after the first round. `leftovers` are overdue objects of earlier runs seen
    on the way, `unlikes` say what a stand-in cannot have of its client.
    """

    name = "probe-pod"
    order = 10
    depth = Depth.PODS
    facts: frozenset[Fact[Any]] = FACTS
    # What both ways need. A Job is tried first and a bare pod where Jobs are forbidden: see `rights_for_*`.
    rights: tuple[Right, ...] = (
        Right("list", "pods"),
        Right("watch", "pods"),
        Right("get", "pods", subresource="log"),
    )
    rights_for_jobs = (Right("create", "jobs", "batch"), Right("delete", "jobs", "batch"))
    rights_for_bare_pods = (Right("create", "pods"), Right("delete", "pods"))
    ways = (rights_for_jobs, rights_for_bare_pods)
    proves = "what a packet from inside the cluster experiences and who rejects it"
    rights_for_later_rounds = tuple(Right(verb, "pods", subresource="exec") for verb in ("get", "create"))
    rights_for_images = (Right("list", "nodes"),)
    rights_for_reasons = (Right("list", "events"),)

    def __init__(self) -> None:
        self._probes: dict[tuple[str, str], ProbeOfClient] = {}
        self._lock = threading.Lock()

    @property
    def vantages(self) -> dict[str, Vantage]:
        """Where the pods that answered stand, by the key of their client."""
        return {probe.client.key: probe.vantage for probe in self._all() if probe.vantage}

    @property
    def leftovers(self) -> tuple[Leftover, ...]:
        """Overdue objects of earlier runs, in the namespaces that were looked at."""
        return tuple({old.path: old for probe in self._all() for old in probe.leftovers}.values())

    @property
    def unlikes(self) -> tuple[Gap, ...]:
        """What stand-ins lack of their clients."""
        return tuple(Gap(p.client.name, p.unlike) for p in self._all() if p.unlike and p.vantage)

    def takes(self, need: Need, context: ProbeContext) -> bool:
        """Whether the need's client stands somewhere in the cluster; for a node's settings, on its own network."""
        client = context.client_of(need)
        if need.fact is NODE_SETTINGS:
            return client.host_network and client.node == need.subject.name
        return client.standing in STANDINGS

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[Learnt]:
        """Yield a Handshake for each (HANDSHAKE, Dial), a Lookup for each (LOOKUP, NameKey), or a Gap."""
        batches: dict[str, list[Need]] = {}
        for need in needs:
            batches.setdefault(context.client_of(need).key, []).append(need)
        probes = {key: self._probe(context.client_of(batch[0]), context) for key, batch in batches.items()}
        for answers in each(lambda key: list(probes[key].learn(batches[key], context)), batches):
            yield from answers

    def close(self, context: ProbeContext) -> None:
        """Remove everything this method created. What cannot be removed is left to the ledger's undo.

        Raises Cancelled only.
        """

        def away(probe: ProbeOfClient) -> None:
            with contextlib.suppress(ConnectionProblem):
                probe.close(context)

        each(away, self._all())

    def _probe(self, client: Client, context: ProbeContext) -> ProbeOfClient:
        with self._lock:
            number = len(self._probes) + 1
            name = f"refused-{context.run_id}" + (f"-{number}" if number > 1 else "")
            return self._probes.setdefault((client.namespace, client.key), self._made(client, name))

    def _made(self, client: Client, name: str) -> ProbeOfClient:
        return ProbeOfClient(client, name)

    def _all(self) -> list[ProbeOfClient]:
        with self._lock:
            return list(self._probes.values())
