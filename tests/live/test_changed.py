"""What changed last is named beside the cause: by whom, to which revision; an old path tells nothing."""

from __future__ import annotations

import json
import time
from typing import Any

from kubectl_refused.judge.changed import TOGETHER
from kubectl_refused.trace.statuses import seconds
from tests.cluster.api import Cluster

from .from_shop import HTTPD
from .small_shop import deployment, policy
from .test_causes_b_endpoints import asked, furnish, served


def news(cluster: Cluster, namespace: str, root: str) -> list[dict[str, Any]]:
    """What the report tells of changes once it names that root."""
    answer = asked(cluster, namespace, root)
    assert answer.root == root, answer
    told: list[dict[str, Any]] = answer.report["changed"]
    return told


def grown_up(cluster: Cluster, namespace: str) -> None:
    """Wait until the path is so old that what is made now was not made together with it."""
    found = cluster.client().call("GET", f"/api/v1/namespaces/{namespace}/services/web")
    born = seconds(found["metadata"]["creationTimestamp"])
    assert born is not None
    while time.time() - born <= TOGETHER + 1:
        time.sleep(0.5)


def test_each_change_is_named_with_its_author(cluster: Cluster, namespace: str) -> None:
    """One after the other: made, a selector, a command, a policy. What was told stays, behind what is newer."""
    furnish(cluster, namespace, deployment("web", HTTPD), served())
    works = asked(cluster, namespace, None)
    assert (works.code, works.report["changed"]) == (0, []), works

    cluster.kubectl("patch", "svc/web", "-n", namespace, "-p", '{"spec":{"selector":{"app":"wbe"}}}')
    newest, *older = news(cluster, namespace, "selector-matches-nothing")
    assert (newest["what"], newest["by"], older) == ("service/web", "kubectl-patch", [])

    cluster.kubectl("patch", "svc/web", "-n", namespace, "-p", '{"spec":{"selector":{"app":"web"}}}')
    container = {"name": "web", "command": ["httpd", "-f", "-p", "127.0.0.1:8080"]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    cluster.kubectl("patch", "deployment/web", "-n", namespace, "-p", json.dumps(patch))
    newest, *older = news(cluster, namespace, "listens-on-loopback")
    assert (newest["what"], newest["by"], newest["revision"]) == ("deployment/web", "kubectl-patch", 2), newest
    assert newest["says"].startswith("command ")
    assert newest["says"].endswith("→ httpd -f -p 127.0.0.1:8080")
    assert [one["what"] for one in older] == ["service/web"]

    cluster.kubectl("rollout", "undo", "deployment/web", "-n", namespace)
    assert asked(cluster, namespace, None).code == 0
    grown_up(cluster, namespace)
    furnish(cluster, namespace, policy("web"))
    told = news(cluster, namespace, "ingress-denied")
    assert [(one["what"], one["says"]) for one in told[:1]] == [("networkpolicy/deny-web", "created")], told
    assert [one["what"] for one in told[1:]] == ["deployment/web", "service/web"], told
    assert (told[1]["by"], told[1]["revision"]) == ("kubectl", 3), told
