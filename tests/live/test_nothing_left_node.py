"""A node that dies under the probe pod: the run ends by itself, and nothing of it stays in the cluster."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.cluster import api
from tests.cluster.api import Cluster, ClusterOptions

from .conftest import fresh_namespace
from .leaves_nothing import leaves_nothing
from .small_shop import CLOSED, HEALTHY, furnish
from .test_signals import probe_runs, started, when
from .tool import RUN_SECONDS, refused

NODE = 1
# ALARM of the probe plus the wait for its pod and the clean-up, on a busy machine.
ENDS_SECONDS = 80.0


@pytest.fixture
def lonely() -> Iterator[Cluster]:
    """A cluster of one node, of this test alone."""
    name = f"node-{secrets.token_hex(3)}"
    try:
        yield api.up(ClusterOptions(name=name, nodes=1))
    finally:
        api.down(name)


def unplug(cluster: Cluster) -> None:
    """Take the node's only link down: for everybody else it is dead, kubelet, pods and all."""
    cluster.run_on_node(NODE, ["ip", "link", "set", "eth0", "down"])


@pytest.mark.serial
def test_a_node_that_dies_under_the_probe_pod(lonely: Cluster) -> None:
    namespace = fresh_namespace(lonely)
    furnish(lonely, namespace, [HEALTHY, CLOSED])
    with leaves_nothing(lonely, namespace):
        with started(lonely.kubeconfig, "svc/closed", "-n", namespace, "-o", "json") as process:
            when(partial(probe_runs, lonely, namespace), process)
            unplug(lonely)
            begun = time.monotonic()
            out, errors = process.communicate(timeout=RUN_SECONDS)
        assert process.returncode in (1, 3), (out, errors)
        assert errors == ""
        assert time.monotonic() - begun < ENDS_SECONDS
    # With the node still away, a second run says so in time, and leaves nothing either.
    with leaves_nothing(lonely, namespace):
        begun = time.monotonic()
        answer = refused(lonely.kubeconfig, "svc/web", "-n", namespace, "-o", "json")
        assert answer.code in (1, 3), answer
        assert "Traceback" not in answer.err
        assert time.monotonic() - begun < ENDS_SECONDS
