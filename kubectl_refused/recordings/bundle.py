"""Recordings as files: a gzipped tar of one JSON document and a note for people, the same bytes for one content.

Whoever replays one may have it from anybody: it is read within bounds, nothing is ever unpacked, and what does not
belong in it is refused by name.
"""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from gzip import GzipFile
from typing import Any, BinaryIO

import msgspec

from kubectl_refused.errors import RecordingProblem, shown
from kubectl_refused.text import clean

from .forms import FORMAT, OddRecording, form_of, recording_from
from .transcript import Recording

LARGEST_FILE = 32 << 20  # bytes, packed
LARGEST = 128 << 20  # bytes, unpacked; 65 times that of a namespace with 500 pods
DOCUMENT, NOTE = "recording.json", "README.txt"
_INSTEAD = "name a file that `kubectl refused record` wrote"
_TEXT = """\
What one run of kubectl-refused {tool} read from a cluster and saw there, for: {targets}.
Its verdict replays anywhere, without that cluster:

    kubectl refused --recording THIS_FILE

Masked before it was judged and written: values of variables but for ports and addresses, secrets in command
lines, logs and messages, annotations that hold whole objects. Secrets are never read. Names, labels, addresses,
images and the last lines of logs are in it: look into recording.json before you give it away.
"""


def packed(recording: Recording) -> bytes:
    """The file's bytes. Raises RecordingProblem for what would be too large to be read again."""
    document = json.dumps(form_of(recording), indent=1, ensure_ascii=True).encode() + b"\n"
    if len(document) > LARGEST:
        raise RecordingProblem(
            f"the recording is larger than {LARGEST >> 20} MiB", "record fewer targets, or one namespace's"
        )
    targets = ", ".join(f"{one.target} -n {one.target.namespace}" for one in recording.transcripts)
    note = _TEXT.format(tool=recording.tool, targets=targets).encode()
    whole, tar_bytes = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar_bytes, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in ((NOTE, note), (DOCUMENT, document)):
            member = tarfile.TarInfo(name)  # with no time, owner or group of its own
            member.size, member.mode = len(data), 0o600
            tar.addfile(member, io.BytesIO(data))
    with GzipFile(filename="", mode="wb", fileobj=whole, mtime=0) as packing:
        packing.write(tar_bytes.getvalue())
    return whole.getvalue()


def write(path: str, data: bytes, *, replace: bool) -> None:
    """Write a file that only its owner may read, whole or not at all. Raises OSError (FileExistsError)."""
    handle, fresh = tempfile.mkstemp(prefix=".kubectl-refused-", dir=os.path.dirname(os.path.abspath(path)))
    try:
        with open(handle, "wb") as out:
            out.write(data)
        if replace:
            os.replace(fresh, path)
        else:
            _take_name(fresh, path)
    finally:
        with suppress(OSError):
            os.unlink(fresh)


def _take_name(fresh: str, path: str) -> None:
    """Give the file its name, which nobody may have taken meanwhile: link(2) never replaces."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(17, os.strerror(17), path) from None
        os.replace(fresh, path)


def read(path: str) -> Recording:
    """The Recording in a file. Raises RecordingProblem."""
    return unpacked(_bytes(path), shown(path))


def _bytes(path: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # before it is opened: that of a pipe never returns
            raise RecordingProblem(f"{shown(path)} is no file", _INSTEAD)
        with open(path, "rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise RecordingProblem(f"{shown(path)} cannot be read: {why}", _INSTEAD) from error
    if len(data) > LARGEST_FILE:
        raise RecordingProblem(f"{shown(path)} is larger than {LARGEST_FILE >> 20} MiB", _INSTEAD)
    return data


def unpacked(data: bytes, name: str) -> Recording:
    """The Recording in a file's bytes, packed or its document alone. Raises RecordingProblem."""
    document = data if data.lstrip()[:1] == b"{" else _document(data, name)
    where = name if document is data else f"{name}: {DOCUMENT}"
    form = _decoded(document, where)
    told = form.get("format") if isinstance(form, dict) else None
    if told != FORMAT:
        had = f"its format is {shown(str(told))}" if isinstance(told, str) else "it names no format"
        raise RecordingProblem(f"{where}: {had}, and this version reads {FORMAT}", _INSTEAD)
    try:
        return recording_from(form)
    except OddRecording as odd:
        raise RecordingProblem(f"{where}: {shown(odd.why)} - at {shown(odd.where)}", _INSTEAD) from odd


def _document(data: bytes, name: str) -> bytes:
    try:
        with GzipFile(fileobj=io.BytesIO(data)) as packed_stream:
            found = packed_stream.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingProblem(f"{name}: no gzipped recording: {shown(str(error))}", _INSTEAD) from error
    if len(found) > LARGEST:
        raise RecordingProblem(f"{name}: it unpacks to more than {LARGEST >> 20} MiB", _INSTEAD)
    document: bytes | None = None
    for member, part in _members(io.BytesIO(found), name):
        if member == DOCUMENT:
            document = part
    if document is None:
        raise RecordingProblem(f"{name}: there is no {DOCUMENT} in it", _INSTEAD)
    return document


def _members(stream: BinaryIO, name: str) -> Iterator[tuple[str, bytes]]:
    """The two members that a recording has. Raises RecordingProblem at the first that does not belong there."""
    seen: set[str] = set()
    try:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            while (member := tar.next()) is not None:
                if member.name not in (DOCUMENT, NOTE) or member.name in seen or member.type != tarfile.REGTYPE:
                    told = f"{name}: member {shown(member.name)} at byte {member.offset}"
                    raise RecordingProblem(f"{told} does not belong in a recording", _INSTEAD)
                seen.add(member.name)
                part = tar.extractfile(member)
                assert part is not None
                yield member.name, part.read(LARGEST)
    except (tarfile.TarError, OSError, EOFError, ValueError, ArithmeticError, LookupError) as error:
        raise RecordingProblem(f"{name}: no tar of a recording: {shown(str(error))}", _INSTEAD) from error


def _decoded(document: bytes, where: str) -> Any:
    try:
        return _cleaned(msgspec.json.decode(document))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordingProblem(f"{where}: not valid JSON: {shown(str(error))}", _INSTEAD) from error


def _cleaned(value: Any) -> Any:
    """Every text without what steers a terminal: anybody may have written the file."""
    if isinstance(value, str):
        return value if value.isprintable() else clean(value)
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(part) for key, part in value.items()}
    return value
