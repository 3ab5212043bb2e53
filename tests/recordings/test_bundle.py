"""Files that are no recordings, hostile or broken: one line that names the file, bounded, nothing unpacked."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.errors import RecordingProblem
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.recordings import bundle
from kubectl_refused.recordings.bundle import DOCUMENT, NOTE, packed, read, unpacked, write
from kubectl_refused.recordings.forms import FORMAT, form_of
from kubectl_refused.recordings.transcript import Recording, Transcript

EMPTY = Recording("1.2.3", "kind-dev", Depth.PODS, (Transcript(Target("web", "shop"), ()),))
FORM = form_of(EMPTY)


def tarred(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """A gzipped tar of these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(data), kind, link
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def problem(data: bytes) -> str:
    """The one line about a file of these bytes."""
    with pytest.raises(RecordingProblem) as caught:
        unpacked(data, "b.tgz")
    assert caught.value.message.isprintable()
    assert caught.value.message.startswith("b.tgz: ")
    return caught.value.message


def written(form: Any) -> bytes:
    return tarred((DOCUMENT, json.dumps(form).encode()))


def test_the_same_content_is_the_same_bytes() -> None:
    assert packed(EMPTY) == packed(EMPTY)
    assert unpacked(packed(EMPTY), "b.tgz") == EMPTY
    with tarfile.open(fileobj=io.BytesIO(packed(EMPTY))) as tar:
        assert [(m.name, m.mode, m.mtime, m.uid) for m in tar] == [(NOTE, 0o600, 0, 0), (DOCUMENT, 0o600, 0, 0)]


def test_the_document_alone_is_read_too() -> None:
    assert unpacked(json.dumps(FORM).encode(), "recording.json") == EMPTY


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no tar of a recording: empty file"),
        (b"PK\x03\x04", "no gzipped recording: Not a gzipped file"),
        (gzip.compress(b"x" * 3000)[:20], "no gzipped recording"),
        (gzip.compress(b"x" * 3000), "no tar of a recording"),
        (gzip.compress(b""), "no tar of a recording: empty file"),
        (tarred(("../../etc/passwd", b"x")), "member ../../etc/passwd at byte 0 does not belong in a recording"),
        (tarred((DOCUMENT, b"{}"), (DOCUMENT, b"{}")), f"member {DOCUMENT} at byte 1024 does not belong"),
        (tarred(*((f"m{n}", b"") for n in range(5000))), "member m0 at byte 0 does not belong"),
        (tarred(("\x1b[31m", b"")), r"member \x1b[31m at byte 0"),
        (tarred((DOCUMENT, b""), kind=tarfile.SYMTYPE, link="/etc/passwd"), "does not belong in a recording"),
        (tarred((DOCUMENT, b""), kind=tarfile.LNKTYPE, link="/etc/passwd"), "does not belong in a recording"),
        (tarred((DOCUMENT, b""), kind=tarfile.CHRTYPE), "does not belong in a recording"),
        (tarred((DOCUMENT, b""), kind=tarfile.FIFOTYPE), "does not belong in a recording"),
        (tarred((DOCUMENT, b""), kind=tarfile.DIRTYPE), "does not belong in a recording"),
        (tarred((NOTE, b"hello")), f"there is no {DOCUMENT} in it"),
        (tarred((DOCUMENT, b"{")), f"{DOCUMENT}: not valid JSON"),
        (tarred((DOCUMENT, b"\xff\xfe{}")), f"{DOCUMENT}: not valid JSON"),
        (tarred((DOCUMENT, b"[" * 100_000)), f"{DOCUMENT}: not valid JSON"),
        (b"{}", "it names no format, and this version reads " + FORMAT),
        (written([]), "it names no format"),
        (written({**FORM, "format": "kubectl-refused/v2"}), "its format is kubectl-refused/v2, and this version"),
        (written({**FORM, "depth": "deep"}), "it is none of none, passive, pods, all - at $.depth"),
        (written({**FORM, "diagnoses": {}}), "expected `list`, got `dict` - at $.diagnoses"),
        (written({**FORM, "diagnoses": [{}]}), "at $.diagnoses[0].rounds"),
        (
            written({**FORM, "diagnoses": [{**FORM["diagnoses"][0], "read": [{"at": 1, "kind": "Pod"}]}]}),
            "Expected `object`, got `null` - at $.diagnoses[0].read[0].object",
        ),
        (
            written({**FORM, "diagnoses": [{**FORM["diagnoses"][0], "read": [{"at": 1, "kind": "Gnu"}]}]}),
            "there is no kind Gnu here - at $.diagnoses[0].read[0].kind",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_one_line_says_what_is_wrong(data: bytes, says: str) -> None:
    assert says in problem(data)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LARGEST", 1 << 20)
    assert "it unpacks to more than 1 MiB" in problem(gzip.compress(b"\0" * (4 << 20)))


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundle, "LARGEST_FILE", 1 << 20)
    big = tmp_path / "big.tgz"
    with big.open("wb") as out:
        out.truncate(8 << 30)  # a hole: nothing of it is on the disk
    with pytest.raises(RecordingProblem, match=r"big.tgz is larger than 1 MiB"):
        read(str(big))


def test_what_is_too_large_to_be_read_again_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LARGEST", 10)
    with pytest.raises(RecordingProblem, match="the recording is larger than"):
        packed(EMPTY)


def test_a_pipe_a_folder_and_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, says in (("pipe", "is no file"), ("", "is no file"), ("none", "cannot be read: No such file"),
                       ("a\0b", "cannot be read")):  # fmt: skip
        with pytest.raises(RecordingProblem) as caught:
            read(f"{tmp_path}/{name}")
        assert says in caught.value.message


def test_control_sequences_do_not_get_through() -> None:
    target = {"name": "a\x1b[31mb", "namespace": "shop", "kubectl": "kubectl\x07"}
    form = {**FORM, "context": "\x1b]0;x\x07kind", "diagnoses": [{**FORM["diagnoses"][0], "target": target}]}
    recording = unpacked(written(form), "b.tgz")
    assert recording.context == "kind"
    assert recording.transcripts[0].target == Target("ab", "shop")


def test_a_newer_facts_and_fields_are_left_out() -> None:
    round_ = {"facts": [{"fact": "weather", "about": "NodeKey", "of": {}, "value": 1}], "vantages": []}
    form = {**FORM, "new": 1, "diagnoses": [{**FORM["diagnoses"][0], "rounds": [round_]}]}
    assert unpacked(written(form), "b.tgz").transcripts[0].rounds[0].learnt == ()


def test_it_is_written_for_its_owner_and_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "b.tgz"
    write(str(path), b"first", replace=False)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write(str(path), b"second", replace=False)
    assert path.read_bytes() == b"first"
    write(str(path), b"third", replace=True)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"third", 0o600)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        write(str(tmp_path / "link"), b"", replace=False)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tgz", "link"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "pods", "Pod", "node", "NodeKey"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["target", "read", "rounds", "facts", "vantages", "notices", "at", "kind", "object", "gap",
                         "covered", "fact", "about", "of", "value", "name", "namespace"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def sound(data: bytes) -> None:
    """A recording, or one line."""
    message = ""
    try:
        unpacked(data, "b.tgz")
    except RecordingProblem as problem:
        message = problem.message
    assert message.isprintable()


@given(st.binary(max_size=200), st.integers(0, 2))
def test_any_bytes_end_in_one_line(data: bytes, wrapped: int) -> None:
    sound([data, gzip.compress(data), tarred((DOCUMENT, data))][wrapped])


@given(st.dictionaries(st.sampled_from(["tool", "context", "depth", "origin", "diagnoses"]), JSON))
def test_any_document_ends_in_a_recording_or_one_line(form: dict[str, Any]) -> None:
    sound(json.dumps({**FORM, **form}).encode())


@given(st.lists(JSON, max_size=2), st.lists(JSON, max_size=2))
def test_any_diagnosis_ends_in_a_recording_or_one_line(read_: list[Any], facts: list[Any]) -> None:
    rounds = [{"facts": facts, "vantages": []}]
    sound(json.dumps({**FORM, "diagnoses": [{**FORM["diagnoses"][0], "read": read_, "rounds": rounds}]}).encode())


@given(st.integers(0, 600), st.integers(0, 255))
def test_any_damage_ends_in_a_recording_or_one_line(place: int, byte: int) -> None:
    whole = bytearray(gzip.decompress(packed(EMPTY)))
    whole[place * 5 % len(whole)] = byte
    sound(gzip.compress(bytes(whole)))
