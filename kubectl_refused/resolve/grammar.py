"""The words of a command line, as Targets: `svc/web:80`, `service/web`, `svc web`, `web:http`.

The rules are kubectl's (cli-runtime pkg/resource/builder.go): one slash in a word, all words with a kind
or none, TYPE[.VERSION][.GROUP] as kind. Beyond kubectl a bare NAME is a Service, and a port may follow.
What names no Service at all is understood in places.py.
Pure: hostile words end in a UsageProblem of one line, never in another exception.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.target import Target
from kubectl_refused.patterns import lazily

from .entrances import entrance_kind
from .kinds import is_service, meant, other_kind
from .places import place_of
from .pods import pods_kind

# A DNS label (RFC 1123). Service names must start with a letter (RFC 1035) unless the cluster has the feature
# gate RelaxedServiceNameValidation; ports of Services are DNS labels too (core validation.go), not the
# 15 characters of a container's port.
_LABEL = lazily(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
MOST_TARGETS = 1000


def parse(words: Sequence[str], *, namespace: str, kubectl: str = "kubectl") -> tuple[Target, ...]:
    """The Targets that `words` name, in their order, each once. Raises UsageProblem."""
    if len(words) > MOST_TARGETS:
        raise UsageProblem(f"{len(words)} targets are too many", f"give at most {MOST_TARGETS}")
    words = _with_kind(words)
    places = [place_of(word) for word in words]
    if any(places) and not all(place is None or place.in_cluster for place in places):
        return _elsewhere(words, places)
    if any(places):
        here = [place or _service(_after_slash(_slashed(w))) for w, place in zip(words, places, strict=True)]
    else:
        here = [_service(word) for word in _without_kind(words)]
    return tuple(dict.fromkeys(replace(one, namespace=namespace, kubectl=kubectl) for one in here))


def _with_kind(words: Sequence[str]) -> Sequence[str]:
    """`ingress shop` as kubectl takes it: the kind in front of each name."""
    if len(words) < 2 or any("/" in word for word in words) or ":" in words[0]:
        return words
    with_ports = any(":" in word for word in words)
    if not pods_kind(words[0]) and (with_ports or not entrance_kind(words[0])):
        return words
    return [f"{words[0]}/{word}" for word in words[1:]]


def _service(text: str) -> Target:
    """The Service of NAME[:PORT]. Raises UsageProblem."""
    name, port = _name_and_port(text)
    return Target(name, "", port)


def _slashed(word: str) -> str:
    """The word, which stands beside one with a kind. Raises UsageProblem where it has none."""
    if "/" not in word:
        raise UsageProblem(f"{_quoted(word)} has no kind, and others have one", "give every target as svc/NAME")
    _refuse_slashes(word)
    return word


def _elsewhere(words: Sequence[str], places: Sequence[Target | None]) -> tuple[Target, ...]:
    """Targets that are no Services, all of them of one kind. Raises UsageProblem."""
    found = [place for place in places if place is not None]
    for word, place in zip(words, places, strict=True):
        if place is None or _ground(place) != _ground(found[0]):
            raise UsageProblem(
                f"{_quoted(word)} and {shown(str(found[0]))} are not in one place", "ask about each by itself"
            )
    return tuple(dict.fromkeys(found))


def _ground(target: Target) -> str:
    """Where the target is: several of one run are asked in one place."""
    return "Container" if target.kind == "Compose" else target.kind


def check_namespace(name: str) -> str:
    """`name` if it can name a namespace (a DNS label). Raises UsageProblem."""
    if not _LABEL.fullmatch(name):
        raise UsageProblem(f"{_quoted(name)} is no namespace name", f"type -n NAME, {_LABEL_RULE}")
    return name


_LABEL_RULE = "lower-case letters, digits and dashes, at most 63"


def _without_kind(words: Sequence[str]) -> Sequence[str]:
    """The NAME[:PORT] parts, whichever of kubectl's forms the words have."""
    slashed = [word for word in words if "/" in word]
    if not slashed:
        return _without_leading_kind(words)
    for word in slashed:
        _refuse_slashes(word)
    if len(slashed) != len(words):
        bare = next(word for word in words if "/" not in word)
        raise UsageProblem(
            f"{_quoted(bare)} has no kind and {_quoted(slashed[0])} has one", "give every target as svc/NAME"
        )
    return [_after_slash(word) for word in words]


def _without_leading_kind(words: Sequence[str]) -> Sequence[str]:
    """The names of `svc web cart`, or of bare `web cart`."""
    if words and is_service(words[0]):
        if len(words) == 1:
            raise UsageProblem(f"{shown(words[0])} names a kind but no Service", "type svc/NAME")
        return words[1:]
    if len(words) > 1 and ":" not in words[0] and (kind := other_kind(words[0])):
        raise _not_understood(words[0], kind, words[1])
    return words


def _refuse_slashes(word: str) -> None:
    if word.count("/") > 1:
        raise UsageProblem(
            f"{_quoted(word)}: arguments in resource/name form may not have more than one slash",
            "type svc/NAME or svc/NAME:PORT, and the namespace with -n",
        )


def _after_slash(word: str) -> str:
    """The NAME[:PORT] of KIND/NAME[:PORT]; raises UsageProblem for any other kind than Service."""
    kind, _, rest = word.partition("/")
    if not kind or not rest:
        raise UsageProblem(f"{_quoted(word)} lacks its {'name' if kind else 'kind'}", "type svc/NAME")
    if is_service(kind):
        return rest
    if "," in kind:
        raise UsageProblem(f"{_quoted(word)} has several kinds", "give each target as svc/NAME")
    if known := other_kind(kind):
        raise _not_understood(kind, known, rest)
    raise _unknown_kind(kind, rest)


def _not_understood(word: str, kind: str, rest: str) -> UsageProblem:
    return UsageProblem(
        f"{shown(word)} is a {kind}, and connections are not traced from one",
        f"type svc/NAME for the Service in front of {shown(rest)}",
    )


def _unknown_kind(kind: str, rest: str) -> UsageProblem:
    word, _, suffix = kind.partition(".")
    if is_service(word):
        instead = f"type svc/{shown(rest)}"
        return UsageProblem(f"services have no version or group {_quoted(suffix)}", instead)
    did_you_mean = f"did you mean svc/{shown(rest)}?" if meant(kind) else "type svc/NAME"
    return UsageProblem(f"{_quoted(kind)} is no kind that is understood", did_you_mean)


def _name_and_port(text: str) -> tuple[str, str | None]:
    name, colon, port = text.partition(":")
    if not _LABEL.fullmatch(name):
        raise _bad_name(name)
    return name, _port(port, of=name) if colon else None


def _bad_name(name: str) -> UsageProblem:
    says = f"{_quoted(name)} is no Service name"
    if not name:
        return UsageProblem("a Service name is empty", "type svc/NAME")
    if name.isascii() and _LABEL.fullmatch(name.lower()):
        return UsageProblem(f"{says}: names have no capitals", f"type svc/{name.lower()}")
    labels = name.removesuffix(".").split(".")
    if len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels[:2]):
        return UsageProblem(f"{says} but a DNS name", f"type svc/{labels[0]} -n {labels[1]}")
    return UsageProblem(says, f"type svc/NAME, {_LABEL_RULE}")


def _port(port: str, *, of: str) -> str:
    """The port as text: a number without leading zeros, or a name."""
    if not port:
        raise UsageProblem("nothing follows the colon", f"type svc/{of}:PORT, or svc/{of} for every port")
    if re.fullmatch(r"[+-]?[0-9]+", port):
        number = port.lstrip("0")
        if number.isdigit() and len(number) <= 5 and int(number) <= 65535:
            return number
        raise UsageProblem(f"port {shown(port)} is not between 1 and 65535", f"type svc/{of}:PORT")
    if _LABEL.fullmatch(port):
        return port
    instead = f"type svc/{of}:PORT, a number or the name of a port of the Service"
    raise UsageProblem(f"{_quoted(port)} is no port", instead)


def _quoted(text: str) -> str:
    """`'web'`, escaped; quotes make blanks and nothing at all visible."""
    return f"'{shown(text)}'"
