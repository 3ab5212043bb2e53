"""What leads to Services is kept in recordings as it was read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubectl_refused.recordings.forms import object_from, object_of
from tests.case_folders import CASES, decoded

# The case of a cause, and kinds of what stands in it.
KINDS = [
    ("rule/no_rule_for_host", "Ingress"),
    ("rule/no_rule_for_host", "IngressClass"),
    ("rule/route_not_attached", "Gateway"),
    ("rule/route_not_attached", "HTTPRoute"),
    ("rule/reference_not_granted", "ReferenceGrant"),
    ("rule/route_target_port_missing", "Route"),
    ("entrance/call_trusts_no_certificate", "ValidatingWebhookConfiguration"),
    ("entrance/node_container_publishes_no_port", "EngineContainer"),
    ("entrance/node_container_publishes_no_port", "Node"),
]


@pytest.mark.parametrize(("case", "kind"), KINDS)
def test_an_object_comes_back_as_it_was(case: str, kind: str) -> None:
    found = [one for one in documents(case) if one["kind"] == kind]
    assert found
    for one in found:
        assert object_from(*object_of(decoded(one))) == decoded(one)


def documents(case: str) -> list[dict[str, Any]]:
    files = sorted((CASES / case).glob("refused*.yaml")) + sorted((CASES / case).glob("healthy.yaml"))
    read = (yaml.safe_load_all(file.read_text(encoding="utf-8")) for file in files)
    return [one for documents in read for one in documents if one]
