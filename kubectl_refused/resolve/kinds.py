"""The kinds a word may name: those understood, and those that deserve a better answer than "unknown"."""

from __future__ import annotations

SERVICE_WORDS = ("svc", "service", "services")

# Kinds people will try; each with the names kubectl takes for it (kubectl api-resources).
OTHER_KINDS: dict[str, tuple[str, ...]] = {
    "Pod": ("po", "pod", "pods"),
    "Deployment": ("deploy", "deployment", "deployments"),
    "StatefulSet": ("sts", "statefulset", "statefulsets"),
    "DaemonSet": ("ds", "daemonset", "daemonsets"),
    "ReplicaSet": ("rs", "replicaset", "replicasets"),
    "Job": ("job", "jobs"),
    "CronJob": ("cj", "cronjob", "cronjobs"),
    "Endpoints": ("ep", "endpoints"),
    "EndpointSlice": ("endpointslice", "endpointslices"),
    "NetworkPolicy": ("netpol", "networkpolicy", "networkpolicies"),
    "Node": ("no", "node", "nodes"),
    "Namespace": ("ns", "namespace", "namespaces"),
    "ConfigMap": ("cm", "configmap", "configmaps"),
    "Secret": ("secret", "secrets"),
}


def is_service(kind: str) -> bool:
    """Whether `kind` names Services as kubectl takes it: any case, optionally with version and group.

    `services.`, `services.v1.` and `Service.v1.` are TYPE.VERSION.GROUP with the empty core group
    (apimachinery schema.ParseResourceArg); `services.v1` would be a group called v1.
    """
    word, dot, rest = kind.lower().partition(".")
    return word in SERVICE_WORDS and (not dot or rest in ("", "v1."))


def other_kind(kind: str) -> str | None:
    """The Kind a word means that is not understood (yet), or None for a word that means nothing."""
    word = kind.lower().partition(".")[0]
    return next((name for name, words in OTHER_KINDS.items() if word in words), None)


def meant(kind: str) -> bool:
    """Whether `kind` is probably a misspelt Service: `scv`, `svs`, `sevice`."""
    from kubectl_refused.trace.nearest import MOST_CHARACTERS, nearest  # on the way to an error only

    return nearest(kind.lower().partition(".")[0][:MOST_CHARACTERS], SERVICE_WORDS) is not None
