"""Files that are hostile, broken or merely odd: one line, bounded time, never another exception."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
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
        (b"\xff\xfe\x00\xd8", "stdin: not valid UTF-16 from byte 2 on; save it as UTF-8"),
        (b"\x7fELF\x02\0\0", "stdin is no text: there is a null byte in it; give YAML or JSON"),
        (b"\x1f\x8b\x08\0", "stdin is packed; unpack it first, or type --recording for what"),
        (b"PK\x03\x04", "stdin is packed; unpack it first"),
        (b"\xfe\xff\0a\0:\0 \0[", "stdin:2: not valid YAML"),
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


def test_a_pipe_that_lies_about_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    for path in (tmp_path, tmp_path / "x.yaml"):
        with pytest.raises(ManifestProblem, match=r"x\.yaml is a pipe; pipe into -f - instead"):
            FilesSource([str(path)]).services()


def test_all_files_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "LARGEST_TOTAL", 1000)
    for name in "abc":
        (tmp_path / f"{name}.yaml").write_text("# " + "x" * 400)
    with pytest.raises(ManifestProblem, match=r"c\.yaml: more than 0 MiB in all files; name fewer"):
        FilesSource([str(tmp_path)]).services()


SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {a: b}\n"


def test_utf_16_is_read_as_kubectl_reads_it() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        (change,) = (c for c in _changes((SERVICE + "  ports: [{port: 80}]\n").encode(encoding)) if c.value)
        assert (change.value.metadata.name, change.passage.line_of("spec.ports[].port", 80)) == ("web", 6)


@pytest.mark.parametrize(
    ("more", "line", "because", "remedy"),
    [
        ("ports: [{port: '${PORT}'}]", 6, "spec.ports[0].port holds ${PORT}, which", "fill it in first: envsubst"),
        ("ports: [{name: '{{ .x }}'}]", 6, "spec.ports[0].name holds {{ .x }}, which", "render it first: helm"),
        ("type: $(TYPE)", 6, "spec.type holds $(TYPE), which nobody", "build it first: kubectl kustomize"),
        ("ports: [{port: many}]", 1, "it does not read as a Service: Expected `int`, got `str`", "mend it"),
    ],
)
def test_what_nobody_has_filled_in(more: str, line: int, because: str, remedy: str) -> None:
    changes = _changes(f"{SERVICE}  {more}\n".encode())
    (gap,) = (c.gap for c in changes if c.gap)
    assert gap.what == f"Service web in stdin:{line}"
    assert because in gap.because
    assert gap.remedy.startswith(remedy)
    assert not any(c.covered and c.covered.kind == "Service" for c in changes)


def test_what_the_kubelet_and_shells_expand_is_meant_so() -> None:
    container = "{name: a, command: [sh, -c, 'x ${HOME}'], args: ['$(POD_IP)'], env: [{name: A, value: '$(B)'}]}"
    data = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [{container}]}}\n"
    assert [c.gap for c in _changes(data.encode()) if c.gap] == []


def test_keys_that_are_there_twice() -> None:
    listed = "apiVersion: v1\nkind: List\nitems:\n- {kind: Service, metadata: {name: a}, kind: Service}\n"
    data = f"{SERVICE}  selector: {{a: c}}\n---\n{listed}---\nx: &x {{a: 1}}\n<<: *x\na: 2\n"
    gaps = [c.gap for c in _changes(data.encode()) if c.gap]
    assert [(gap.what, gap.because) for gap in gaps] == [
        ("Service web in stdin:6", "the key selector is there twice, and the last one counts"),
        ("Service a in stdin:11", "the key kind is there twice, and the last one counts"),
    ]


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
    assert [found.value for found in yaml_documents(f"a: {text}".encode())] == [{"a": value}]


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
