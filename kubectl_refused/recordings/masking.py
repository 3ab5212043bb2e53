"""Secrets taken out of what goes into a recording, before anything is judged by it. Pure.

The diagnosis that is recorded sees what is written and nothing else, so that its replay cannot differ. Of a
variable's value that leaves what causes read: ports, and addresses without user, password and path.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from kubectl_refused.model.report import Diagnosis, DiagnosisList, Report, Root
from kubectl_refused.patterns import lazily
from kubectl_refused.text import MASK, mask

LONGEST_ANNOTATION = 300  # characters; longer ones are whole objects and settings (last-applied-configuration)
# Keys whose texts tell objects apart or select them: they hold no secrets, and must stay what they are.
_IDENTITIES = frozenset({
    "apiVersion", "kind", "name", "namespace", "uid", "labels", "matchLabels", "selector", "nodeSelector",
    "key", "values", "operator", "host", "address", "addresses", "nodeName", "image", "names", "podIP",
    "podIPs", "hostIP", "ip", "clusterIP", "clusterIPs", "at", "outcome", "errno", "witness",
})  # fmt: skip
_SECRET = lazily(r"PASS|SECRET|TOKEN|CREDENTIAL|COOKIE|SALT|SIGNATURE|(?:_|^)(?:KEY|PWD|PIN)$", re.IGNORECASE)
_PLACED = lazily(r"(?:PORT|ADDR|ADDRESS|LISTEN|BIND|URL|HOST|HOSTNAME|SERVER|UPSTREAM|ENDPOINT)S?$", re.IGNORECASE)
_HOST = r"(?:\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?\.?)"
_PLACE = lazily(rf"(?:{_HOST})?:?\d{{1,5}}|{_HOST}")
_ALONE = lazily(rf"(?<![\w./@:-])(?:{_HOST})?:\d{{1,5}}(?![\w:.@-])")
_URL = lazily(
    rf"\b([a-z][a-z0-9+.-]{{1,20}}://)(?:[^\s/'\"]{{0,300}}@)?((?:{_HOST}(?::\d{{1,5}})?,?){{1,20}})(?![\w:@])(\S*)"
)
LONGEST_VALUE = 2000  # characters of a variable that are looked at


def masked(value: Any, key: str = "") -> Any:
    """Plain data with secrets masked: variables, command lines, annotations, every text that names no object."""
    if isinstance(value, str):
        return value if key in _IDENTITIES else _mask(value)
    if isinstance(value, list | tuple):
        return [masked(item, key) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _part(name, part) for name, part in value.items()}


def _part(key: str, part: Any) -> Any:
    if key in ("labels", "matchLabels", "selector", "nodeSelector") and isinstance(part, dict):
        texts = all(isinstance(value, str) for value in part.values())
        return part if texts else masked(part)
    if key == "env" and isinstance(part, list):
        return [{**entry, "value": variable(entry["name"], entry["value"])} if entry.get("value") else entry
                for entry in part]  # fmt: skip
    if key == "data" and isinstance(part, dict):  # a ConfigMap's: its keys are variables
        return {name: variable(name, str(value)) for name, value in part.items() if value is not None}
    if key in ("command", "args") and isinstance(part, list):
        return words(part)
    if key == "annotations" and isinstance(part, dict):
        return {name: MASK if len(text) > LONGEST_ANNOTATION else _mask(text) for name, text in part.items()}
    return masked(part, key)


def words(command: list[str]) -> list[str]:
    """A command line; what follows a flag like --token is its value."""
    behind = [False, *(word.startswith("-") and "=" not in word and _telling(word) for word in command)]
    return [
        MASK if secret and not word.startswith("-") else _mask(word)
        for word, secret in zip(command, behind, strict=False)
    ]


def _telling(flag: str) -> bool:
    return bool(_SECRET.search(flag)) or mask(f"{flag} x") != f"{flag} x"


def variable(name: str, value: str) -> str:
    """What may be told of a variable's value."""
    if _SECRET.search(name) or mask(f"{name}={value}") != f"{name}={value}":
        return _addresses(value) if "://" in value else MASK
    if _PLACED.search(name) and _PLACE.fullmatch(value):
        return value
    return _addresses(value)


def _addresses(value: str) -> str:
    """Its URLs without user and path, and its `host:port`s; `***` for the rest of it."""
    cut = value[:LONGEST_VALUE]
    kept = [f"{m[1]}{m[2]}" for m in _URL.finditer(cut) if "@" not in m[3]]
    kept += [m[0] for m in _ALONE.finditer(_URL.sub(" ", cut))] if "@" not in cut else []
    told = " ".join(kept)
    return told if told == value else f"{told} {MASK}".strip()


@lru_cache(maxsize=50_000)
def _mask(text: str) -> str:
    """The same few texts come again and again."""
    return mask(text)


def without_masked_commands(report: Report) -> Report:
    """The report without commands of fixes that hold a mask: they would write it into the cluster."""
    if isinstance(report, DiagnosisList):
        return replace(report, items=tuple(_diagnosis(item) for item in report.items))
    return _diagnosis(report) if isinstance(report, Diagnosis) else report


def _diagnosis(told: Diagnosis) -> Diagnosis:
    paths = tuple(
        replace(path, root=_root(path.root), chain=tuple(_known(root) for root in path.chain))
        for path in told.paths
    )
    return replace(told, root=_root(told.root), paths=paths)


def _root(root: Root | None) -> Root | None:
    return _known(root) if root else None


def _known(root: Root) -> Root:
    fix = root.fix
    if fix is None or MASK not in (fix.command or ""):
        return root
    return replace(root, fix=replace(fix, command=None, request=None))
