"""Who a process is, from its control group and its command line. Pure; hostile text yields nothing.

Control groups: docker and its Kubernetes names (`docker-ID.scope`, `/docker/ID`), containerd and CRI-O in pods
(`cri-containerd-ID.scope`, `crio-ID.scope`, `kubepods/…/ID`), Podman (`libpod-ID.scope`), LXC, systemd(1) units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line

_ID = r"([0-9a-f]{64})"
_RUNTIMES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("docker", lazily(rf"/docker[-/]{_ID}(?:\.scope)?(?:/|$)")),
    ("podman", lazily(rf"/libpod-{_ID}(?:\.scope)?(?:/|$)")),
    ("cri-o", lazily(rf"/crio-{_ID}(?:\.scope)?(?:/|$)")),
    ("containerd", lazily(rf"/cri-containerd-{_ID}(?:\.scope)?(?:/|$)")),
    ("pod", lazily(rf"kubepods.*/{_ID}(?:/|$)")),
    ("lxc", lazily(r"/lxc(?:\.payload)?[./]([A-Za-z0-9_.-]{1,64})(?:/|$)")),
)
_UNIT = lazily(r"/([A-Za-z0-9:_.@\\-]{1,120}\.service)(?:/|$)")
MOST_LINES = 64
SHORT_ID = 12  # characters that `docker ps` shows


def container_of(control_groups: str) -> str:
    """`docker 4f2a9c81d0b3` from the text of /proc/PID/cgroup; empty for a process of the machine's own."""
    for path in _paths(control_groups):
        for runtime, pattern in _RUNTIMES:
            found = pattern.search(path)
            if found:
                return f"{runtime} {found[1][:SHORT_ID] if runtime != 'lxc' else found[1]}"
    return ""


def unit_of(control_groups: str) -> str:
    """The systemd service it runs in, the innermost; empty for sessions and containers."""
    if container_of(control_groups):
        return ""
    for path in _paths(control_groups):
        units = _UNIT.findall(path)
        if units and not units[-1].startswith("user@"):
            return one_line(units[-1], 60)
    return ""


def _paths(control_groups: str) -> Iterator[str]:
    """The paths of a /proc/PID/cgroup (cgroups(7)): `hierarchy:controllers:path` a line."""
    for line in control_groups.split("\n", MOST_LINES)[:MOST_LINES]:
        yield line.rpartition(":")[2]


def forwards(words: Sequence[str]) -> str:
    """Where a process passes connections on to, by its command line; empty where it serves them itself."""
    program = words[0].rsplit("/", 1)[-1].removesuffix(".exe") if words else ""
    if program == "kubectl" and "port-forward" in words:
        return _port_forward(words)
    if program == "docker-proxy":
        return _docker_proxy(words)
    if program == "ssh":
        tunnels = [value for flag, value in _flags(words) if flag == "-L"]
        return one_line(f"{tunnels[0]} by ssh", 80) if tunnels else ""
    return "containers' networks by rootless port forwarding" if program in ("rootlessport", "rootlesskit") else ""


def _port_forward(words: Sequence[str]) -> str:
    """`svc/web 8080:80` of `kubectl port-forward -n shop svc/web 8080:80`."""
    after = words[list(words).index("port-forward") + 1 :]
    plain: list[str] = []
    skip = False
    for word in after:
        if not skip and not word.startswith("-"):
            plain.append(word)
        skip = word in ("-n", "--namespace", "--address", "--context", "--kubeconfig", "--pod-running-timeout")
    spaces = [value for flag, value in _flags(words) if flag in ("-n", "--namespace")]
    where = f" -n {spaces[0]}" if spaces else ""
    return one_line(f"{' '.join(plain[:2])}{where} by kubectl port-forward", 80)


def _docker_proxy(words: Sequence[str]) -> str:
    """`172.17.0.2:80 by docker-proxy` of its flags -container-ip and -container-port."""
    given = dict(_flags(words))
    host, port = given.get("-container-ip", "a container"), given.get("-container-port", "")
    return one_line(f"{host}:{port} by docker-proxy", 80)


def _flags(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each flag with the value behind it or behind its equals sign."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("-"):
            flag, equals, value = word.partition("=")
            yield flag, value if equals else after
