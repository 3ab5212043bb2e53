"""Whom a proxy sends to, by its log and its settings. Pure; patterns are bounded, lines and settings are cut.

Formats: nginx (ngx_http_upstream.c, ngx_http_log_error_handler), Envoy's default access log and Istio's (flags UF,
UH and others before the quoted upstream host), Go's net.OpError, HAProxy's "HTTP log format" and its backends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Handshake
from kubectl_refused.patterns import lazily

from .addresses import place
from .containers import containers

MOST_LINES, MOST_CHARACTERS, MOST_UPSTREAMS = 200, 2000, 6
MOST_SETTINGS = 20_000
_HOST = r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9_.-]{0,252})"
_PORT = r":(\d{1,5})(?!\d)"
_FAILED = lazily(r"connect\(\) failed|upstream (?:timed out|prematurely closed)|recv\(\) failed")
_NGINX = lazily(rf'upstream: "[a-z]{{3,6}}://{_HOST}{_PORT}')
_ENVOY = lazily(r'" 50[234] (?:[A-Z]{2,5},){0,4}(?:UF|UH|UC|UT|URX|UR|LR)\b')
_QUOTED = lazily(rf'"{_HOST}{_PORT}"')
_CLUSTER = lazily(rf"\boutbound\|(\d{{1,5}})\|[\w.-]{{0,63}}\|{_HOST}")
_GO = lazily(rf"dial tcp {_HOST}{_PORT}: (?:connect:|i/o timeout)")
_BACKEND = lazily(r" ([\w.:-]{1,120})/(?:<NOSRV>|[\w.:-]{1,120}) [\d/+-]{5,60} 50[234] ")
_SECTION = lazily(r"\s{0,20}(backend|listen|frontend|defaults|global)\b\s{0,20}([\w.:-]{0,120})")
_SERVER = lazily(rf"\s{{0,20}}server\s{{1,20}}[\w.:-]{{1,120}}\s{{1,20}}{_HOST}{_PORT}")


class Upstream(NamedTuple):
    """Where a proxy sends: an address or a name, and the log's line that says so.

    `ours`: the line is of the very request that was answered. Another's may be about another upstream.
    """

    host: str
    port: int
    line: str
    ours: bool = False


def logged(lines: Iterable[str], settings: str = "", marks: Iterable[str] = ()) -> tuple[Upstream, ...]:
    """The upstreams that a log says failed, each once, the last first; the request's own alone if it is there.

    Without that the last line alone stands for a proxy that writes at once. Envoy writes up to ten seconds later,
    so its last line may be of an earlier request. A backend's name is looked up in the settings. `marks` are words
    by which a line is the request's own.
    """
    own = tuple(mark for mark in marks if mark)
    found: dict[tuple[str, int], Upstream] = {}
    for line in list(lines)[-MOST_LINES:][::-1]:
        ours = any(mark in line for mark in own)
        for host, port in _of_line(line[:MOST_CHARACTERS], settings):
            told = Upstream(host.strip("[]"), int(port), line, ours)
            if 0 < told.port < 65536 and ours:
                return (told,)
            if 0 < told.port < 65536 and len(found) < MOST_UPSTREAMS:
                found.setdefault(told[:2], told)
    newest = next(iter(found.values()), None)
    at_once = newest is not None and not _ENVOY.search(newest.line)
    return tuple(found.values())[: 1 if at_once else None]


def marks_of(heard: Handshake) -> tuple[str, ...]:
    """By what a proxy's log tells our request from others: the Host we sent (nginx, Envoy), or whence it came
    (HAProxy).

    Through the API server both are its own, and say nothing of which port was asked.
    """
    if not heard.first_hand or heard.http is None:
        return ()
    return (f'"{place(heard.host, heard.port)}"', f"{heard.http.source} [" if heard.http.source else "")


def _of_line(line: str, settings: str) -> Iterator[tuple[str, str]]:
    if _FAILED.search(line) and (told := _NGINX.search(line)):
        yield told[1], told[2]
    elif told := _ENVOY.search(line):
        quoted = _QUOTED.findall(line[told.end() :])
        cluster = _CLUSTER.search(line)
        if cluster:
            yield cluster[2], cluster[1]
        elif quoted:
            yield quoted[-1]
    elif told := _GO.search(line):
        yield told[1], told[2]
    elif told := _BACKEND.search(line):
        yield from servers_of(settings, told[1])


def servers_of(settings: str, backend: str) -> Iterator[tuple[str, str]]:
    """The servers of a backend of HAProxy's."""
    section = ""
    for line in settings[:MOST_SETTINGS].splitlines():
        if begins := _SECTION.match(line):
            section = begins[2]
        elif section == backend and (server := _SERVER.match(line)):
            yield server[1], server[2]


def settings_of(pod: Pod) -> str:
    """What the pod's spec tells its programs to do: commands and arguments, as text."""
    words = (word for c in containers(pod) for word in (*(c.command or ()), *(c.args or ())))
    return "\n".join(words)[:MOST_SETTINGS]
