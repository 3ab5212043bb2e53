"""The change of the address a server binds to, where the pod's own spec says it.

A loopback address in a spec is as often that of a neighbour the app dials (`DB_HOST=127.0.0.1`, a sidecar's
upstream): only what is told to listen is changed, or what names the very port.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import Container, Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line
from kubectl_refused.trace.containers import containers

from .change import container_change, named, workload_of

_LOCAL = lazily(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,20}://)?(?P<host>127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\blocalhost\b|\[::1\]|(?<![\w:])::1(?![\w:]))"
    r"(?P<port>:\d{1,5}\b)?"
)
# The word before an address: a flag, a variable, a call.
_TOKEN = lazily(r"([\w.-]{1,60})[\s=:'\"(\[,]{0,9}$")
_LISTENS = lazily(
    r"bind|listen|^-[bHlhi]$"
    r"|^-{0,2}(?:[\w-]{0,30}(?:http|server|web|app|run|api)[-_.])?(?:host|hostname|addr|address|ip|interface)$",
    re.IGNORECASE,
)
SHOWN = 60


def bind_everywhere(scene: Scene, pod: Pod, port: int) -> Fix:
    """Replace a loopback address in command, arguments or environment; words where it is elsewhere."""
    for container in containers(pod):
        for field, words in (("command", container.command), ("args", container.args)):
            changed = _changed(words or (), port)
            if changed != list(words or ()):
                summary = f"Bind to all addresses: {_differing(words or (), changed)}"
                return container_change(scene, pod, container.name, summary, {field: changed})
        if env := _variables(container, port):
            summary = f"Bind to all addresses: {env[0]['name']}={env[0]['value']}"
            return container_change(scene, pod, container.name, summary, {"env": env})
    kind, metadata, _ = workload_of(scene, pod)
    return Fix(summary=f"Bind the server to 0.0.0.0:{port} (or [::]:{port})", owner=named(kind, metadata.name))


def _changed(words: Sequence[str], port: int) -> list[str]:
    before = ("", *words)
    return [everywhere(word, port=port, before=before[place]) for place, word in enumerate(words)]


def _variables(container: Container, port: int) -> list[dict[str, str]]:
    """Environment variables that tell the server where to listen, with their new values."""
    told = [(e.name, e.value) for e in container.env or () if e.value]
    new = [(name, value, everywhere(value, port=port, before=name)) for name, value in told]
    return [{"name": name, "value": changed} for name, value, changed in new if changed != value]


def everywhere(word: str, *, port: int, before: str) -> str:
    """The word with wildcards for the loopback addresses a server is told to listen on; `before` precedes it."""

    def wildcard(found: re.Match[str]) -> str:
        token = _TOKEN.search(f"{before} {word[: found.start()]}"[-100:])
        listens = bool(token and _LISTENS.search(token[1]))
        named_port = found["port"]
        if named_port and int(named_port[1:]) != port:
            return found[0]
        if not listens and (found["scheme"] or not named_port):
            return found[0]
        # An address of IPv6 stays one: a socket of that family takes no 0.0.0.0, and [::] takes IPv4 too.
        host = {"[::1]": "[::]", "::1": "::"}.get(found["host"], "0.0.0.0")
        return f"{found['scheme'] or ''}{host}{named_port or ''}"

    return _LOCAL.sub(wildcard, word)


def _differing(before: Sequence[str], after: Sequence[str]) -> str:
    """`httpd -p 127.0.0.1:80 → httpd -p 0.0.0.0:80`, of long ones only what is about the first difference."""
    old, new = " ".join(before), " ".join(after)
    if len(old) < SHOWN:
        return one_line(f"{old} → {new}")
    first = next(i for i, (b, a) in enumerate(zip(old, new, strict=False)) if b != a)
    start = max(0, first - SHOWN // 3)
    return " → ".join(one_line(f"…{text[start : start + SHOWN]}", SHOWN) for text in (old, new))
