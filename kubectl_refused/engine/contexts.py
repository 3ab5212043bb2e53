"""Docker's contexts: which one is chosen, and where it leads, as the docker CLI keeps them.

    $DOCKER_CONFIG or ~/.docker
        config.json                     {"currentContext": "away"}
        contexts/meta/ID/meta.json      {"Endpoints": {"docker": {"Host": "tcp://…", "SkipTLSVerify": false}}}
        contexts/tls/ID/docker/         ca.pem, cert.pem, key.pem

ID is the SHA-256 of the name. They are read here, as the package `docker` takes a context that is not there for
none, finds no folder where there is no config.json, and no CA without a client's certificate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kubectl_refused.errors import shown
from kubectl_refused.trace.nearest import nearest

from .problems import EngineProblem

BUILT_IN = "default"
LARGEST = 1 << 20  # bytes
MOST_CONTEXTS = 200


class Context(NamedTuple):
    """Where a context leads. `certificates` is a folder, `verify` whether the server's certificate is checked."""

    name: str
    host: str
    certificates: Path
    verify: bool


def chosen_context(environment: Mapping[str, str]) -> Context | None:
    """The one that DOCKER_CONTEXT or config.json names; None for the built-in one. Raises EngineProblem."""
    folder = _folder(environment)
    if name := environment.get("DOCKER_CONTEXT", ""):
        by = "DOCKER_CONTEXT"
    else:
        name, by = _current(folder / "config.json"), "config.json"
    if name in ("", BUILT_IN):
        return None
    return _read(folder, name, by)


def _folder(environment: Mapping[str, str]) -> Path:
    home = environment.get("HOME")
    return Path(environment.get("DOCKER_CONFIG") or ((Path(home) if home else Path.home()) / ".docker"))


def _current(file: Path) -> str:
    """The current context's name; empty where there is no such file."""
    value = _json(file, str(file), f"mend it, or move {shown(str(file))} away")
    name = value.get("currentContext") if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""


def _read(folder: Path, name: str, by: str) -> Context:
    identity = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    file = folder / "contexts" / "meta" / identity / "meta.json"
    instead = "try DOCKER_CONTEXT=default"
    value = _json(file, f"the context {shown(name)}", instead)
    if value is None:
        raise EngineProblem(
            f"there is no context {shown(name)}, which {by} names", _meant(folder, name) or instead
        )
    try:
        endpoint = value["Endpoints"]["docker"]
        host, skips = str(endpoint.get("Host") or ""), endpoint.get("SkipTLSVerify") is True
    except (KeyError, TypeError, AttributeError):
        raise EngineProblem(f"the context {shown(name)} has no endpoint of Docker", instead) from None
    return Context(name, host, folder / "contexts" / "tls" / identity / "docker", not skips)


def _json(file: Path, what: str, instead: str) -> Any:
    """The file's value, None where there is none. Raises EngineProblem."""
    try:
        with file.open("rb") as one:
            return json.loads(one.read(LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise EngineProblem(f"{shown(what)} cannot be read: {error.strerror}", instead) from error
    except (ValueError, RecursionError) as error:
        raise EngineProblem(f"{shown(what)} cannot be read: it is no JSON", instead) from error


def _meant(folder: Path, name: str) -> str:
    meant = nearest(name, [BUILT_IN, *_names(folder)])
    return f"did you mean DOCKER_CONTEXT={shown(meant)}?" if meant else ""


def _names(folder: Path) -> Iterator[str]:
    """The contexts that are there, those that cannot be read left out."""
    for file in sorted(folder.glob("contexts/meta/*/meta.json"))[:MOST_CONTEXTS]:
        try:
            value = _json(file, "", "")
        except EngineProblem:
            continue
        if isinstance(value, dict) and isinstance(value.get("Name"), str):
            yield value["Name"]
