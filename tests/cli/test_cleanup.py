"""`cleanup`: what it finds where, what it removes at which age, what it says, and its exit codes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from kubectl_refused.cli.durations import seconds_of
from kubectl_refused.errors import UsageProblem
from kubectl_refused.probes.cleanup import OVERDUE
from tests.connection.fake_api import Answer, FakeApi, Seen, serving, status

from .tool import run

AHEAD = 7200.0  # seconds by which the server's clock is ahead of ours
OWNER = {"apiVersion": "batch/v1", "kind": "Job", "name": "refused-old", "uid": "1"}


def thing(name: str, age: float, namespace: str = "shop", **meta: Any) -> dict[str, Any]:
    """An object of ours of that age by the server's clock."""
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + AHEAD - age))
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "creationTimestamp": made, **meta}
    }


def forbidden(seen: Seen) -> Answer:
    """As RBAC answers."""
    resource = seen.path.rpartition("/")[2]
    match = re.search("/namespaces/([^/]+)/", seen.path)
    where = f'in the namespace "{match[1]}"' if match else "at the cluster scope"
    told = f'{resource} is forbidden: User "x" cannot list resource "{resource}" in API group "" {where}'
    return status(403, "Forbidden", told)


def having(
    jobs: list[dict[str, Any]],
    pods: list[dict[str, Any]] | None = None,
    *,
    closed: Callable[[str], bool] = lambda path: False,
    deleting: Answer | None = None,
) -> Callable[[Seen], Answer]:
    """A server with these objects whose lists are forbidden where `closed` says so."""

    def answer(seen: Seen) -> Answer:
        if seen.path == "/version":
            return Answer(headers={"Date": formatdate(time.time() + AHEAD, usegmt=True)})
        if seen.method == "DELETE":
            return deleting or Answer()
        if closed(seen.path):
            return forbidden(seen)
        if seen.path == "/api/v1/namespaces":
            return Answer(body={"items": [{"metadata": {"name": name}} for name in ("shop", "vault", "till")]})
        items = jobs if seen.path.endswith("/jobs") else pods or []
        match = re.search("/namespaces/([^/]+)/", seen.path)
        here = [item for item in items if not match or item["metadata"]["namespace"] == match[1]]
        return Answer(body={"items": here})

    return answer


def cleanup(home: Path, fake: FakeApi, *words: str) -> Any:
    """Run it in namespace shop."""
    return run(home, "cleanup", "-s", fake.address, "--token=x", "-n", "shop", *words)


def deleted(fake: FakeApi) -> list[str]:
    """The names that were deleted, each with a precondition on its UID."""
    for seen in (seen for seen in fake.seen if seen.method == "DELETE"):
        options = json.loads(seen.body)
        assert options["preconditions"] == {"uid": "uid-" + seen.path.rpartition("/")[2]}
        assert options["propagationPolicy"] == "Background"
    return [seen.path.rpartition("/")[2] for seen in fake.seen if seen.method == "DELETE"]


def two() -> list[dict[str, Any]]:
    """One that is overdue, and one of a minute ago: made when asked, as a busy machine runs tests late."""
    return [thing("refused-old", OVERDUE + 60), thing("refused-new", 60)]


def test_what_no_run_can_be_using_is_removed_by_the_servers_clock(tmp_path: Path) -> None:
    with serving(having(two())) as fake:
        dry = cleanup(tmp_path, fake, "--dry-run")
        assert (dry.returncode, {seen.method for seen in fake.seen}) == (0, {"GET"})
        assert "job/refused-old in namespace shop would be deleted\n" in dry.stdout
        done = cleanup(tmp_path, fake)
        assert deleted(fake) == ["refused-old"]
        assert "job/refused-old in namespace shop deleted\n" in done.stdout
        assert "may be in use; remove it with --all" in done.stdout
        assert done.stdout.endswith("2 found: 1 deleted, 1 kept\n")
        everything = cleanup(tmp_path, fake, "--all")
    assert "refused-new in namespace shop deleted" in everything.stdout
    assert (done.returncode, everything.returncode) == (0, 0)


def test_what_has_an_owner_or_goes_already_is_left_alone(tmp_path: Path) -> None:
    pods = [
        thing("refused-old-x", OVERDUE + 60, ownerReferences=[OWNER]),
        thing("refused-going", OVERDUE + 60, deletionTimestamp="2026-01-01T00:00:00Z"),
        thing("refused-bare", OVERDUE + 60),
    ]
    with serving(having([], pods)) as fake:
        done = cleanup(tmp_path, fake, "--all")
    assert deleted(fake) == ["refused-bare"]
    assert done.stdout == "pod/refused-bare in namespace shop deleted\n"


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        (["--older-than", "10m"], []),
        (["--older-than", "3m30s"], ["refused-old"]),
        # Younger than a live run's can be: only with --all.
        (["--older-than", "30s"], ["refused-old"]),
        (["--older-than", "30s", "--all"], ["refused-old", "refused-new"]),
        (["--older-than", "90s", "--all"], ["refused-old"]),
    ],
)
def test_older_than(words: list[str], gone: list[str], tmp_path: Path) -> None:
    with serving(having(two())) as fake:
        done = cleanup(tmp_path, fake, *words)
    assert (done.returncode, deleted(fake)) == (0, gone)
    assert f"{2 - len(gone)} kept" in done.stdout or len(gone) == 2
    assert ("not older than" in done.stdout) is (words != ["--older-than", "30s"] and len(gone) < 2)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("45", 45), ("0", 0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text, "--older-than") == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1m", "1d", "m", "1m 2s", "١m", "1m\x1b"])
def test_what_is_no_duration_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageProblem, match="is no duration") as caught:
        seconds_of(text, "--older-than")
    assert caught.value.exit_code == 2
    assert "\x1b" not in caught.value.message


def test_everywhere_by_one_list_of_each_kind(tmp_path: Path) -> None:
    with serving(having([thing("refused-old", 999), thing("refused-till", 999, "till")])) as fake:
        done = cleanup(tmp_path, fake, "-A")
    assert (done.returncode, sorted(deleted(fake))) == (0, ["refused-old", "refused-till"])
    assert "job/refused-till in namespace till deleted\n" in done.stdout
    lists = [seen.path for seen in fake.seen if seen.method == "GET"]
    assert lists == ["/version", "/apis/batch/v1/jobs", "/api/v1/pods"]


def test_everywhere_with_rights_on_some_namespaces_only(tmp_path: Path) -> None:
    def closed(path: str) -> bool:
        return "/namespaces/vault/" in path or path in ("/apis/batch/v1/jobs", "/api/v1/pods")

    jobs = [thing("refused-old", 999), thing("refused-till", 999, "till"), thing("refused-vault", 999, "vault")]
    with serving(having(jobs, closed=closed)) as fake:
        done = cleanup(tmp_path, fake, "-A")
    assert (done.returncode, sorted(deleted(fake))) == (3, ["refused-old", "refused-till"])
    assert done.stdout.endswith("2 found: 2 deleted\n")
    told = done.stderr.splitlines()
    assert [line.partition(";")[0] for line in told] == [
        "not looked at: may not list jobs in namespace vault",
        "not looked at: may not list pods in namespace vault",
    ]


def test_one_kind_that_may_not_be_listed_is_told_and_the_other_done(tmp_path: Path) -> None:
    pods = [thing("refused-bare", 999)]
    with serving(having([], pods, closed=lambda path: path.endswith("/jobs"))) as fake:
        done = cleanup(tmp_path, fake)
    assert (done.returncode, deleted(fake)) == (3, ["refused-bare"])
    assert "not looked at: may not list jobs in namespace shop" in done.stderr


@pytest.mark.parametrize("words", [[], ["-A"]])
def test_where_nothing_may_be_looked_at(words: list[str], tmp_path: Path) -> None:
    with serving(having([], closed=lambda path: True)) as fake:
        done = cleanup(tmp_path, fake, *words)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: may not list jobs")
    assert done.stderr.count("\n") == 1


def test_many_forbidden_namespaces_are_told_in_a_few_lines(tmp_path: Path) -> None:
    many = [{"metadata": {"name": f"n{number}"}} for number in range(30)]

    def answer(seen: Seen) -> Answer:
        if seen.path == "/api/v1/namespaces":
            return Answer(body={"items": [*many, {"metadata": {"name": "shop"}}]})
        return having([])(seen) if "/shop/" in seen.path or seen.path == "/version" else forbidden(seen)

    with serving(answer) as fake:
        done = cleanup(tmp_path, fake, "-A")
    assert (done.returncode, done.stdout) == (3, "nothing to remove in any namespace that may be looked in\n")
    lines = done.stderr.splitlines()
    assert (len(lines), lines[-1]) == (11, "not looked at: 50 more that may not be listed")


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (status(409, "Conflict", "the UID in the precondition differs"), 0, "is gone; another one has its name"),
        (status(404, "NotFound", "not found"), 0, "deleted"),
        (
            status(
                403,
                "Forbidden",
                'User "x" cannot delete resource "jobs" in API group "batch" in the namespace "shop"',
            ),
            3,
            "could not be deleted: may not delete jobs.batch in namespace shop",
        ),
        (status(500, "InternalError", "etcd is ill"), 3, "could not be deleted: the API server answers 500"),
    ],
    ids=["another", "gone", "forbidden", "ill"],
)
def test_what_becomes_of_a_delete(answer: Answer, code: int, says: str, tmp_path: Path) -> None:
    with serving(having([thing("refused-old", 999), thing("refused-older", 9999)], deleting=answer)) as fake:
        done = cleanup(tmp_path, fake)
    assert done.returncode == code
    assert sum(says in line for line in done.stdout.splitlines() if line.startswith("job/")) == 2
    assert len(deleted(fake)) == 2


def test_a_server_without_a_clock_is_no_reason_to_fail(tmp_path: Path) -> None:
    def answer(seen: Seen) -> Answer:
        if seen.path == "/version":
            return Answer(status=404, headers={"Date": "now"})
        return having([thing("refused-old", AHEAD + 999)])(seen)

    with serving(answer) as fake:
        done = cleanup(tmp_path, fake)
    assert (done.returncode, done.stdout) == (0, "job/refused-old in namespace shop deleted\n")
