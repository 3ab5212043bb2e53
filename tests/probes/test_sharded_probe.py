"""A large scan's shards: the plan they carry, the program they run, what is made of their words and their ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubectl_refused.model.facts import HANDSHAKE, LOOKUP, Dial, NameKey, Need
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.probes import probe_agent, shard_agent, shard_plan
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.images import Choice
from kubectl_refused.probes.probe_agent_source import shard_source
from kubectl_refused.probes.probe_pod_manifest import Wanted, job, pod_spec
from kubectl_refused.probes.shard_agent import BLOCK, unpacked
from kubectl_refused.probes.shard_answers import ShardAnswers
from kubectl_refused.probes.shard_manifest import shards_job
from kubectl_refused.probes.shard_plan import MOST_CHARACTERS, WORD, Plan, fitting, is_plannable, plan_of, plans_of
from kubectl_refused.probes.shard_pods import INDEX, JobStatus, Shards, indexes, why_lost
from tests.probes.agent_runs import served, silent

WANTED = Wanted(
    "refused-4f2a-shards", "shop", "4f2a", Choice("localhost/python:3", "python"), ("--rate", "5", "plan")
)
TAINT = {"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}
NODES = [
    Client("node/a", "node", "shop", "a", "node/a"),
    Client("node/b", "node", "shop", "b", "node/b", manner={"tolerations": [TAINT]}),
]
PLACES = st.tuples(st.ip_addresses().map(str).filter(lambda one: "%" not in one), st.integers(1, 65535))


def run_shard(plan: Plan, *options: str, index: str = "0") -> ShardAnswers:
    """Run the packed program as a pod does."""
    argv = [sys.executable, "-S", "-I", "-c", shard_source(), "--timeout", "0.5", *options, *plan.words]
    ended = subprocess.run(
        argv, capture_output=True, timeout=60, check=False, env={**os.environ, "JOB_COMPLETION_INDEX": index}
    )
    assert ended.stderr == b""
    answers = ShardAnswers(plan)
    answers.take_all(ended.stdout.splitlines())
    assert answers.ended
    assert not answers.garbage
    return answers


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(PLACES, max_size=50), st.lists(st.from_regex(r"[a-z]{1,9}\.shop\.svc", fullmatch=True), max_size=5)
)
def test_a_plan_arrives_as_it_was_made(places: list[tuple[str, int]], names: list[str]) -> None:
    needs = [Need(HANDSHAKE, Dial(*place, "x")) for place in places] + [
        Need(LOOKUP, NameKey(name)) for name in names
    ]
    assert all(map(is_plannable, needs))
    plan = plan_of(needs)
    assert unpacked(list(plan.words)) == (list(plan.places), list(plan.names))
    assert set(plan.places) == set(places)


def test_a_plan_of_a_large_cluster_fits_into_a_job_and_one_too_large_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pods = Plan(tuple((f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 8080) for n in range(150_000)))
    words = pods.words
    assert sum(map(len, words)) < MOST_CHARACTERS
    assert max(map(len, words)) <= WORD
    monkeypatch.setattr(shard_plan, "MOST_CHARACTERS", 1000)
    some = Plan(pods.places[:5000])
    cut = fitting(some)
    assert sum(map(len, cut.words)) <= 1000
    assert cut.places == some.places[: len(cut.places)]


def test_vantages_that_are_asked_the_same_share_a_job_and_too_many_unlike_ones_do_too() -> None:
    def of(*ports: int) -> list[Need]:
        return [Need(HANDSHAKE, Dial("10.0.0.1", port)) for port in ports]

    both, (alone, rest) = plans_of({"a": of(1, 2), "b": of(2, 1), "c": of(3)})
    assert (both[0], alone, rest.places) == (("a", "b"), ("c",), (("10.0.0.1", 3),))
    ((keys, plan),) = plans_of({str(n): of(n + 1) for n in range(6)})
    assert (len(keys), len(plan.places)) == (6, 6)


@pytest.mark.parametrize("subject", [Dial("db.example", 80), Dial("fe80::1%eth0", 80), Dial("10.0.0.1", 0)])
def test_what_is_no_address_with_a_port_is_left_to_others(subject: Dial) -> None:
    assert not is_plannable(Need(HANDSHAKE, subject))


def test_a_shard_tells_every_end_and_the_worst_of_several_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    with served("keeps quiet") as quiet, served("speaks") as speaks, served("resets") as resets, silent() as mute:
        dials = [quiet, speaks, resets, mute, Dial("127.0.0.1", nobody)]
        plan = plan_of([*(Need(HANDSHAKE, dial) for dial in dials), Need(LOOKUP, NameKey("localhost"))])
        answers = run_shard(plan, "--times", "2", "--shards", "3", index="2")
    ends = [answers.handshake(dial.host, dial.port, "10.0.0.9") for dial in dials]
    assert [one.outcome for one in ends if one] == [
        Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.RESET, Outcome.TIMEOUT, Outcome.REFUSED,
    ]  # fmt: skip
    assert [one.heard for one in ends if one] == [((one.outcome, 2),) for one in ends if one]
    quiet_end, mute_end, refused = ends[0], ends[3], ends[4]
    assert quiet_end
    assert mute_end
    assert refused
    assert (quiet_end.source, mute_end.tries, refused.errno) == ("10.0.0.9", 2, "ECONNREFUSED")
    named = answers.lookup("localhost")
    assert named
    assert named.addresses


def test_many_places_of_few_hosts_are_dialled_without_one_being_left_out() -> None:
    """More than a host may have on its way at once: the others wait for it."""
    with socket.create_server(("0.0.0.0", 0), backlog=512) as server:
        port = server.getsockname()[1]
        plan = Plan(
            tuple((f"127.0.0.{n}", port) for n in range(1, 251)) + tuple(("127.0.0.1", n) for n in range(1, 51))
        )
        answers = run_shard(plan, "--rate", "10000")
    assert all(answers.handshake(*place) for place in plan.places)
    lively = {answers.handshake(*place).outcome for place in plan.places[:250]}  # type: ignore[union-attr]
    assert lively == {Outcome.ACCEPTED}


def test_a_silent_host_is_waited_for_at_more_ports_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a node that died takes the time of all others: 50 ports in fours take 50 s."""
    monkeypatch.setattr(shard_agent, "write", lambda line: None)
    with contextlib.ExitStack() as stack, socket.create_server(("127.0.0.2", 0)) as lively:
        mute = [stack.enter_context(silent()) for _ in range(24)]
        places = [(dial.host, dial.port) for dial in mute] + [lively.getsockname()]
        sweep = shard_agent.Sweep(places, 0.3, time.monotonic() + 30, 1000.0, 100)
        board = shard_agent.Board(len(places), 0)
        sweep.run(0, board)
    assert board.left == [0]
    assert sweep.room == {mute[0].host: probe_agent.PER_HOST + 24}
    assert (sweep.waiting, list(sweep.ready)) == (0, [])


def test_more_places_than_a_block_has_are_told_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr(shard_agent, "write", lines.append)
    plan = Plan(tuple((f"10.0.{n >> 8}.{n & 255}", 80) for n in range(BLOCK + 2)))
    board = shard_agent.Board(len(plan.places), 0)
    dial = probe_agent.Dial(probe_agent.Question("dial:10.0.0.1:80"))
    for index in (0, BLOCK - 1, BLOCK):
        dial.outcome = "accepted" if index else "refused"
        board.note(index, dial)
    board.tell_rest()
    answers = ShardAnswers(plan)
    answers.take_all(json.dumps(line).encode() for line in lines)
    told = {n: end.outcome for n, place in enumerate(plan.places) if (end := answers.handshake(*place))}
    assert told == {0: Outcome.REFUSED, BLOCK - 1: Outcome.ACCEPTED, BLOCK: Outcome.ACCEPTED}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=200) | st.just(b'{"block":0,"pass":0,"accepted":"~~~~"}'), max_size=8))
def test_whatever_a_container_writes_is_nobodys_answer(lines: list[bytes]) -> None:
    answers = ShardAnswers(Plan((("10.0.0.1", 80),)))
    answers.take_all(lines)
    assert answers.handshake("10.0.0.1", 80) is None


@pytest.mark.parametrize(
    "line",
    [
        {"block": 1, "pass": 0},
        {"block": 8192, "pass": 0},
        {"block": 0, "pass": 99},
        {"block": 0, "pass": 0, "accepted": "c-jC8"},
    ],
)
def test_a_block_that_does_not_fit_the_plan_tells_nothing(line: dict[str, Any]) -> None:
    answers = ShardAnswers(Plan((("10.0.0.1", 80),)))
    answers.take_all([json.dumps(line).encode()])
    assert answers.handshake("10.0.0.1", 80) is None


def test_the_job_keeps_a_probe_pods_conduct_and_gives_each_node_one_shard() -> None:
    made = shards_job(WANTED, NODES, 90)
    spec, pod = made["spec"], made["spec"]["template"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 2, 2)
    assert (spec["activeDeadlineSeconds"], spec["backoffLimitPerIndex"]) == (90, 2)
    assert spec["ttlSecondsAfterFinished"] == job(WANTED)["spec"]["ttlSecondsAfterFinished"]
    assert pod["metadata"]["labels"] == job(WANTED)["spec"]["template"]["metadata"]["labels"]
    alike = ("automountServiceAccountToken", "readinessGates", "securityContext", "restartPolicy")
    assert {key: pod["spec"][key] for key in alike} == {key: pod_spec(WANTED)[key] for key in alike}
    assert pod["spec"]["tolerations"] == [TAINT]
    affinity = pod["spec"]["affinity"]
    terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [term["matchFields"][0]["values"] for term in terms] == [["a"], ["b"]]
    (beside,) = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert beside["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    for container in (*pod["spec"]["initContainers"], *pod["spec"]["containers"]):
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}


def shard_pod(index: int, uid: str, state: dict[str, Any], **status: Any) -> Pod:
    """A pod of an index, whose init container is in that state."""
    inits = [{"name": "probe", "state": state}]
    meta = {"name": uid, "uid": uid, "annotations": {INDEX: str(index)}}
    told = {"metadata": meta, "spec": {"nodeName": "a"}, "status": {"initContainerStatuses": inits, **status}}
    return msgspec.convert(told, Pod)


def test_a_lost_pod_is_waited_for_anew_until_kubernetes_gives_its_index_up() -> None:
    shards = Shards(2, "x")
    done, failed = {"terminated": {"exitCode": 0}}, {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    assert shards.take("ADDED", shard_pod(0, "u0", {"running": {}})) is None
    assert shards.take("DELETED", shard_pod(0, "u0", {"running": {}})) is None
    assert shards.take("MODIFIED", shard_pod(0, "u0", done)) is None  # what is gone answers no more
    again = shards.take("MODIFIED", shard_pod(0, "u1", done))
    assert again is shards.shards[0]
    again.read = True
    shards.take("MODIFIED", shard_pod(1, "u2", failed))
    shards.take("MODIFIED", shard_pod(1, "u3", failed, phase="Failed"))
    assert [shard.index for shard in shards.open] == [1]
    shards.close(JobStatus(failed_indexes="1"))
    assert shards.open == []
    words = "its pod ended with exit code 137 (OOMKilled) 2 times, and Kubernetes made no other"
    assert why_lost(shards.shards[1]) == words


def test_an_image_that_runs_nowhere_is_told_as_that() -> None:
    shards = Shards(2, "x")
    shards.take("ADDED", shard_pod(0, "u0", {"waiting": {"reason": "ErrImagePull", "message": "no such host"}}))
    assert shards.unable == "ErrImagePull: no such host"
    shards.take("ADDED", shard_pod(1, "u1", {"running": {}}))
    assert shards.unable == ""


@pytest.mark.parametrize(
    ("text", "numbers"), [("", []), ("1,3-5,7", [1, 3, 4, 5, 7]), ("x,-,2-,9-10000000000", [2, 9]), ("8-1", [])]
)
def test_indexes_are_read_within_bounds(text: str, numbers: list[int]) -> None:
    assert list(indexes(text, 10)) == numbers
