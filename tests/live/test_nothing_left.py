"""Nothing is left behind: kill -9 at every stage, connections that are cut, runs side by side, and the dry run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_refused.probes.probe_pod_manifest import DEADLINE, TIME_TO_LIVE
from tests.cluster.api import Cluster

from .leaves_nothing import leaves_nothing, traces
from .leaves_nothing_relay import Relay, relayed
from .people import grants_up_to, person
from .small_shop import CLOSED, HEALTHY, IMAGE, OURS, furnish, ours
from .test_signals import SLOW_SHELL, jobs, log_of, probe_runs, started, when
from .tool import RUN_SECONDS, Answer, refused

LEAVES_SECONDS = 30.0
ENDS_SECONDS = 60.0


def pods(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    """Our pods."""
    found: list[dict[str, Any]] = cluster.client().call(
        "GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector={OURS}"
    )["items"]
    return found


# kill -9 of the tool.

Moment = Callable[[Cluster, str], object]
STAGES: dict[str, tuple[Sequence[str], Moment]] = {
    "the Job is made": (["svc/closed"], jobs),
    "its image is being pulled": (["svc/closed", "--image", "localhost/nowhere:1"], pods),
    "it dials": (["svc/closed"], probe_runs),
    "it reads sockets by exec": (["svc/slow"], lambda cluster, space: "reading" in log_of(cluster, space)),
}


@pytest.mark.parametrize("stage", list(STAGES))
def test_what_kill_9_leaves_ends_by_itself(cluster: Cluster, namespace: str, stage: str) -> None:
    words, moment = STAGES[stage]
    furnish(cluster, namespace, [CLOSED, SLOW_SHELL])
    with leaves_nothing(cluster, namespace, within=ENDS_SECONDS):
        with started(cluster.kubeconfig, *words, "-n", namespace) as process:
            when(partial(moment, cluster, namespace), process)
            process.kill()
        # In two and a half minutes all would be over; the test turns the same two screws to wait for seconds.
        for job in jobs(cluster, namespace):
            spec, path = job["spec"], f"/apis/batch/v1/namespaces/{namespace}/jobs/{job['metadata']['name']}"
            screws = (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"], spec["backoffLimit"])
            assert screws == (DEADLINE, TIME_TO_LIVE, 0)
            cluster.client().call(
                "PATCH", path, {"spec": {"activeDeadlineSeconds": 1, "ttlSecondsAfterFinished": 1}}
            )
        for pod in pods(cluster, namespace):
            (owner,) = pod["metadata"]["ownerReferences"]
            assert (owner["kind"], owner["controller"]) == ("Job", True)


# A run in which all leftovers older than two seconds are overdue, as one three minutes later would find them.
LATER = textwrap.dedent("""
    import sys
    from kubectl_refused.cli.start import main
    from kubectl_refused.probes import cleanup
    cleanup.OVERDUE = 2
    sys.exit(main())
""")


def later(kubeconfig: Path, *words: str) -> Answer:
    """A run three minutes later."""
    done = subprocess.run(
        [sys.executable, "-c", LATER, "--kubeconfig", str(kubeconfig), *words],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_a_bare_pod_ends_by_its_deadline_and_the_next_run_reports_it(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    furnish(cluster, namespace, [HEALTHY, CLOSED])
    rights = [grant for grant in grants_up_to("pods") if grant.group != "batch"]
    whose = person(cluster, namespace, rights, tmp_path)
    with leaves_nothing(cluster, namespace):
        with started(whose, "svc/closed", "-n", namespace, "--image", IMAGE) as process:
            when(partial(probe_runs, cluster, namespace), process)
            process.kill()
        (pod,) = pods(cluster, namespace)
        name, path = pod["metadata"]["name"], f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}"
        assert (jobs(cluster, namespace), pod["spec"]["activeDeadlineSeconds"]) == ([], DEADLINE)
        cluster.client().call("PATCH", path, {"spec": {"activeDeadlineSeconds": 1}})
        cluster.kubectl(
            "wait", "-n", namespace, f"pod/{name}", "--for=jsonpath={.status.phase}=Failed", "--timeout=30s"
        )
        young = refused(whose, "svc/web", "-n", namespace, "-o", "json", "--image", IMAGE)
        assert name not in young.out, young  # it may belong to a run that is going on
        answer = later(whose, "svc/web", "-n", namespace, "-o", "json", "--image", IMAGE)
        (told,) = [gap for gap in answer.report["gaps"] if gap["what"] == f"pod/{name}"]
        assert told["because"] == "left behind by an earlier run"
        assert told["remedy"].endswith(f" refused cleanup -n {namespace}")
        assert [pod["metadata"]["name"] for pod in pods(cluster, namespace)] == [name]
        gone = later(whose, "cleanup", "-n", namespace)
        assert gone.out == f"pod/{name} in namespace {namespace} deleted\n", gone
        assert gone.code == 3, gone  # the person may not list Jobs, and so is told
        assert "not looked at: may not list jobs.batch" in gone.err


# The connection to the API server is cut.


def run_through(
    relay: Relay, how: str, moment: Callable[[], object], mend_after: float, kubeconfig: Path, namespace: str
) -> Answer:
    """A run whose connection is cut at that moment, and mended (0: never) some seconds later."""
    with started(kubeconfig, "svc/closed", "-n", namespace, "--request-timeout", "3s") as process:
        when(moment, process)
        getattr(relay, how)()
        if mend_after:
            time.sleep(mend_after)
            relay.mend()
        out, errors = process.communicate(timeout=RUN_SECONDS)
        return Answer(process.returncode, out, errors)


@pytest.mark.parametrize("how", ["reset", "silence"])
def test_a_connection_that_comes_back(cluster: Cluster, namespace: str, tmp_path: Path, how: str) -> None:
    furnish(cluster, namespace, [CLOSED])
    with leaves_nothing(cluster, namespace), relayed(cluster, tmp_path) as (relay, kubeconfig):
        dials = partial(probe_runs, cluster, namespace)
        answer = run_through(relay, how, dials, 1.0, kubeconfig, namespace)
    assert answer.code in (1, 3, 4), answer
    assert "Traceback" not in answer.err
    assert "left behind" not in answer.err + answer.out, answer


@pytest.mark.parametrize("how", ["reset", "silence"])
def test_a_connection_that_stays_away_leaves_the_command_that_deletes(
    cluster: Cluster, namespace: str, tmp_path: Path, how: str
) -> None:
    furnish(cluster, namespace, [CLOSED])
    with leaves_nothing(cluster, namespace), relayed(cluster, tmp_path) as (relay, kubeconfig):
        # While it waits for the pod: once it follows the pod's log it gives the probe all of its 55 s to speak.
        made = partial(jobs, cluster, namespace)
        answer = run_through(relay, how, made, 0.0, kubeconfig, namespace)
        assert (answer.code, answer.out) == (4, ""), answer
        left, error = answer.err.splitlines()
        (name,) = (job["metadata"]["name"] for job in jobs(cluster, namespace))
        assert left == f"left behind: kubectl --kubeconfig {kubeconfig} delete -n {namespace} job/{name}"
        assert error.startswith("error: https://127.0.0.1:"), answer
        # The command works as printed, once the connection does.
        relay.mend()
        cluster.kubectl(*shlex.split(left.partition(": kubectl ")[2])[2:])


# Runs side by side.


def test_cleanup_takes_nothing_from_a_run_that_goes_on(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, [CLOSED])
    with leaves_nothing(cluster, namespace), started(cluster.kubeconfig, "svc/closed", "-n", namespace) as process:
        when(partial(probe_runs, cluster, namespace), process)
        for words in ([], ["--older-than", "0s"], ["--all", "--older-than", "1h"], ["--all", "--dry-run"]):
            answer = refused(cluster.kubeconfig, "cleanup", "-n", namespace, *words)
            assert answer.code == 0, answer
            assert not re.search(r"(?<!would be) deleted$", answer.out, re.M), answer
        out, errors = process.communicate(timeout=RUN_SECONDS)
        assert (process.returncode, errors) == (1, ""), out


def test_a_run_that_is_killed_beside_one_that_goes_on(cluster: Cluster, namespace: str) -> None:
    furnish(cluster, namespace, [CLOSED])
    words = ["svc/closed", "-n", namespace]
    with leaves_nothing(cluster, namespace):
        with started(cluster.kubeconfig, *words) as killed:
            when(partial(jobs, cluster, namespace), killed)
            killed.kill()
        (old,) = jobs(cluster, namespace)
        goes_on = refused(cluster.kubeconfig, *words, "-o", "json")
        assert (goes_on.code, goes_on.report["outcome"]) == (1, "timeout"), goes_on
        assert [job["metadata"]["uid"] for job in jobs(cluster, namespace)] == [old["metadata"]["uid"]]
        assert refused(cluster.kubeconfig, "cleanup", "--all", "-n", namespace).code == 0


def test_cleanup_everywhere_by_somebody_with_one_namespace(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    furnish(cluster, namespace, [CLOSED])
    whose = person(cluster, namespace, grants_up_to("pods"), tmp_path)
    with leaves_nothing(cluster, namespace):
        with started(cluster.kubeconfig, "svc/closed", "-n", namespace) as process:
            when(partial(jobs, cluster, namespace), process)
            process.kill()
        everywhere = refused(whose, "cleanup", "-A", "--all")
        assert (everywhere.code, everywhere.out) == (4, ""), everywhere
        assert re.match(r"error: may not list jobs.*\n$", everywhere.err), everywhere
        assert refused(cluster.kubeconfig, "cleanup", "--all", "-n", namespace).code == 0


# The dry run.


def within(part: Any, whole: Any) -> bool:
    """Whether `whole` says all that `part` says; the server adds defaults and never reorders lists."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and within(part[key], whole[key]) for key in part)
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(within, part, whole))
    return bool(part == whole)


def nameless(thing: Any, run_id: str) -> Any:
    """The object without what differs from run to run."""
    text = yaml.safe_dump(thing).replace(run_id, "RUN")
    return yaml.safe_load(re.sub(r"created-at: .*", "created-at: then", text))


@pytest.mark.parametrize("jobs_forbidden", [False, True])
def test_the_dry_run_prints_what_a_run_creates_and_creates_nothing(
    cluster: Cluster, namespace: str, tmp_path: Path, jobs_forbidden: bool
) -> None:
    furnish(cluster, namespace, [CLOSED])
    rights = [grant for grant in grants_up_to("pods") if not (jobs_forbidden and grant.group == "batch")]
    words = ["svc/closed", "-n", namespace, "--image", IMAGE]
    whose = person(cluster, namespace, rights, tmp_path)
    before = traces(cluster, namespace)
    dry = refused(whose, *words, "--dry-run")
    assert (dry.code, dry.err, traces(cluster, namespace)) == (0, "", before), dry
    (printed,) = [document for document in yaml.safe_load_all(dry.out) if document]
    with leaves_nothing(cluster, namespace), started(whose, *words) as process:
        when(partial(ours, cluster, namespace), process)
        (made,) = pods(cluster, namespace) if jobs_forbidden else jobs(cluster, namespace)
        process.terminate()
        process.communicate(timeout=LEAVES_SECONDS)
    assert printed["kind"] == ("Pod" if jobs_forbidden else "Job")
    ids = [thing["metadata"]["labels"]["refused.dev/run"] for thing in (printed, made)]
    assert ids[0] != ids[1]
    made |= {"apiVersion": printed["apiVersion"], "kind": printed["kind"]}  # a list leaves them out
    assert within(nameless(printed, ids[0]), nameless(made, ids[1])), (printed, made)
