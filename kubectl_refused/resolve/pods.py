"""Words that name pods past every Service: `pod/web-0`, `deploy/web:8080`, `sts/db:postgres`. Pure."""

from __future__ import annotations

import re

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.target import OF_PODS, Target, TargetKind
from kubectl_refused.patterns import lazily

from .kinds import OTHER_KINDS

# TYPE.VERSION.GROUP as kubectl takes it (apimachinery schema.ParseResourceArg); pods are of the empty group.
_GROUPS: dict[TargetKind, tuple[str, str]] = {"Pod": ("", "v1"), "Job": ("batch", "v1")}
_APPS = ("apps", "v1")
# Names of pods and workloads are DNS subdomains, and names of containers' ports DNS labels (RFC 1123).
_NAME = lazily(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_PORT_NAME = lazily(r"(?=.{0,14}[a-z])[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?", re.ASCII)


def pods_kind(word: str) -> TargetKind | None:
    """The kind that `word` names, in any case and with or without its version and group; None for any other."""
    plain, dot, rest = word.lower().partition(".")
    for kind in OF_PODS:
        group, version = _GROUPS.get(kind, _APPS)
        if plain in OTHER_KINDS[kind]:
            return kind if not dot or rest in (group, f"{version}.{group}") else None
    return None


def pods_of(word: str) -> Target | None:
    """The Target of KIND/NAME[:PORT]; None for a word of another kind. Raises UsageProblem."""
    first, slash, rest = word.partition("/")
    kind = pods_kind(first) if slash else None
    if kind is None:
        return None
    name, colon, port = rest.partition(":")
    form = f"{OF_PODS[kind]}/NAME"
    if not _NAME.fullmatch(name):
        raise UsageProblem(f"'{shown(word)}' has no name of a {kind}", f"type {form} or {form}:PORT")
    return Target(name, "", _port(word, port, form) if colon else None, kind)


def _port(word: str, port: str, form: str) -> str:
    """A number without leading zeros, or the name that a container gives its port. Raises UsageProblem."""
    number = port.lstrip("0")
    if port.isascii() and number.isdigit() and len(number) <= 5 and int(number) <= 65535:
        return number
    if not port:
        raise UsageProblem(f"nothing follows the colon of '{shown(word)}'", f"type {form}:PORT")
    if _PORT_NAME.fullmatch(port):
        return port
    raise UsageProblem(
        f"'{shown(port)}' is no port", f"type {form}:PORT, a number or the name of a container's port"
    )
