"""The line of a field in its manifest, whatever the file looks like."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_refused.model.snapshot import Snapshot, fold
from kubectl_refused.model.target import Target
from kubectl_refused.sources.files import FilesSource
from kubectl_refused.sources.passages import LONGEST, Passage

TARGET = Target(namespace="default", name="web")
LISTED = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web}
  spec:
    ports:
    - port: 80
      targetPort: 8080
    - {name: b, port: 81,
       targetPort: 9090}
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: web
  spec:
    template:
      spec:
        containers:
        - name: side
          ports: []
        - name: web
          command: [httpd]
"""


def read(text: str | bytes) -> Snapshot:
    data = text if isinstance(text, bytes) else text.encode()
    return fold(FilesSource(["-"], stdin=io.BytesIO(data)).read(TARGET), origin="files")


@pytest.mark.parametrize("text", [LISTED, LISTED.replace("\n", "\r\n"), b"\xef\xbb\xbf" + LISTED.encode()])
@pytest.mark.parametrize(
    ("kind", "field", "value", "line"),
    [
        ("Service", "spec.ports[].targetPort", 8080, 10),
        ("Service", "spec.ports[].targetPort", 9090, 12),
        ("Service", "spec.ports[]", "b", 11),
        ("Service", "spec.ports[1].port", None, 11),
        ("Service", "spec.selector", None, 7),
        ("Service", "status.conditions[Ready]", None, 4),
        ("Pod", "spec.containers[web].command", None, 24),
        ("Pod", "spec.containers[web].args", None, 23),
        ("Pod", "spec.containers[].ports", None, 22),
    ],
)
def test_fields_are_found_in_lists_and_templates(
    text: str | bytes, kind: str, field: str, value: Any, line: int
) -> None:
    assert read(text).passages[(kind, "default", "web")].line_of(field, value) == line


def test_json_has_lines_too() -> None:
    spec = {"ports": [{"port": 80}]}
    service = {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "web"}, "spec": spec}
    for data in (service, {"kind": "List", "apiVersion": "v1", "items": [{"kind": "Secret"}, service]}):
        text = json.dumps(data, indent=1)
        found = read(text).passages[("Service", "default", "web")].line_of("spec.ports[].port", 80)
        assert found == 1 + next(n for n, line in enumerate(text.split("\n")) if '"port":' in line)


def test_where_the_text_does_not_tell_the_objects_own_line_does() -> None:
    service = "- kind: Service\n  metadata: {name: web}\n  spec: {selector: *a}\n"
    aliased = f"kind: List\nbase: &a {{app: x}}\nitems:\n{service}"
    assert read(aliased).passages[("Service", "default", "web")].line_of("spec.selector") == 4
    assert Passage("spec: 1" + " " * LONGEST, 7).line_of("spec") == 7


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("spec.ports[]01w\\ue000%"), max_size=30), st.none() | st.text(max_size=3))
def test_every_field_has_a_line_of_its_object(field: str, value: str | None) -> None:
    assert 4 <= read(LISTED).passages[("Service", "default", "web")].line_of(field, value) <= 12
