"""Enforce NetworkPolicies: watch the API and keep each node's nftables table as they ask.

The cluster's network plugin ignores NetworkPolicies, as flannel does; this small enforcer
makes them real. A namespace may choose what a denied packet meets with the label
`kubectl-refused.test/policy-style`: `drop`, `reject` (ICMP port unreachable),
`reset` (TCP) or `prohibit` (ICMP administratively prohibited).
"""

from __future__ import annotations

import http.client
import threading
import time
import traceback
from typing import Any

from tests.cluster import debian, network
from tests.cluster.apiclient import ApiClient
from tests.cluster.errors import ClusterError
from tests.cluster.options import Layout
from tests.cluster.policy_model import World, isolations, labels
from tests.cluster.policy_rules import STYLES, ruleset
from tests.cluster.shell import run

STYLE_LABEL = "kubectl-refused.test/policy-style"
PATHS = {
    "policies": "/apis/networking.k8s.io/v1/networkpolicies",
    "pods": "/api/v1/pods",
    "namespaces": "/api/v1/namespaces",
}
WATCH_SECONDS = 300
RETRY_SECONDS = 0.5
# Changes come in bursts; this much later one ruleset serves them all.
SETTLE_SECONDS = 0.05


class Mirror(threading.Thread):
    """A copy of one kind's objects, kept by list and watch; `changed` is set at every change."""

    def __init__(self, client: ApiClient, path: str, changed: threading.Event) -> None:
        super().__init__(name=f"watch {path}", daemon=True)
        self.client, self.path, self.changed = client, path, changed
        self.objects: dict[str, Any] = {}

    def run(self) -> None:
        while True:
            try:
                self.follow()
            except (OSError, http.client.HTTPException, ClusterError, ValueError):
                time.sleep(RETRY_SECONDS)

    def follow(self) -> None:
        """List everything, then follow the changes until the watch ends or fails."""
        listed = self.client.call("GET", self.path)
        self.objects = {item["metadata"]["uid"]: item for item in listed.get("items") or ()}
        self.changed.set()
        version = listed["metadata"]["resourceVersion"]
        for event in self.client.watch(self.path, version, seconds=WATCH_SECONDS):
            if event["type"] == "ERROR":
                return
            self.take(event["type"], event["object"])

    def take(self, kind: str, thing: Any) -> None:
        """Apply one event; the dictionary is replaced, never changed, since others read it."""
        if kind == "BOOKMARK":
            return
        fresh = dict(self.objects)
        if kind == "DELETED":
            fresh.pop(thing["metadata"]["uid"], None)
        else:
            fresh[thing["metadata"]["uid"]] = thing
        self.objects = fresh
        self.changed.set()


def start(layout: Layout, client: ApiClient) -> None:
    """Start enforcing, in threads of this process."""
    changed = threading.Event()
    mirrors = {name: Mirror(client, path, changed) for name, path in PATHS.items()}
    for mirror in mirrors.values():
        mirror.start()
    threading.Thread(target=enforce, args=(layout, mirrors, changed), daemon=True).start()


def enforce(layout: Layout, mirrors: dict[str, Mirror], changed: threading.Event) -> None:
    """At every change, bring each node's rules up to date."""
    applied: dict[str, str] = {}
    while True:
        changed.wait()
        time.sleep(SETTLE_SECONDS)
        changed.clear()
        try:
            refresh(layout, mirrors, applied)
        except Exception:
            # One odd object must not end enforcement for the rest of the cluster's life.
            traceback.print_exc()
            time.sleep(RETRY_SECONDS)


def refresh(layout: Layout, mirrors: dict[str, Mirror], applied: dict[str, str]) -> None:
    """Work out every node's rules and load those that differ from what is loaded."""
    world = World(*(tuple(mirrors[name].objects.values()) for name in ("policies", "pods", "namespaces")))
    isolated = isolations(world)
    styles = chosen_styles(world)
    for node in layout.node_names:
        here = [one for one in isolated if one.node == node]
        text = ruleset(here, styles, layout.options.policy_style)
        if applied.get(node) != text:
            argv = ["nsenter", f"--net={network.NETNS_DIRECTORY / node}", "nft", "-f", "-"]
            run(argv, environment=debian.environment(), given=text)
            applied[node] = text


def chosen_styles(world: World) -> dict[str, str]:
    """The namespaces that ask for a style of their own."""
    asked = {space["metadata"]["name"]: labels(space).get(STYLE_LABEL, "") for space in world.namespaces}
    return {name: style for name, style in asked.items() if style in STYLES}
