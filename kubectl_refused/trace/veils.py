"""Accepted dials that say nothing, since a mesh's proxy accepts for a dead app too. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubectl_refused.model.facts import NAMESPACE, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake, Outcome
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily

from .gateway_answers import gateway_of
from .runtimes import Mesh, veil_of

# Endpoints behind proxies whose sockets are read; what lies beyond is told as a Gap.
MOST_VEILED = 24
# Envoy's own page where its connection to the app was refused (istio issues 41090 and 45261), and Linkerd's. Envoy
# 1.40 tells no errno; within a pod nothing else than a refusal is called so, but for a failed TLS handshake.
_REFUSED_BEHIND = lazily(
    r"delayed connect error: 111|connection refused \(os error 111\)|reset reason: remote connection failure",
    re.IGNORECASE,
)
_OF_TLS = lazily(r"\bTLS[_ ]error", re.IGNORECASE)


def veil(scene: Scene, pod: Pod, port: int) -> Mesh | None:
    """The mesh that accepts for this port of the pod, as far as the objects tell."""
    return veil_of(pod, port, scene.known(NAMESPACE, NamespaceKey(pod.metadata.namespace)))


def says_nothing(scene: Scene, pod: Pod, handshake: Handshake) -> bool:
    """Whether the dial was accepted (or accepted and closed) by a mesh's proxy in the app's place."""
    if handshake.outcome not in (Outcome.ACCEPTED, Outcome.RESET):
        return False
    return veil(scene, pod, handshake.port) is not None


def refused_behind(handshake: Handshake) -> bool:
    """Whether the proxy itself tells that the app refused it."""
    said = proxy_said(handshake)
    return bool(_REFUSED_BEHIND.search(said)) and not _OF_TLS.search(said)


def proxy_said(handshake: Handshake) -> str:
    """What the proxy in front of the app answered in its place: its page where one was read, else what is told."""
    answered = gateway_of(handshake.http)
    return answered.said if answered else handshake.detail


def veiled(scene: Scene) -> Iterator[Scene]:
    """Views of the endpoints whose dial says nothing."""
    shown = 0
    for endpoint in scene.ready_endpoints:
        view = scene.at_endpoint(endpoint)
        seen = scene.handshake(view.endpoint_dial)
        if endpoint.pod is None or seen is None or not says_nothing(scene, endpoint.pod, seen):
            continue
        shown += 1
        if shown > MOST_VEILED:
            return
        yield view
