"""The change of the address a server binds to, where the pod's own spec says it."""

from __future__ import annotations

import re

from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.scene import Scene
from kubectl_refused.trace.containers import containers

from .change import container_change, named, workload_of

_LOCAL = re.compile(r"127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\blocalhost\b|\[::1\]|(?<![\w:])::1(?![\w:])")


def bind_everywhere(scene: Scene, pod: Pod, port: int) -> Fix:
    """Replace a loopback address in command, arguments or environment; words where it is elsewhere."""
    for container in containers(pod):
        for field, words in (("command", container.command), ("args", container.args)):
            changed = [_everywhere(word) for word in words or ()]
            if words and changed != list(words):
                summary = f"Bind to all addresses: {_differing(words, changed)}"
                return container_change(scene, pod, container.name, summary, {field: changed})
        env = [{"name": e.name, "value": _everywhere(e.value)} for e in container.env or () if e.value]
        told = {e.name: e.value for e in container.env or ()}
        env = [e for e in env if e["value"] != told[e["name"]] and _names_an_address(e["name"])]
        if env:
            summary = f"Bind to all addresses: {env[0]['name']}={env[0]['value']}"
            return container_change(scene, pod, container.name, summary, {"env": env})
    kind, metadata, _ = workload_of(scene, pod)
    return Fix(summary=f"Bind the server to 0.0.0.0:{port} (or [::]:{port})", owner=named(kind, metadata.name))


def _everywhere(word: str) -> str:
    return _LOCAL.sub(lambda found: "[::]" if found[0].startswith("[") else "0.0.0.0", word)


def _differing(before: tuple[str, ...], after: list[str]) -> str:
    """`httpd -p 127.0.0.1:80 → httpd -p 0.0.0.0:80`, cut to the words that differ where it is long."""
    pairs = [(b, a) for b, a in zip(before, after, strict=True) if b != a]
    old, new = (" ".join(before), " ".join(after)) if len(" ".join(before)) < 60 else pairs[0]
    return f"{old} → {new}"


def _names_an_address(name: str) -> bool:
    return any(word in name.upper() for word in ("HOST", "BIND", "LISTEN", "ADDR"))
