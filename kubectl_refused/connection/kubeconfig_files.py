"""Find kubeconfig files, read them and merge them as kubectl does.

The rules are client-go's (tools/clientcmd/loader.go). The first file that has a map entry owns that entry as
a whole; the first non-empty current-context wins; a relative path belongs to the file it stands in. The
Python client differs: there the last current-context wins, so `KUBECONFIG=a:b` reached another cluster than
kubectl's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubectl_refused.connection.errors import BadConfiguration
from kubectl_refused.connection.kubeconfig_places import candidate_paths

Entry = dict[str, Any]
LARGEST_FILE = 32 * 1024 * 1024  # bytes; a kubeconfig with 10,000 contexts and certificates is smaller
_SECTIONS = (("clusters", "cluster"), ("contexts", "context"), ("users", "user"))
_PATH_FIELDS = {
    "clusters": ("certificate-authority",),
    "contexts": (),
    "users": ("client-certificate", "client-key", "tokenFile"),
}


@dataclass(frozen=True)
class Merged:
    """All files as one. The maps go from a name to the inner mapping, with absolute paths."""

    clusters: dict[str, Entry] = field(default_factory=dict)
    contexts: dict[str, Entry] = field(default_factory=dict)
    users: dict[str, Entry] = field(default_factory=dict)
    current_context: str = ""
    source_files: tuple[Path, ...] = ()


def candidate_files(explicit: str | None, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files to read, first wins. An `explicit` one must exist; raises BadConfiguration otherwise."""
    return tuple(map(Path, candidate_paths(explicit, environ)))


def merge_files(files: tuple[Path, ...]) -> Merged:
    """Read and merge `files`, skipping missing ones. Raises BadConfiguration."""
    sections: dict[str, dict[str, Entry]] = {name: {} for name, _ in _SECTIONS}
    current, read = "", []
    for file in files:
        document = _read(file)
        if document is None:
            continue
        read.append(file)
        current = current or _text(document, "current-context", file, "current-context")
        for section, key in _SECTIONS:
            for name, entry in _entries(document, section, key, file):
                sections[section].setdefault(name, entry)
    return Merged(**sections, current_context=current, source_files=tuple(read))


def _read(file: Path) -> Entry | None:
    """Return the document, None for a missing file."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadConfiguration(
            f"kubeconfig {file} cannot be read: {error.strerror}", "mend its permissions, or name another file"
        ) from error
    if len(data) > LARGEST_FILE:
        raise BadConfiguration(f"kubeconfig {file} is larger than {LARGEST_FILE >> 20} MiB", "name another file")
    return _parse(data, file)


def _parse(data: bytes, file: Path) -> Entry:
    import yaml

    try:
        document = yaml.load(data, Loader=_loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        says = getattr(error, "problem", None) or str(error)
        raise BadConfiguration(f"kubeconfig {file}{where} is not valid YAML: {says}", "mend that line") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise BadConfiguration(f"kubeconfig {file} is no mapping", "name a kubeconfig file")
    if document.get("kind") not in (None, "", "Config") or document.get("apiVersion") not in (None, "", "v1"):
        raise BadConfiguration(f"{file} is no kubeconfig (kind {document.get('kind')})", "name a kubeconfig file")
    return document


def _loader() -> type[Any]:
    """Return the C loader (13 to 16 times faster) without timestamps.

    To kubectl `token: 2024-01-01` is a string.
    """
    import yaml

    safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in safe.yaml_implicit_resolvers.items()
    }
    return type("KubeconfigLoader", (safe,), {"yaml_implicit_resolvers": resolvers})


def _entries(document: Entry, section: str, key: str, file: Path) -> Iterator[tuple[str, Entry]]:
    listed = document.get(section)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise BadConfiguration(
            f"kubeconfig {file}: {section} is no list", f"write {section}: as a list of name and {key}"
        )
    seen: set[str] = set()
    for item in listed:
        if item is not None and not isinstance(item, dict):
            raise BadConfiguration(f"kubeconfig {file}: an entry of {section} is no mapping", "mend that entry")
        name, entry = _entry(item or {}, section, key, file)
        if name in seen:
            raise BadConfiguration(f"kubeconfig {file}: {section} has {name} twice", "remove one of the two")
        seen.add(name)
        yield name, entry


def _entry(item: Entry, section: str, key: str, file: Path) -> tuple[str, Entry]:
    name = _text(item, "name", file, f"{section}[].name")
    inner = item.get(key)
    if inner is not None and not isinstance(inner, dict):
        raise BadConfiguration(f"kubeconfig {file}: {section}[{name}].{key} is no mapping", "mend that entry")
    entry = dict(inner or {})
    _check_types(entry, f"{section}[{name}].{key}", file)
    base = Path(os.path.abspath(file)).parent
    for path_field in _PATH_FIELDS[section]:
        if entry.get(path_field):
            entry[path_field] = _absolute(entry[path_field], base)
    if isinstance(plugin := entry.get("exec"), dict) and os.sep in str(plugin.get("command") or ""):
        # A bare command is looked up in PATH, so only one with a slash is a path (client-go
        # GetAuthInfoFileReferences).
        entry["exec"] = {**plugin, "command": _absolute(plugin["command"], base)}
    return name, entry


def _absolute(path: str, base: Path) -> str:
    """Join as Go's filepath.Join does, which cleans `..`; leave an absolute path as it is."""
    return path if os.path.isabs(path) else os.path.normpath(os.path.join(base, path))


_BOOLEANS = {"insecure-skip-tls-verify", "disable-compression"}
_LISTS = {"as-groups", "extensions"}
_MAPPINGS = {"exec", "auth-provider", "as-user-extra"}
_KNOWN_TEXTS = frozenset(
    [
        "server",
        "tls-server-name",
        "certificate-authority",
        "certificate-authority-data",
        "proxy-url",
        "cluster",
        "user",
        "namespace",
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
        "token",
        "tokenFile",
        "as",
        "as-uid",
        "username",
        "password",
    ]
)


def _check_types(entry: Entry, where: str, file: Path) -> None:
    """Refuse what kubectl refuses to decode; unknown fields pass."""
    for key in _KNOWN_TEXTS & entry.keys():
        _text(entry, key, file, f"{where}.{key}")
    for keys, kind, word in (
        (_BOOLEANS, bool, "true or false"),
        (_LISTS, list, "a list"),
        (_MAPPINGS, dict, "a mapping"),
    ):
        for key in keys & entry.keys():
            if entry[key] is None:
                del entry[key]
            elif not isinstance(entry[key], kind):
                raise BadConfiguration(f"kubeconfig {file}: {where}.{key} is not {word}", f"write it as {word}")


def _text(mapping: Entry, key: str, file: Path, where: str) -> str:
    """Return mapping[key] as text ("" for null or absent), dropping a null so that later code sees no None."""
    value = mapping.get(key)
    if value is None:
        mapping.pop(key, None)
        return ""
    if not isinstance(value, str):
        raise BadConfiguration(f"kubeconfig {file}: {where} is not text", "put the value in quotes")
    return value
