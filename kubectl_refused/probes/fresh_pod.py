"""Dials from a pod of our own in its very first moment, when network plugins may not have heard of it yet.

The probe pod (probe_pod.py) waits that moment out, so that no passing denial is taken for a lasting one.
"""

from __future__ import annotations

from typing import Any

from kubectl_refused.model.facts import EARLY, Fact, Need
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.probe_of_client import ProbeOfClient
from kubectl_refused.probes.probe_pod import ProbePod


class FreshPod(ProbePod):
    """The Method `fresh-pod`: one more stand-in for the client, which does not wait before it dials."""

    name = "fresh-pod"
    order = 12
    facts: frozenset[Fact[Any]] = frozenset({EARLY})
    proves = "what a pod meets in its first moment"

    def takes(self, need: Need, context: ProbeContext) -> bool:
        """Whether the need's client is a pod of the pod network."""
        client = context.client_of(need)
        return client.standing == "pod" and not client.host_network

    def _made(self, client: Client, name: str) -> ProbeOfClient:
        return ProbeOfClient(client, f"{name}-fresh", early=True)
