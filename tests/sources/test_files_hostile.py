"""Files that are hostile, broken or merely odd: one line, bounded time, never another exception."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.errors import ManifestProblem
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.snapshot import fold
from kubectl_refused.model.target import Target
from kubectl_refused.sources import manifests
from kubectl_refused.sources.files import FilesSource
from kubectl_refused.sources.yaml_documents import yaml_documents


def _changes(data: bytes) -> list[Any]:
    return list(FilesSource(["-"], stdin=io.BytesIO(data)).read(Target("web", "shop")))


def _problem(data: bytes) -> str:
    with pytest.raises(ManifestProblem) as caught:
        _changes(data)
    assert caught.value.message.isprintable()
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a: 1\nb: [\n", "stdin:3: not valid YAML"),
        (b"kind: Service\nname: {{ .x }}\n", "stdin:2: this is a template, not a manifest; render it first"),
        (b"{{- if .x }}\nkind: Service\n{{- end }}\n", "stdin:1: this is a template"),
        (b"{{ fail", "stdin:1: this is a template"),
        (b"\xff\xfe\x00\xd8", "stdin:1: not valid YAML"),
        (b"a: \x1b[31m\n", "stdin:1: not valid YAML"),
        (b"a: !!python/object/apply:os.system [ls]\n", "stdin:1: not valid YAML: could not"),
        (b"---\n\na: !!int x\n", "stdin:3: not valid YAML"),
        (b"a: !!timestamp x\n", "stdin:1: not valid YAML"),
        (b"? [a]\n: b\n", "stdin:1: not valid YAML"),
        (b"<<: 1\n", "stdin:1: not valid YAML"),
        (b"[" * 100_000, "stdin: it nests more than 200 levels deep"),
        (b"{" * 500, "stdin: it nests more than 200 levels deep"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "stdin: it nests more than 200 levels deep"),
        (b"- " * 100_000, "stdin: it nests more than 200 levels deep"),
        (b"".join(b" " * n + b"a:\n" for n in range(400)), "stdin: it nests more than 200 levels deep"),
        (b"&a [*a]\n", "stdin: an alias contains itself"),
        (b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 10)) for n in range(97, 105)
        ), "aliases expand to more than"),
    ],
)  # fmt: skip
def test_one_line_says_what_is_wrong(data: bytes, says: str) -> None:
    assert says in _problem(data)


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "LARGEST_FILE", 10)
    assert "stdin is larger than" in _problem(b"a" * 11)


def test_a_device_is_read_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "LARGEST_FILE", 1000)
    with pytest.raises(ManifestProblem, match="/dev/zero is larger"):
        FilesSource(["/dev/zero"]).services()


def test_control_sequences_do_not_get_through() -> None:
    data = rb'{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a\u001b[31mb", "labels": {"x\u0007": ""}}}'
    (pod,) = (value for value in fold(_changes(data)).objects.values() if isinstance(value, Pod))
    assert (pod.metadata.name, pod.metadata.labels) == ("ab", {"x": ""})
    data = rb'{apiVersion: v1, kind: Pod, metadata: {name: "a\e[31mb"}}'
    (pod,) = (value for value in fold(_changes(data)).objects.values() if isinstance(value, Pod))
    assert pod.metadata.name == "ab"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("2026-11-22", "2026-11-22"),
        ("2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("0644", 0o644),
        ("8080", 8080),
        ("-1", -1),
        ("1.5", 1.5),
        ("1e3", "1e3"),
        ("190:20:30.15", "190:20:30.15"),
        ("yes", True),
        ("~", None),
        ("'80'", "80"),
    ],
)
def test_scalars_as_kubernetes_reads_them(text: str, value: object) -> None:
    assert [found for found, _ in yaml_documents(f"a: {text}".encode())] == [{"a": value}]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["kind", "items", "metadata", "name", "spec", "ports", "template", "jobTemplate"])
        | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
KINDS = st.sampled_from(
    ["Service", "Pod", "Deployment", "CronJob", "List", "PodList", "NetworkPolicy", "Namespace"]
)


@given(st.dictionaries(st.sampled_from(["items", "metadata", "spec", "status", "apiVersion"]), JSON), KINDS)
def test_any_object_becomes_changes(body: dict[str, Any], kind: str) -> None:
    changes = _changes(json.dumps({**body, "kind": kind}).encode())
    assert any(change.covered for change in changes)


@given(st.binary(max_size=100) | st.text("{}[]:-*&!|>'\"\n a%#@", max_size=40).map(str.encode))
def test_any_bytes_end_in_changes_or_one_line(data: bytes) -> None:
    message = ""
    try:
        changes = _changes(data)
    except ManifestProblem as problem:
        message, changes = problem.message, []
    assert message.isprintable()
    assert message or changes
