"""Words that name what leads to Services: `ingress/shop`, `gateway/public`, `httproute/cart`. Pure."""

from __future__ import annotations

import re

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.target import ENTRANCES, Target, TargetKind
from kubectl_refused.patterns import lazily

# As kubectl takes them (kubectl api-resources), beside the singular and the plural.
_SHORT = {
    "ing": "Ingress", "gtw": "Gateway", "ingresses": "Ingress", "no": "Node", "lb": "LoadBalancer",
    "route": "OpenShiftRoute", "routes": "OpenShiftRoute",
    **dict.fromkeys(("validatingwebhookconfiguration", "validatingwebhookconfigurations"), "Webhook"),
    **dict.fromkeys(("mutatingwebhookconfiguration", "mutatingwebhookconfigurations"), "Webhook"),
}  # fmt: skip
_WORDS: dict[TargetKind, str] = {"LoadBalancer": "lb", "OpenShiftRoute": "route"}
_CORE = ("no", "node", "nodes")  # TYPE.VERSION.GROUP with the empty group: `nodes.v1.`
_GROUPS = (
    "networking.k8s.io", "gateway.networking.k8s.io", "route.openshift.io", "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
)  # fmt: skip
# A DNS subdomain (RFC 1123), which names of these kinds are.
_NAME = lazily(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*", re.ASCII)


def entrance_kind(word: str) -> TargetKind | None:
    """The kind that `word` names, in any case and with or without its version and group; None for any other."""
    plain, dot, rest = word.lower().partition(".")
    core = rest in ("", "v1.") and plain in _CORE
    if dot and not core and not any(rest == group or rest.endswith(f".{group}") for group in _GROUPS):
        return None
    for kind in ENTRANCES:
        if plain in (kind.lower(), f"{kind.lower()}s") or _SHORT.get(plain) == kind:
            return kind
    return None


def entrance_of(word: str) -> Target | None:
    """The Target of KIND/NAME; None for a word of another kind. Raises UsageProblem."""
    first, slash, name = word.partition("/")
    kind = entrance_kind(first) if slash else None
    if kind is None:
        return None
    form = f"{_WORDS.get(kind, kind.lower())}/NAME"
    plain, colon, port = name.partition(":")
    if kind == "Node":
        return _node(word, plain, port if colon else None)
    if colon and _NAME.fullmatch(plain):
        told = f"{form[:-4]}{plain} has no ports: its rules name those of their Services"
        raise UsageProblem(told, f"type {form[:-4]}{plain}")
    if not _NAME.fullmatch(name):
        raise UsageProblem(f"'{shown(word)}' has no name of an object", f"type {form}")
    return Target(name, "", None, kind)


def _node(word: str, name: str, port: str | None) -> Target:
    """The Target of node/NAME:PORT. Raises UsageProblem."""
    form = "node/NAME:NODEPORT"
    if not _NAME.fullmatch(name):
        raise UsageProblem(f"'{shown(word)}' has no name of a node", f"type {form}")
    if port is None:
        raise UsageProblem(f"'{shown(word)}' has no port", f"type node/{name}:NODEPORT")
    number = port.lstrip("0")
    if not (port.isascii() and number.isdigit() and len(number) <= 5 and int(number) <= 65535):
        raise UsageProblem(f"port '{shown(port)}' is not between 1 and 65535", f"type {form}")
    return Target(name, "", number, "Node")
