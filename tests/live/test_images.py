"""Zero pull: a probe runs from images that are on the nodes, and an image that cannot be had is told in time.

The people here may not read nodes, as most people in most clusters: all they know of are the images of the pods
in their namespace. Pulls go to a port of the node itself where nothing listens, or to an address inside the
cluster that nobody has.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.connection.client import connect
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.model.facts import HANDSHAKE, Dial, FactStore, Need
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import Handshake
from kubectl_refused.model.snapshot import fold
from kubectl_refused.model.target import Target
from kubectl_refused.probes.base import Ledger, ProbeContext, ProbeSettings
from kubectl_refused.probes.images import DEFAULT
from kubectl_refused.probes.probe_pod import ProbePod
from kubectl_refused.sources.cluster import ClusterSource
from tests.cluster import debian
from tests.cluster.api import Cluster
from tests.cluster.images import write_image

from .bare_image import BARE, bare_server, load_bare_image
from .conftest import fresh_namespace
from .people import person_at_level
from .small_shop import assert_nothing_left, deployment, furnish
from .tool import Answer, refused
from .witness_shop import service

# A name that tells nothing of the busybox inside; loaded beside the suite's own images.
OWN = "localhost/till:1"
PREFIX = "localhost:1/mirror"
# A Service address that no Service has: nobody answers, and nothing says so.
NOBODY = "10.96.250.250:5000"
PULLED = f"{PREFIX}/{DEFAULT}"


@pytest.fixture(scope="module")
def till(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`web` runs an image with a shell and nc of which the name tells nothing; `bare` one without any program."""
    directory = tmp_path_factory.mktemp("images")
    load_bare_image(cluster, directory)
    tools = debian.tools()
    busybox = next(path for path in (tools / "bin/busybox", tools / "usr/bin/busybox") if path.exists())
    write_image(directory / "till.tar", OWN, busybox, command=["sh"])
    cluster.load(directory / "till.tar")
    name = fresh_namespace(cluster)
    web = {"name": "web", "image": OWN, "command": ["busybox", "httpd", "-f", "-p", "8080"]}
    bare = (deployment("bare", bare_server("8080")), service("bare", {"app": "bare"}, 80, 8080))
    furnish(cluster, name, [(deployment("web", web), service("web", {"app": "web"}, 80, 8080)), bare])
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


def ask(cluster: Cluster, namespace: str, directory: Path, *words: str) -> tuple[Answer, float]:
    """The report for somebody with the rights of level pods in the namespace, and how long it took."""
    someone = person_at_level(cluster, namespace, "pods", directory)
    started = time.monotonic()
    answer = refused(someone, *words, "-n", namespace, "--image-prefix", PREFIX, "-o", "json")
    return answer, time.monotonic() - started


def test_the_targets_own_image_runs_the_probe_unknown_as_it_is(
    cluster: Cluster, till: str, tmp_path: Path
) -> None:
    answer, _ = ask(cluster, till, tmp_path, "svc/web")
    (path,) = answer.report["paths"]
    assert (answer.code, answer.root) == (0, None), answer
    assert {dial["witness"] for dial in path["dials"]} == {"probe-pod"}
    assert path["vantage"].startswith("a pod on node")
    assert_nothing_left(cluster, till)


def test_what_cannot_run_and_cannot_be_pulled_is_told_and_the_proxy_stands_in(
    cluster: Cluster, till: str, tmp_path: Path
) -> None:
    answer, seconds = ask(cluster, till, tmp_path, "svc/bare")
    report = answer.report
    (gap,) = [gap for gap in report["gaps"] if gap["what"] == "probe pod"]
    assert f'{BARE} cannot run the probe: exec: "sh": executable file not found' in gap["because"], answer
    assert f'ErrImagePull: failed to pull and unpack image "{PULLED}"' in gap["because"]
    assert "connection refused" in gap["because"]
    assert gap["remedy"].startswith("--image")
    assert (answer.code, report["outcome"]) == (3, "accepted"), answer
    assert {dial["witness"] for path in report["paths"] for dial in path["dials"]} <= {
        "pod-proxy",
        "service-proxy",
    }
    assert seconds < 30
    assert_nothing_left(cluster, till)


def steps_of(someone: Path, namespace: str, name: str, **settings: Any) -> tuple[list[str], Any]:
    """What the spinner says while one address is dialled for a Service, and what comes of the dial."""
    connection = connect(ConnectionOptions(kubeconfig=str(someone)))
    steps: list[str] = []
    target = Target(name, namespace)
    context = ProbeContext(
        connection=connection,
        target=target,
        snapshot=fold(ClusterSource(connection).read(target)),
        facts=FactStore(),
        settings=ProbeSettings(**{"image_prefix": PREFIX, **settings}),
        ledger=Ledger(),
        run_id=secrets.token_hex(3),
        say=steps.append,
    )
    method, need = ProbePod(), Need(HANDSHAKE, Dial("10.96.0.1", 443))
    try:
        return steps, dict(method.learn([need], context))[need]
    finally:
        method.close(context)
        connection.close()


def test_the_wait_for_a_pull_is_shown_and_nothing_else_is_called_one(
    cluster: Cluster, till: str, tmp_path: Path
) -> None:
    someone = person_at_level(cluster, till, "pods", tmp_path)
    steps, answer = steps_of(someone, till, "bare")
    assert isinstance(answer, Gap)
    assert steps.index(f"pulling image {PULLED}") > 0
    assert [step for step in steps if "pulling" in step] == [f"pulling image {PULLED}"]
    steps, answer = steps_of(someone, till, "web")
    assert isinstance(answer, Handshake)
    assert not any("pulling" in step for step in steps)
    assert_nothing_left(cluster, till)


def test_a_registry_that_never_answers_is_given_up_in_time(cluster: Cluster, till: str, tmp_path: Path) -> None:
    someone = person_at_level(cluster, till, "pods", tmp_path)
    image = f"{NOBODY}/{DEFAULT}"
    started = time.monotonic()
    steps, gap = steps_of(someone, till, "nothing", image_prefix=NOBODY, probe_pod_timeout=5.0)
    assert f"pulling image {image}" in steps
    assert isinstance(gap, Gap)
    assert gap.because.startswith(f"the probe pod did not run in 5 s: still pulling image {image}"), gap
    assert gap.remedy.startswith("--image")
    assert time.monotonic() - started < 15
    assert_nothing_left(cluster, till)
