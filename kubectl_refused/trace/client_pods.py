"""The client's own pod, as its objects tell of it. Pure."""

from __future__ import annotations

from kubectl_refused.model.facts import CONFIG_MAP, PODS_IN, ConfigMapKey, NamespaceKey
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene

from .client_settings import Maps, config_maps


def client_pod(scene: Scene) -> Pod | None:
    """The pod that `--from` names or chose; None for a probe's own, a node, or a workload without pods.

    Raises Undecided while the pods of its namespace were not asked for.
    """
    vantage = scene.vantage
    kind, _, name = vantage.name.partition("/")
    if vantage.kind not in ("client", "stand-in") or kind != "pod" or not name:
        return None
    pods = scene.maybe(PODS_IN, NamespaceKey(vantage.namespace or scene.target.namespace))
    return next((pod for pod in pods or () if pod.metadata.name == name), None)


def client_maps(scene: Scene, pod: Pod | None) -> Maps:
    """The ConfigMaps that the pod's variables come from, by name; without those that may not be read."""
    if pod is None:
        return {}
    names = config_maps(pod)
    read = {name: scene.maybe(CONFIG_MAP, ConfigMapKey(pod.metadata.namespace, name)) for name in names}
    return {name: one for name, one in read.items() if one is not None}


def is_target(scene: Scene, host: str) -> bool:
    """Whether the host is the Service as the client resolves it: by name, by name and namespace, by address."""
    name, space = scene.target.name, scene.target.namespace
    if host in (scene.entrance, f"{name}.{space}", f"{name}.{space}.svc"):
        return True
    return host.startswith(f"{name}.{space}.svc.") or (host == name and at_home(scene))


def at_home(scene: Scene) -> bool:
    """Whether the client stands in the Service's own namespace, where its bare name is enough."""
    return scene.vantage.namespace in ("", scene.target.namespace)
