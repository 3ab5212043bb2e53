"""A NetworkPolicy's rule names the Service's port, and the pod's is another.

Why it refuses:
    The service proxy translates a Service's port to the pod's before any policy looks at the packet: a rule that
    allows the Service's port (80) lets nothing through to the pod's (8080). Most enforcers drop: the client sees
    silence. The same holds for egress rules on the client's side. Seen with an enforcer in the nodes' forward hook
    behind kube-proxy; an enforcer that looks before the translation would be outside of the API's definition.
Confirm:
    kubectl get networkpolicy POLICY -o jsonpath='{.spec}'    # the ports of its rules
    kubectl get endpointslices -l kubernetes.io/service-name=NAME    # the port packets arrive on
Fix:
    Write the pod's port (the targetPort) in the rule.
See:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.fixes.policy import amend
from kubectl_refused.model.evidence import Finding
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN
from kubectl_refused.model.objects import NetworkPolicy, PolicyPort
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.denials import Denial, client_told, egress_denial, ingress_denial
from kubectl_refused.trace.policies import peers_hold, port_holds, rules_of
from kubectl_refused.trace.proofs import field


@cause(
    "KR311",
    scope=Scope.ENDPOINT,
    reads={HANDSHAKE, LISTENERS, NAMESPACE, POLICIES_IN},
    produces={Symptom.SILENCE, Symptom.DENIAL},
    since="0.2",
    needs_symptom=True,
)
def policy_names_service_port(scene: Scene) -> Iterator[Finding]:
    """Yield when the policies deny the client, and a rule would allow it if the Service's port were the pod's."""
    if scene.port is None:
        return
    for denial in (ingress_denial(scene), egress_denial(scene)):
        meant = _meant(denial, scene.port.port) if denial else None
        if denial and meant:
            yield _finding(scene, denial, scene.port.port, *meant)


def _meant(denial: Denial, asked: int) -> tuple[NetworkPolicy, int, int] | None:
    """(policy, rule, port) of the first rule that is for this client and lists the Service's own number."""
    if asked == denial.port:
        return None
    for policy in denial.policies:
        for place, (peers, ports) in enumerate(rules_of(policy, denial.direction)):
            if not peers_hold(peers, policy.metadata.namespace, denial.peer):
                continue
            for entry, offered in enumerate(ports or ()):
                if _lists(offered, denial, asked):
                    return policy, place, entry
    return None


def _lists(offered: PolicyPort, denial: Denial, asked: int) -> bool:
    # A range holds the number by accident as likely as by intent: only the number itself is somebody's word.
    return isinstance(offered.port, int) and not offered.end_port and port_holds(offered, denial.pod, asked)


def _finding(scene: Scene, denial: Denial, asked: int, policy: NetworkPolicy, place: int, entry: int) -> Finding:
    subject = f"networkpolicy/{policy.metadata.name}"
    path = f"spec.{denial.field}[{place}].ports[{entry}].port"
    through = "in" if denial.direction == "Ingress" else "out"
    pod = denial.pod.metadata.name
    says = f"{path} is {asked}, the port of svc/{scene.target.name}; packets arrive at {pod} on {denial.port}"
    return Finding(
        where=subject,
        says=f"it lets {client_told(scene)} {through} on {asked}, the Service's port; the pod's is {denial.port}",
        headline=f"NetworkPolicy {policy.metadata.name} names the Service's port {asked}, "
        f"not the pod's {denial.port}",
        certainty=denial.certainty,
        evidence=(field(scene, subject, path, asked, says), *denial.evidence),
        fix=amend(
            scene,
            policy,
            f"/spec/{denial.field}/{place}/ports/{entry}/port",
            denial.port,
            summary=f"Set the port of {denial.field} rule {place + 1} to {denial.port}",
        ),
    )
