"""Manifests as documents with their file and line: YAML (several documents), JSON, Lists, directories, stdin.

YAML is read as Kubernetes reads it (sigs.k8s.io/yaml): no dates and no base-60 numbers, which YAML 1.1 and
PyYAML know. Everything is bounded, since a file may be anything.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from kubectl_refused.errors import ManifestProblem, shown
from kubectl_refused.patterns import lazily
from kubectl_refused.text import clean

from .passages import Passage
from .yaml_documents import BrokenYaml, Place, TooMuchYaml, yaml_documents

SUFFIXES = (".yaml", ".yml", ".json")  # cli-runtime pkg/resource/builder.go, FileExtensions
LARGEST_FILE = 64 * 1024 * 1024  # bytes
LARGEST_TOTAL = 512 * 1024 * 1024  # bytes
MOST_FILES = 10_000
STDIN = "-"


@dataclass(frozen=True)
class Document:
    """One document or list item; `line` is like `shop/web.yaml:12`, `passage` finds the lines of its fields.

    `twice` has the keys that one of its mappings has twice, with the second one's line.
    """

    value: Any
    line: str
    passage: Passage | None = None
    twice: tuple[tuple[str, int], ...] = ()


def documents(paths: Sequence[str], *, recursive: bool, stdin: BinaryIO) -> Iterator[Document]:
    """Every document of the files, items of Lists one by one. Raises ManifestProblem."""
    left = LARGEST_TOTAL
    for path in paths:
        if path == STDIN:
            yield from _documents(read_bounded(stdin, "stdin"), "stdin")
            continue
        for file in _files(path, recursive=recursive):
            data = read_file(file)
            left -= len(data)
            if left < 0:
                most = LARGEST_TOTAL >> 20
                raise ManifestProblem(f"{shown(file)}: more than {most} MiB in all files", "name fewer with -f")
            yield from _documents(data, shown(file))


_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")


def as_text(data: bytes, name: str) -> bytes:
    """The bytes as UTF-8 where they are UTF-16, which kubectl reads too. Raises ManifestProblem for no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            says = f"{name}: not valid UTF-16 from byte {error.start} on"
            raise ManifestProblem(says, "save it as UTF-8") from error
    if data.startswith(_PACKED):
        raise ManifestProblem(
            f"{name} is packed", "unpack it first, or type --recording for what `kubectl refused record` wrote"
        )
    if b"\0" in data[:8192]:
        raise ManifestProblem(f"{name} is no text: there is a null byte in it", "give YAML or JSON")
    return data


def _files(path: str, *, recursive: bool) -> Iterator[str]:
    """The file itself, or a directory's manifests sorted by path."""
    if re.match(r"https?://", path):
        raise ManifestProblem(
            f"{shown(path)} is a URL", "fetch it first: curl -fsSL URL | kubectl refused -f - svc/NAME"
        )
    if not os.path.isdir(path):
        yield path
        return
    found = _directory(Path(path), recursive=recursive)
    if not found:
        instead = "name another one" if recursive else "name a file, or add -R for its subdirectories"
        raise ManifestProblem(f"{shown(path)}: no {', '.join(SUFFIXES)} file in this directory", instead)
    yield from found


def _directory(root: Path, *, recursive: bool) -> list[str]:
    """Manifests below `root`; directories behind symbolic links are left out, so that no loop can form."""
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(folders) if recursive else []
        found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(SUFFIXES)]
        if len(found) > MOST_FILES:
            raise ManifestProblem(f"{shown(str(root))}: more than {MOST_FILES} files", "name fewer with -f")
    return found


def read_file(file: str) -> bytes:
    """A file's bytes. Raises ManifestProblem."""
    try:
        _check_kind(file)
        with open(file, "rb") as stream:
            return read_bounded(stream, shown(file))
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ManifestProblem(f"{shown(file)} cannot be read: {why}", "give -f FILE, DIRECTORY or -") from error


def _check_kind(file: str) -> None:
    """Refuse what may never end: nobody writes into a pipe that lies about; the one of a shell's <(…) is open."""
    if stat.S_ISFIFO(os.stat(file).st_mode) and not file.startswith(("/dev/fd/", "/proc/")):
        raise ManifestProblem(f"{shown(file)} is a pipe", "pipe into -f - instead")


def read_bounded(stream: BinaryIO, name: str) -> bytes:
    """What a stream holds. Raises ManifestProblem for what is too large."""
    data = stream.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise ManifestProblem(f"{name} is larger than {LARGEST_FILE >> 20} MiB", "split it")
    return data


def _documents(raw: bytes, name: str) -> Iterator[Document]:
    """Documents of one file. JSON goes first where it may be: the YAML parser takes 50 times as long."""
    data = as_text(raw, name)
    if data.lstrip()[:1] in (b"{", b"["):
        found = _json_documents(data)
        if found is not None:
            text = data.decode("utf-8-sig")
            for value, place in found:
                yield from _flat(value, name, [place], text)
            return
    text = data.decode("utf-8-sig", "replace")  # as many characters as the parser counts, which refuses others
    try:
        for value, places, twice in yaml_documents(data):
            yield from _with_twice(_flat(value, name, places, text), twice)
    except TooMuchYaml as error:
        raise ManifestProblem(f"{name}: {error}", "give plain manifests") from error
    except BrokenYaml as error:
        raise _broken(data, name, error) from error


def _with_twice(found: Iterator[Document], twice: tuple[tuple[str, int], ...]) -> Iterator[Document]:
    """The documents, each with those keys that are not before it and not behind the next one's start."""
    last: Document | None = None
    for document in found:
        if last:
            yield _with(last, twice, _line(document))
        last = document
    if last:
        yield _with(last, twice, None)


def _with(document: Document, twice: tuple[tuple[str, int], ...], end: int | None) -> Document:
    own = tuple(one for one in twice if _line(document) <= one[1] and (end is None or one[1] < end))
    return replace(document, twice=own) if own else document


def _line(document: Document) -> int:
    return int(document.line.rpartition(":")[2])


def _json_documents(data: bytes) -> list[tuple[Any, Place]] | None:
    """Concatenated JSON documents, cleaned, with their places; None for what is no JSON or too deep."""
    found: list[tuple[Any, Place]] = []
    try:
        text, decoder = data.decode("utf-8-sig"), json.JSONDecoder()
        at = _past_blanks(text, 0)
        while at < len(text):
            value, end = decoder.raw_decode(text, at)
            found.append((_cleaned(value), Place(text.count("\n", 0, at) + 1, at, end)))
            at = _past_blanks(text, end)
    except (ValueError, RecursionError):
        return None
    return found


_BLANKS = lazily(r"\s*")


def _past_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return match.end() if match else at


def _flat(value: Any, name: str, places: list[Place], text: str) -> Iterator[Document]:
    """The document, or the items of a List with a line each; items of a ServiceList get the kind it tells."""
    whole = _passage(text, places[0])
    kind = value.get("kind") if isinstance(value, dict) else None
    items = value.get("items") if isinstance(value, dict) else None
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        yield Document(value, f"{name}:{places[0].line}", whole)
        return
    own = {"kind": kind.removesuffix("List"), "apiVersion": value.get("apiVersion")} if kind != "List" else {}
    for number, item in enumerate(items):
        place, passage = places[0], whole.within("items", f"[{number}]")
        if number + 1 < len(places):
            place = places[number + 1]
            passage = _passage(text, place)
        yield Document({**own, **item} if isinstance(item, dict) else item, f"{name}:{place.line}", passage)


def _passage(text: str, place: Place) -> Passage:
    """The text of a place, its first line as far indented as it is in the file."""
    column = place.start - text.rfind("\n", 0, place.start) - 1
    return Passage(" " * column + text[place.start : place.end], place.line)


def _broken(data: bytes, name: str, error: BrokenYaml) -> ManifestProblem:
    """Why a file is no YAML. Templates deserve an answer of their own: they are the usual reason."""
    for number, line in enumerate(data.splitlines(), start=1):
        if b"{{" in line:
            return ManifestProblem(
                f"{name}:{number}: this is a template, not a manifest",
                "render it first: helm template CHART | kubectl refused -f - svc/NAME",
            )
    return ManifestProblem(f"{name}:{error.line}: not valid YAML: {shown(error.why)}", "mend that line")


def _cleaned(value: Any) -> Any:
    """Decoded JSON with every string cleaned of control sequences."""
    if isinstance(value, str):
        return value if value.isprintable() else clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    return value
