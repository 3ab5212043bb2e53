"""What is recognised of where a pod runs, and which witnesses that makes unbelievable. Pure.

Marks and ports, each from its project's documentation: Istio "Application Requirements" (ports 150xx) and
"Ambient data plane" (annotation ambient.istio.io/redirection, set once traffic really is redirected), Linkerd
"Proxy Configuration", Kuma "Data plane on Kubernetes", Consul "Annotations and labels"; Virtual Kubelet labels
its nodes type=virtual-kubelet; spec.os and kubernetes.io/os are the Kubernetes API's own.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from kubectl_refused.model.objects import Namespace, Node, Pod
from kubectl_refused.model.observation import Socket

_ISTIO = frozenset({15000, 15001, 15002, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090})
_PROXIES = frozenset({"envoy", "pilot-agent", "linkerd2-proxy", "ztunnel", "kuma-dp", "consul-dataplan"})
# Where a virtual node is not read, its customary names tell (Azure's, and Virtual Kubelet's own default).
_VIRTUAL_NAMES = ("virtual-kubelet", "virtual-node")


class Mesh(Struct, frozen=True):
    """A proxy that takes the connections meant for a pod. `ports` are those it listens on in the pod itself.

    `skips` is the annotation that lists ports it leaves alone.
    """

    name: str
    proxy: str
    ports: frozenset[int]
    container: str = ""
    mark: tuple[str, str] = ("", "")
    skips: str = ""


# An empty value of a mark means any.
_MESHES = (
    Mesh(
        "Istio", "the istio-proxy sidecar", _ISTIO, "istio-proxy", ("sidecar.istio.io/status", ""),
        "traffic.sidecar.istio.io/excludeInboundPorts",
    ),
    Mesh(
        "Linkerd", "the linkerd-proxy sidecar", frozenset({4140, 4143, 4190, 4191}), "linkerd-proxy",
        ("linkerd.io/proxy-version", ""), "config.linkerd.io/skip-inbound-ports",
    ),
    Mesh(
        "Kuma", "the kuma-sidecar", frozenset({9901, 15001, 15006, 15010, 15053}), "kuma-sidecar",
        ("kuma.io/sidecar-injected", "true"), "traffic.kuma.io/exclude-inbound-ports",
    ),
    Mesh(
        "Consul", "the consul-dataplane sidecar", frozenset({15001, 19000, 20000}), "consul-dataplane",
        ("consul.hashicorp.com/connect-inject-status", "injected"),
        "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports",
    ),
    Mesh(
        "Istio ambient", "ztunnel, Istio's node proxy,", _ISTIO, "", ("ambient.istio.io/redirection", "enabled")
    ),
)  # fmt: skip
AMBIENT = _MESHES[-1]
_CONTAINERS = frozenset(mesh.container for mesh in _MESHES if mesh.container)
_MARKS = frozenset(mesh.mark[0] for mesh in _MESHES)


def mesh_of(pod: Pod, namespace: Namespace | None = None) -> Mesh | None:
    """The mesh whose proxy stands before the pod's own sockets; None for a gateway, which is the proxy itself."""
    if pod.spec.host_network:
        return None  # no mesh redirects what is the node's
    if not _mentions_a_mesh(pod):
        return AMBIENT if _enrolled(pod, namespace) else None
    main = {c.name for c in pod.spec.containers or ()}
    names = main | {c.name for c in pod.spec.init_containers or () if c.restart_policy == "Always"}
    for mesh in _MESHES:
        if mesh.container in names and main != {mesh.container}:
            return mesh
        if main != {mesh.container} and _marked(pod.metadata.annotations, mesh.mark):
            return mesh
    return AMBIENT if _enrolled(pod, namespace) else None


def _mentions_a_mesh(pod: Pod) -> bool:
    """Whether a container's name or an annotation is a mesh's: mostly none is, and a scan asks of every pod."""
    if pod.metadata.annotations and not _MARKS.isdisjoint(pod.metadata.annotations):
        return True
    for some in (pod.spec.containers, pod.spec.init_containers):  # a loop, as a generator takes twice as long
        for one in some or ():
            if one.name in _CONTAINERS:
                return True
    return False


def app_container(pod: Pod) -> str:
    """The container that is the application as far as can be told: kubectl's default, else the first but proxies.

    Statuses are sorted by name, and Istio injects its proxy first (holdApplicationUntilProxyStarts).
    """
    names = [c.name for c in pod.spec.containers or ()]
    default = (pod.metadata.annotations or {}).get("kubectl.kubernetes.io/default-container", "")
    proxies = {mesh.container for mesh in _MESHES}
    return default if default in names else next((n for n in names if n not in proxies), next(iter(names), ""))


def _marked(annotations: dict[str, str] | None, mark: tuple[str, str]) -> bool:
    value = (annotations or {}).get(mark[0])
    return value is not None and mark[1] in ("", value)


def _enrolled(pod: Pod, namespace: Namespace | None) -> bool:
    """Whether labels put the pod into an ambient mesh; the pod's own go before its namespace's."""
    mode = "istio.io/dataplane-mode"
    own = (pod.metadata.labels or {}).get(mode)
    shared = (namespace.metadata.labels or {}).get(mode) if namespace else None
    return (own or shared) == "ambient"


def veil_of(pod: Pod, port: int, namespace: Namespace | None = None) -> Mesh | None:
    """The mesh that accepts for this port, so that an accept is not the app's; None where it leaves it alone."""
    mesh = mesh_of(pod, namespace)
    if mesh is None or port in mesh.ports:
        return None
    skipped = (pod.metadata.annotations or {}).get(mesh.skips, "") if mesh.skips else ""
    return None if any(_within(port, part.strip()) for part in skipped.split(",")) else mesh


def _within(port: int, part: str) -> bool:
    """`8080` or Linkerd's `6222-6230`."""
    first, _, last = part.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        return False
    return int(first) <= port <= int(last or first)


def app_sockets(pod: Pod, sockets: Iterable[Socket]) -> tuple[Socket, ...]:
    """The sockets that may be the app's: none of the mesh's, and on the node's network only those seen as its own.

    A pod on the node's network sees every listener of the node; /proc/PID/fd shows only its own processes.
    """
    found = tuple(sockets)
    if pod.spec.host_network:
        return tuple(s for s in found if s.pid is not None)
    mesh = mesh_of(pod)
    if mesh is None:
        return found
    return tuple(s for s in found if s.port not in mesh.ports and s.process not in _PROXIES)


def sandbox_of(pod: Pod) -> str:
    """`gVisor` or `Kata Containers`, by the customary names of RuntimeClasses; empty for any other."""
    name = (pod.spec.runtime_class_name or "").lower()
    if "gvisor" in name or "runsc" in name:
        return "gVisor"
    return "Kata Containers" if "kata" in name else ""


def foreign_node(pod: Pod, node: Node | None = None) -> str:
    """`a Windows node` or `a virtual node`, where nothing that is said of Linux pods holds; else empty."""
    labels = (node.metadata.labels or {}) if node else {}
    chosen = pod.spec.node_selector or {}
    system = pod.spec.os.name if pod.spec.os else ""
    if "windows" in (system, chosen.get("kubernetes.io/os"), labels.get("kubernetes.io/os")):
        return "a Windows node"
    named = (pod.spec.node_name or "").startswith(_VIRTUAL_NAMES)
    return "a virtual node" if named or "virtual-kubelet" in (labels.get("type"), chosen.get("type")) else ""


def forward_doubt(pod: Pod, *, accepted: bool) -> str:
    """Why a dial by port-forward tells nothing of this pod's sockets, as one clause; empty where it does.

    The runtime dials in the network namespace that the node has for the pod. A sandbox has a network stack of its
    own behind it: a refusal there is not the app's, an answer is.
    """
    if foreign := foreign_node(pod):
        return f"it runs on {foreign}, where port-forward dials in another way"
    sandbox = sandbox_of(pod)
    if sandbox and not accepted:
        return f"it runs in {sandbox}, whose sockets are not in the network namespace that port-forward dials in"
    return ""
