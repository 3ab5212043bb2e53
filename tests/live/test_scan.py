"""A scan of a real namespace, and waiting in it: rows, exit codes, Jobs, requests, rules and signals."""

from __future__ import annotations

import json
import signal
import urllib.parse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from kubectl_refused.cli.grounds import ClusterGround
from kubectl_refused.cli.options import SCAN
from kubectl_refused.cli.progress import Progress
from kubectl_refused.cli.scan_request import scan_request_of
from kubectl_refused.cli.scanning import ScanSurvey
from kubectl_refused.model.report import Scan
from tests.cluster.api import Cluster
from tests.resolve.test_selectors import BAD, GOOD

from .conftest import fresh_namespace
from .small_shop import (
    CRASH,
    HEALTHY,
    LOOP,
    TYPO,
    WRONG,
    assert_nothing_left,
    deployment,
    furnish,
    ready_services,
)
from .test_signals import SIGNALS, jobs, started, when
from .test_witnesses import eventually
from .tool import refused
from .witness_shop import service, shell

# Named like commands, and healthy: nobody may take them for one.
NAMED = (service("scan", {"app": "web"}, 80, 8080), service("causes", {"app": "web"}, 80, 8080))
ASLEEP = deployment("asleep", shell("exec httpd -f -p 8080"))
ASLEEP["spec"]["replicas"] = 0
IDLE = (service("asleep", {"app": "asleep"}, 80, 8080),)
BROKEN = ["svc/crash", "svc/loop", "svc/typo", "svc/wrong"]


@pytest.fixture(scope="module")
def market(cluster: Cluster) -> Iterator[str]:
    """Three healthy Services, four broken ones and one that is scaled to zero."""
    name = fresh_namespace(cluster)
    furnish(cluster, name, [HEALTHY, LOOP, TYPO, WRONG, CRASH, NAMED, IDLE])
    cluster.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [ASLEEP]}), namespace=name)
    yield name
    cluster.client().call("DELETE", f"/api/v1/namespaces/{name}")


@pytest.mark.parametrize(("texts", "taken"), [(GOOD, True), (BAD, False)])
def test_the_api_server_judges_selectors_as_we_do(cluster: Cluster, texts: tuple[str, ...], taken: bool) -> None:
    client = cluster.client()
    for text in texts:
        query = urllib.parse.urlencode({"labelSelector": text, "limit": "1"})
        response = client.open("GET", f"/api/v1/namespaces/default/services?{query}")
        response.read()
        assert response.status == (200 if taken else 400), text


def test_rows_exit_code_and_one_job_for_all(cluster: Cluster, market: str) -> None:
    answer = refused(cluster.kubeconfig, "scan", "-n", market, "-o", "json")
    told = answer.report
    rows = [(row["target"], row["state"]) for row in told["rows"]]
    assert sorted(rows[:4]) == [(name, "broken") for name in BROKEN], answer
    assert rows[4:] == [
        ("svc/causes", "works"),
        ("svc/scan", "works"),
        ("svc/web", "works"),
        ("svc/asleep", "idle"),
    ]
    assert {row["name"] for row in told["rows"][:4]} == {
        "crash-loop", "listens-on-loopback", "selector-matches-nothing", "wrong-target-port"
    }  # fmt: skip
    assert answer.code == 1, answer
    assert len([one for one in told["touched"] if one["what"].startswith("job/")]) == 1
    assert [item["target"] for item in told["items"]] == [row["target"] for row in told["rows"][:4]]
    again = refused(cluster.kubeconfig, "scan", "-n", market, "-o", "name")
    assert [line.split()[0] for line in again.out.splitlines()] == [name for name, _ in rows]
    assert_nothing_left(cluster, market)


def test_a_service_called_scan_is_asked_about_by_its_kind(cluster: Cluster, market: str) -> None:
    answer = refused(cluster.kubeconfig, "svc/scan", "-n", market, "--probe", "none", "-o", "json")
    assert (answer.code, answer.report["target"]) == (0, "svc/scan"), answer


def test_what_is_ignored_by_flag_annotation_and_file(cluster: Cluster, market: str, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"ignore:\n  - {{cause: KR403, namespace: '{market}', service: l*p, reason: known}}\n")
    cluster.kubectl("annotate", "-n", market, "svc/typo", "refused.dev/ignore=KR201")
    cluster.kubectl("annotate", "-n", market, "deployment/crash", "refused.dev/ignore=crash-loop")
    words = ("scan", "-n", market, "-o", "json", "--config", str(rules))
    answer = refused(cluster.kubeconfig, *words, "--ignore", "wrong-target-port")
    by = {one["target"]: one["finding"]["by"] for one in answer.report["ignored"]}
    assert by == {
        "svc/loop": f"{rules}:2",
        "svc/typo": "annotation of svc/typo",
        "svc/crash": "annotation of deployment/crash",
        "svc/wrong": "--ignore",
    }, answer
    assert (answer.code, answer.report["counts"]["broken"], answer.report["items"]) == (0, 0, []), answer


def test_fail_on(cluster: Cluster, market: str) -> None:
    likely = ("scan", "-n", market, "--probe", "none", "-o", "name", "--ignore", "KR201,KR208,KR401")
    # Objects alone make the loopback likely only, from the command of its container.
    codes = [refused(cluster.kubeconfig, *likely, "--fail-on", line).code for line in ("proved", "likely", "any")]
    assert codes == [3, 1, 1]


def test_the_api_server_and_dns_are_healthy(cluster: Cluster) -> None:
    mine = refused(cluster.kubeconfig, "scan", "-n", "default", "-o", "json")
    row = next(row for row in mine.report["rows"] if row["target"] == "svc/kubernetes")
    assert row["state"] == "works", mine
    dns = refused(cluster.kubeconfig, "svc/kube-dns:53", "-n", "kube-system", "-o", "json")
    assert dns.report["outcome"] == "accepted", dns


def test_reading_costs_as_much_for_many_services(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, [HEALTHY])
    costs = [requests_of(cluster, namespace, range(*more)) for more in ((1, 5), (5, 200))]
    assert costs == [3, 3]


def requests_of(cluster: Cluster, namespace: str, more: range) -> int:
    """How many requests a scan makes that dials nothing, with these healthy Services besides those before."""
    client, number = cluster.client(), more.stop
    for n in more:
        client.create(f"/api/v1/namespaces/{namespace}/services", service(f"web-{n}", {"app": "web"}, 80, 8080))
    eventually(lambda: len(ready_services(cluster, namespace)), lambda ready: ready == number)
    request = scan_request_of(
        {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace, "probe": "none"}, SCAN
    )
    ground = ClusterGround(request)
    told = ScanSurvey(ground, request, Progress()).report(lambda step: None)
    assert isinstance(told, Scan)
    assert told.counts["works"] == number, told.rows[0]
    return ground.connection.requests_made


def test_waiting_until_it_works_and_until_the_deadline(cluster: Cluster, market: str) -> None:
    with started(cluster.kubeconfig, "svc/asleep", "-n", market, "--wait", "80s") as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert "waiting: svc/asleep: " in first
        cluster.kubectl("scale", "-n", market, "deployment/asleep", "--replicas=1")
        out, errors = process.communicate(timeout=90)
        assert process.returncode == 0, (out, errors)
        assert "svc/asleep:80 accepts" in out
    late = refused(cluster.kubeconfig, "svc/loop", "-n", market, "--wait", "1s")
    assert (late.code, "KR403" in late.out) == (1, True), late
    assert_nothing_left(cluster, market)


@pytest.mark.parametrize(("number", "code", "how"), SIGNALS)
def test_a_signal_while_it_waits_leaves_nothing(
    cluster: Cluster, market: str, number: signal.Signals, code: int, how: str
) -> None:
    with started(cluster.kubeconfig, "svc/loop", "-n", market, "--wait", "5m", "-o", "name") as process:
        when(partial(jobs, cluster, market), process)
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert errors.splitlines()[-1] == f"{how}; nothing is left behind", errors
    assert_nothing_left(cluster, market)
