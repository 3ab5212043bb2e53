"""Count what a run leaves: objects of every kind in a namespace, ephemeral containers, and what is cluster-wide.

Not only what carries our label: a diagnosis may have made something that nobody thought of. Kinds that other tests
define come and go meanwhile, and their servers may be down: what cannot be listed is passed over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from tests.cluster.api import Cluster
from tests.cluster.apiclient import ApiClient
from tests.cluster.errors import ClusterError

from .small_shop import OURS

# Written by the cluster itself, whatever we do.
BY_THE_CLUSTER = frozenset({"events", "endpoints", "endpointslices", "leases"})


def traces(cluster: Cluster, namespace: str) -> set[str]:
    """`kind/name` of all that is in the namespace, and of what has our label beside all namespaces."""
    client, found = cluster.client(), set()
    for path, resource, namespaced in kinds(cluster):
        where = (
            f"{path}/namespaces/{namespace}/{resource}"
            if namespaced
            else f"{path}/{resource}?labelSelector={OURS}"
        )
        for item in _asked(client, where).get("items", ()):
            name = f"{resource}/{item['metadata']['name']}"
            found.add(name)
            if resource == "pods":
                inside = item["spec"].get("ephemeralContainers") or ()
                found |= {f"{name} with ephemeral container {one['name']}" for one in inside}
    return found


@cache
def kinds(cluster: Cluster) -> tuple[tuple[str, str, bool], ...]:
    """(API path, resource, whether it lives in namespaces) of all that can be listed and created."""
    client = cluster.client()
    groups = [group["preferredVersion"]["groupVersion"] for group in client.call("GET", "/apis")["groups"]]
    found: list[tuple[str, str, bool]] = []
    for path in ("/api/v1", *(f"/apis/{group}" for group in groups)):
        resources: list[dict[str, Any]] = _asked(client, path).get("resources", [])
        found += [
            (path, each["name"], each["namespaced"])
            for each in resources
            if {"create", "list"} <= set(each["verbs"]) and each["name"] not in BY_THE_CLUSTER
        ]
    return tuple(found)


def _asked(client: ApiClient, path: str) -> dict[str, Any]:
    """The answer; empty where a kind that another test defined is gone, or its server is down."""
    with client.open("GET", path) as response:
        text = response.read()
    if response.status in (404, 503):
        return {}
    if response.status >= 400:
        raise ClusterError(f"GET {path}: {response.status} {text[:500].decode(errors='replace')}")
    found: dict[str, Any] = json.loads(text)
    return found


@contextmanager
def leaves_nothing(cluster: Cluster, namespace: str, *, within: float = 30.0) -> Iterator[None]:
    """After the block the namespace holds nothing that it did not hold before; controllers get a while."""
    before = traces(cluster, namespace)
    assert before, "nothing can be listed"
    yield
    deadline = time.monotonic() + within
    while more := traces(cluster, namespace) - before:
        assert time.monotonic() < deadline, f"left behind in {namespace}: {sorted(more)}"
        time.sleep(0.3)
