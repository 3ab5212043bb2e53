"""What people with few rights get: an answer at the level their roles allow, and never a wrong one.

The levels are held by exactly the roles of manifests/rbac.yaml, bound in the namespace alone. In the matrix every
single right of them is taken away once.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from kubectl_refused.connection.client import Connection, connect
from kubectl_refused.connection.options import ConnectionOptions
from kubectl_refused.model.entrances import GATEWAY_GROUP
from kubectl_refused.model.facts import FactStore
from kubectl_refused.model.mesh import MESH_TYPES
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.probes.base import Ledger, ProbeContext, ProbeSettings
from kubectl_refused.probes.methods import live_methods
from kubectl_refused.probes.policy_reads import KINDS
from kubectl_refused.probes.rights import Preflight
from tests.cluster.api import Cluster

from .conftest import fresh_namespace
from .people import LEVELS, Grant, grants_up_to, person, person_at_level
from .small_shop import IMAGE, assert_nothing_left
from .test_rights_entrances import TAKEN
from .tool import Answer, refused

AT_ONCE = 3


class Lack(NamedTuple):
    """A person who lacks these rights (commas between), and what the tool must make of it.

    `gap` is in one of the report's gaps; without it the right does not matter to the answer.
    """

    rights: str
    words: str
    code: int
    gap: str = ""


LACKS = (
    Lack("get services", "svc/web", 3, "get services"),
    Lack("list pods", "svc/web", 3, "list pods"),
    Lack("list endpointslices", "svc/web", 3, "list endpointslices"),
    Lack("watch pods", "svc/web", 3, "watch pods"),
    Lack("get pods/log", "svc/web", 3, "get pods/log"),
    Lack("create jobs,create pods", "svc/web", 3, "create jobs (or create pods)"),
    Lack("create jobs", "svc/web", 0),
    Lack("create pods", "svc/web", 0),
    Lack("delete pods", "svc/web", 0),
    Lack("get pods", "svc/web", 0),
    Lack("list nodes", "svc/web", 0),
    Lack("get pods/proxy", "svc/web --probe passive", 3, "get pods/proxy"),
    Lack("get services/proxy", "svc/web --probe passive", 3, "get services/proxy"),
    Lack("get pods/portforward", "svc/loop --probe passive", 3, "get pods/portforward"),
    Lack("create pods/portforward", "svc/loop", 1),
    Lack("get pods/exec", "svc/loop", 1),
    Lack("get pods/exec", "svc/wrong", 1),
    Lack("get pods/exec,get pods/portforward", "svc/loop", 3, "get pods/exec"),
    Lack("create pods/exec", "svc/loop", 1),
    Lack("get pods/exec,patch pods/ephemeralcontainers", "svc/loop --probe all", 1),
    Lack("get nodes", "svc/loop --probe all", 1),
    Lack("get replicasets", "svc/loop", 1),
    Lack("list replicasets", "svc/loop", 1),
    Lack("get deployments", "svc/loop", 1),
    Lack("list deployments", "svc/typo", 1),
    Lack("list statefulsets", "svc/typo", 1),
    Lack("get statefulsets", "svc/typo", 1),
    Lack("get daemonsets", "svc/typo", 1),
    Lack("get jobs", "svc/typo", 1),
    Lack("list networkpolicies", "svc/closed", 3, "list networkpolicies"),
    Lack("get namespaces", "svc/closed", 1),
    Lack("list namespaces", "svc/nope", 1),
    Lack("list events", "svc/crash", 1),
    Lack("get pods/log", "svc/crash", 1),
    Lack("list services", "svc/nope", 1),
)
TARGETS = tuple(dict.fromkeys(lack.words.split()[0] for lack in LACKS))
# These have tests of their own: something stays for a while; a stand-in goes without labels; a client's settings
# are not read (test_causes_a_settings.py).
ELSEWHERE = {"delete jobs", "get configmaps", "list poddisruptionbudgets", "list horizontalpodautoscalers"}
# Kinds that not every cluster serves: test_other_policies.py, test_gateways.py, test_mesh_policies.py bring them,
# and nobody OpenShift's.
UNSERVED = {f"list {kind.resource}" for kind in KINDS} - {"list networkpolicies"}
OTHERS = {GATEWAY_GROUP, "route.openshift.io", *(group for group, _ in MESH_TYPES)}
UNSERVED |= {str(grant) for grant in grants_up_to("none") if grant.group in OTHERS}
# What each level's role lets one use, where all may be used (--probe all).
ALLOWS = {
    "none": set[str](),
    "passive": {"pod-proxy", "port-forward"},
    "pods": {
        "client-exec",
        "connection-exec",
        "container-exec",
        "fresh-pod",
        "inside-exec",
        "probe-pod",
        "sharded-probe",
    },
    "all": {"ephemeral-container"},
}


def ask(kubeconfig: Path, namespace: str, *words: str) -> Answer:
    """The report on one target, which is never a crash."""
    answer = refused(kubeconfig, *words, "-n", namespace, "--image", IMAGE, "-o", "json")
    assert "Traceback" not in answer.err + answer.out, answer
    return answer


@pytest.mark.parametrize("level", LEVELS)
def test_the_roles_of_a_level_are_enough_for_it(cluster: Cluster, shop: str, level: str, tmp_path: Path) -> None:
    someone = person_at_level(cluster, shop, level, tmp_path)
    answer = ask(someone, shop, "svc/web", "--probe", level)
    (path,) = answer.report["paths"]
    assert (answer.code, answer.root, answer.report["gaps"]) == (0, None, []), answer
    assert answer.report["outcome"] == ("untried" if level == "none" else "accepted")
    if level in ("pods", "all"):
        assert path["vantage"].startswith("a pod on node"), answer
        assert {dial["witness"] for dial in path["dials"]} == {"probe-pod"}


def test_faults_are_proved_with_the_rights_of_level_pods(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    someone = person_at_level(cluster, shop, "pods", tmp_path)
    roots = {"loop": "listens-on-loopback", "typo": "selector-matches-nothing", "wrong": "wrong-target-port"}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(zip(roots, pool.map(lambda name: ask(someone, shop, f"svc/{name}"), roots), strict=True))
    for name, root in roots.items():
        assert (answers[name].code, answers[name].root, answers[name].report["gaps"]) == (1, root, [])


@pytest.mark.parametrize("target", TARGETS)
def test_each_missing_right_shrinks_the_answer_and_breaks_nothing(
    cluster: Cluster, shop: str, target: str, tmp_path: Path
) -> None:
    lacks = [lack for lack in LACKS if lack.words.split()[0] == target]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda lack: _ask_without(cluster, shop, lack, tmp_path), lacks))
    for lack, answer in zip(lacks, answers, strict=True):
        _check(lack, answer)


def _ask_without(cluster: Cluster, namespace: str, lack: Lack, directory: Path) -> Answer:
    level = "all" if "--probe all" in lack.words else "pods"
    kept = _without(grants_up_to(level), lack.rights.split(","))
    return ask(person(cluster, namespace, kept, directory), namespace, *lack.words.split())


def _without(grants: Sequence[Grant], rights: Sequence[str]) -> list[Grant]:
    assert {str(grant) for grant in grants} >= set(rights), f"nobody has {rights}"
    return [grant for grant in grants if str(grant) not in rights]


def _check(lack: Lack, answer: Answer) -> None:
    report = answer.report
    assert answer.code == lack.code, f"{lack}: {answer}"
    told = [f"{gap['what']}: {gap['because']}" for gap in report["gaps"]]
    assert any(lack.gap in line for line in told) if lack.gap else not told, f"{lack}: {answer}"
    assert answer.err == "", f"{lack}: {answer}"
    if lack.code != 1 and report["outcome"] == "accepted":
        assert report["complete"] == (lack.code == 0), f"called healthy, though not all was checked: {answer}"
    if "get pods/exec" in lack.rights.split(","):
        assert not any("exec in" in thing["what"] for thing in report["touched"]), f"{lack}: {answer}"
        proofs = {claim["kind"] for claim in report["root"]["evidence"]} if report["root"] else set()
        assert "sockets" not in proofs, f"{lack}: {answer}"
        # Port-forward proves it without them (trace/localhost.py).
        assert ("witness" in proofs) == (lack.code == 1), f"{lack}: {answer}"


def test_the_matrix_takes_away_every_right_of_the_manifest() -> None:
    taken = {right for lack in LACKS for right in lack.rights.split(",")} | TAKEN | ELSEWHERE | UNSERVED
    assert taken == {str(grant) for grant in grants_up_to("all")}


def test_who_may_not_list_services_is_told_no_number_of_them(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    kept = _without(grants_up_to("none"), ["list services"])
    answer = refused(person(cluster, shop, kept, tmp_path), "svc/nope", "-n", shop)
    assert answer.code == 1
    assert "there is no Service nope" in answer.out
    assert "0 Services" not in answer.out


def test_a_log_that_may_not_be_read_is_not_called_silent(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    kept = _without(grants_up_to("pods"), ["get pods/log"])
    answer = refused(person(cluster, shop, kept, tmp_path), "svc/crash", "-n", shop)
    assert answer.code == 1
    assert "its log may tell why, and was not read" in " ".join(answer.out.split())


def test_a_job_that_may_not_be_deleted_is_told_so(
    cluster: Cluster, namespace: str, shop: str, tmp_path: Path
) -> None:
    kept = _without(grants_up_to("pods"), ["delete jobs"])
    answer = ask(person(cluster, shop, kept, tmp_path), shop, "svc/web")
    (thing,) = answer.report["touched"]
    assert (answer.code, thing["undone"]) == (0, "could not be deleted; it ends by its own deadline"), answer
    assert f"left behind: kubectl --kubeconfig {tmp_path}" in answer.err
    assert f"delete -n {shop} {thing['what']}" in answer.err
    cluster.kubectl("delete", "-n", shop, thing["what"])


def test_nobody_at_all_gets_one_clear_answer(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    answer = refused(person(cluster, shop, (), tmp_path), "svc/web", "-n", shop)
    assert answer.code == 3
    assert "Traceback" not in answer.err + answer.out
    told = " ".join(answer.out.split())
    assert told.startswith(f"? svc/web could not be judged: forbidden: get services in namespace {shop}"), answer
    assert "grant get services" in told


def test_a_gap_takes_the_word_works_back(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    kept = _without(grants_up_to("pods"), ["create jobs", "create pods"])
    answer = refused(person(cluster, shop, kept, tmp_path), "svc/web", "-n", shop)
    assert answer.code == 3
    assert answer.out.startswith("? svc/web:80 works as far as it was checked: "), answer
    assert f"grant create jobs.batch in namespace {shop} (role refused-pods" in " ".join(answer.out.split())


def test_what_may_not_be_known_to_be_a_pod_is_not_dialled(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    kept = _without(grants_up_to("pods"), ["list pods"])
    answer = refused(person(cluster, shop, kept, tmp_path), "svc/web", "-n", shop)
    told = " ".join(answer.out.split())
    assert answer.code == 3
    assert answer.out.startswith("? svc/web:80 could not be judged: forbidden: list pods"), answer
    assert "grant list pods" in told
    assert "touched" not in told


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_known_beforehand_which_methods_a_level_allows(
    cluster: Cluster, shop: str, level: str, tmp_path: Path
) -> None:
    someone = person_at_level(cluster, shop, level, tmp_path)
    context = context_of(connect(ConnectionOptions(kubeconfig=str(someone))), shop)
    asked = [method for method in live_methods(Depth.ALL) if hasattr(method, "proves")]
    gaps = {method.name: Preflight().denied(method, context, shop) for method in asked}
    allowed = {name for below in LEVELS[: LEVELS.index(level) + 1] for name in ALLOWS[below]}
    assert {name for name, gap in gaps.items() if not gap} == allowed
    assert set(gaps) == {name for names in ALLOWS.values() for name in names}
    for above in LEVELS[LEVELS.index(level) + 1 :]:
        for name in ALLOWS[above]:
            gap = gaps[name]
            assert gap
            assert f"refused-{above} of manifests/rbac.yaml" in gap.remedy
            assert "; it would prove " in gap.because


@pytest.mark.parametrize(
    ("level", "methods"),
    [("none", ["pod proxy", "probe pod"]), ("passive", ["probe pod"]), ("pods", []), ("all", [])],
)
def test_the_report_says_what_more_rights_would_prove(
    cluster: Cluster, shop: str, level: str, methods: list[str], tmp_path: Path
) -> None:
    answer = ask(person_at_level(cluster, shop, level, tmp_path), shop, "svc/web", "--probe", "all")
    gaps = answer.report["gaps"]
    assert sorted(gap["what"] for gap in gaps) == methods, answer
    assert all("it would prove" in gap["because"] and f"in namespace {shop}" in gap["because"] for gap in gaps)
    assert answer.code == (3 if methods else 0)


@pytest.mark.parametrize("right", ["list poddisruptionbudgets", "list horizontalpodautoscalers"])
def test_a_stand_in_of_which_nobody_knows_what_would_count_it_goes_unlabelled(
    cluster: Cluster, shop: str, right: str, tmp_path: Path
) -> None:
    kept = _without(grants_up_to("pods"), [right, "get pods/exec"])
    answer = ask(person(cluster, shop, kept, tmp_path), shop, "svc/web", "--from", "deploy/loop")
    told = [f"{gap['what']}: {gap['because']}" for gap in answer.report["gaps"]]
    assert any("without its labels" in line and right.split()[1] in line for line in told), answer
    assert any("client exec: forbidden: get pods/exec" in line for line in told), answer
    assert_nothing_left(cluster, shop)


def test_rights_are_asked_for_where_the_client_stands(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    elsewhere = fresh_namespace(cluster)
    someone = person_at_level(cluster, shop, "pods", tmp_path)
    answer = ask(someone, shop, "svc/web", "--from", "pod/till", "--from-namespace", elsewhere)
    (gap,) = [gap for gap in answer.report["gaps"] if gap["what"] == "probe pod"]
    assert f"create jobs, delete jobs (or create pods, delete pods) in namespace {elsewhere}" in gap["because"]
    assert gap["remedy"].endswith("(roles refused-none, refused-passive, refused-pods of manifests/rbac.yaml)")
    cluster.client().call("DELETE", f"/api/v1/namespaces/{elsewhere}")


def context_of(connection: Connection, namespace: str) -> ProbeContext:
    """What a method is asked in."""
    return ProbeContext(
        connection=connection,
        target=Target("web", namespace),
        snapshot=Snapshot(),
        facts=FactStore(),
        settings=ProbeSettings(depth=Depth.ALL),
        ledger=Ledger(),
        run_id="4f2a",
    )


def test_nothing_is_left_of_all_that(cluster: Cluster, shop: str, tmp_path: Path) -> None:
    someone = person_at_level(cluster, shop, "pods", tmp_path)
    assert ask(someone, shop, "svc/web").code == 0
    assert_nothing_left(cluster, shop)
