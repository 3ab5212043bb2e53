"""What is asked about the user's rights before a method touches anything, and what is said if one is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.connection.client import ServerVersion
from kubectl_refused.connection.errors import ApiProblem, Cancelled
from kubectl_refused.model.facts import HANDSHAKE, LISTENERS, Dial, Fact, FactStore, Need, PodKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Coverage, Snapshot
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.base import Method, ProbeContext, Right
from kubectl_refused.probes.clients import Client
from kubectl_refused.probes.container_exec import ContainerExec
from kubectl_refused.probes.pod_proxy import PodProxy
from kubectl_refused.probes.probe_pod import ProbePod
from kubectl_refused.probes.prober import Prober
from kubectl_refused.probes.rights import Preflight, acts_in
from tests.fakes import FakeConnection, forbidden, probe_context

JOBS = {"create jobs", "delete jobs"}
BARE = {"create pods", "delete pods"}
DIAL = Need(HANDSHAKE, Dial("10.0.0.1", 80, "till"))


class Asked(FakeConnection):
    """A server where the user lacks some rights; `reviews` are those that were asked for, with the namespace."""

    def __init__(self, lacking: Iterable[str] = (), minor: str = "34", fails: Exception | None = None) -> None:
        super().__init__({})
        self.lacking, self.minor, self.fails = set(lacking), minor, fails
        self.reviews: list[tuple[str, str]] = []

    def can_i(self, verb: str, resource: str, group: str = "", subresource: str = "", namespace: str = "") -> bool:
        self.reviews.append((namespace, str(Right(verb, resource, group, subresource))))
        if self.fails:
            raise self.fails
        return self.reviews[-1][1] not in self.lacking

    def server_version(self) -> ServerVersion:
        self.asked.append("version")
        return ServerVersion("1", self.minor)


def denied(method: Method, server: Asked) -> Gap | None:
    return Preflight().denied(method, probe_context(server), "shop")


@pytest.mark.parametrize(
    ("lacking", "because", "remedy", "roles"),
    [
        (
            JOBS | BARE,
            "create jobs, delete jobs (or create pods, delete pods)",
            "create jobs.batch, delete jobs.batch",
            "role refused-pods",
        ),
        (
            {"create jobs", "create pods"},
            "create jobs (or create pods)",
            "create jobs.batch",
            "role refused-pods",
        ),
        ({"watch pods"} | JOBS, "watch pods", "watch pods", "role refused-pods"),
        (
            {"get pods/log", "create jobs", "create pods"},
            "get pods/log, create jobs (or create pods)",
            "get pods/log, create jobs.batch",
            "roles refused-passive, refused-pods",
        ),
    ],
)
def test_a_gap_names_what_is_missing_where_and_what_it_would_prove(
    lacking: set[str], because: str, remedy: str, roles: str
) -> None:
    gap = denied(ProbePod(), Asked(lacking))
    assert gap == Gap(
        "probe pod",
        f"forbidden: {because} in namespace shop; it would prove {ProbePod.proves}",
        f"grant {remedy} in namespace shop ({roles} of manifests/rbac.yaml)",
    )


@pytest.mark.parametrize("lacking", [set(), JOBS, BARE])
def test_one_complete_way_is_enough(lacking: set[str]) -> None:
    assert denied(ProbePod(), Asked(lacking)) is None


def test_the_second_way_is_only_asked_about_where_the_first_is_closed() -> None:
    server = Asked()
    denied(ProbePod(), server)
    assert {what for _, what in server.reviews} == {"list pods", "watch pods", "get pods/log"} | JOBS


@pytest.mark.parametrize(
    ("lacking", "minor", "missing"),
    [
        ({"get pods/exec"}, "34", "get pods/exec"),
        ({"create pods/exec"}, "34", ""),
        ({"create pods/exec"}, "35", "create pods/exec"),
        ({"create pods/exec"}, "35+", "create pods/exec"),
        ({"create pods/exec"}, "", ""),
    ],
)
def test_create_on_streams_matters_from_1_35(lacking: set[str], minor: str, missing: str) -> None:
    gap = denied(ContainerExec(), Asked(lacking, minor))
    assert (gap.because.partition(" in namespace")[0] if gap else "") == (missing and f"forbidden: {missing}")


def test_the_version_is_asked_once_and_only_if_it_matters() -> None:
    calm, server, preflight = Asked(), Asked({"create pods/exec"}), Preflight()
    assert denied(ContainerExec(), calm) is None
    for space in ("shop", "till"):
        preflight.denied(ContainerExec(), probe_context(server), space)
    assert (calm.asked, server.asked) == ([], ["version"])


@pytest.mark.parametrize(
    "failure", [ApiProblem(503, "Busy", ""), forbidden("create", "selfsubjectaccessreviews", "")]
)
def test_what_cannot_be_asked_counts_as_allowed(failure: Exception) -> None:
    assert denied(ProbePod(), Asked(fails=failure)) is None


def test_a_cancelled_run_ends() -> None:
    with pytest.raises(Cancelled):
        denied(ProbePod(), Asked(fails=Cancelled()))


def test_each_right_is_asked_once_for_each_namespace() -> None:
    server, preflight = Asked(JOBS), Preflight()
    for space in ("shop", "till", "shop"):
        preflight.denied(ProbePod(), probe_context(server), space)
    assert len(server.reviews) == len(set(server.reviews)) == 2 * 7


def context_from(server: Asked) -> ProbeContext:
    """Somebody in namespace `till` dials a Service in namespace `shop`."""
    base = probe_context(server)
    client = Client(key="till", standing="node", namespace="till", node="node1")
    return replace(base, clients=(client,))


@pytest.mark.parametrize(
    ("method", "need", "namespace"),
    [
        (ProbePod(), DIAL, "till"),
        (PodProxy(), DIAL, "shop"),
        (ContainerExec(), Need(LISTENERS, PodKey("cellar", "web-1")), "cellar"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_rights_are_asked_for_where_the_method_acts(method: Method, need: Need, namespace: str) -> None:
    server = Asked()
    context = context_from(server)
    assert acts_in(method, need, context) == namespace
    assert Preflight().refusals(method, [need], context) == {}
    assert {space for space, _ in server.reviews} == {namespace}


class Answers:
    """A method that answers every need with its own name."""

    depth = Depth.PASSIVE
    facts: frozenset[Fact[Any]] = frozenset({HANDSHAKE})

    def __init__(self, name: str, order: int, rights: tuple[Right, ...], proves: str) -> None:
        self.name, self.order, self.rights, self.proves = name, order, rights, proves
        self.given: list[Need] = []

    def learn(self, needs: Sequence[Need], context: ProbeContext) -> Iterable[tuple[Need, Any]]:
        self.given += needs
        return [(need, self.name) for need in needs]


def test_a_denied_method_is_not_tried_and_the_next_one_answers() -> None:
    first = Answers("first-way", 1, (Right("create", "jobs", "batch"),), "much")
    second = Answers("second-way", 2, (), "")
    context = probe_context(Asked({"create jobs"}), dial_any=True)
    prober = Prober([first, second], context)
    need = Need(HANDSHAKE, Dial("10.0.0.1", 80))
    assert prober.learn([need], Snapshot(), FactStore()) == [(need, "second-way")]
    assert first.given == []
    assert [gap.what for gap in prober.gaps_about([need])] == ["first way"]


def test_where_nothing_else_can_tell_the_missing_right_is_the_answer() -> None:
    only = Answers("only-way", 1, (Right("create", "jobs", "batch"),), "much")
    prober = Prober([only], probe_context(Asked({"create jobs"}), dial_any=True))
    need = Need(HANDSHAKE, Dial("10.0.0.1", 80))
    ((answered, gap),) = prober.learn([need], Snapshot(), FactStore())
    assert answered == need
    assert gap.because == "forbidden: create jobs in namespace shop; it would prove much"


def test_what_was_just_done_is_not_asked_about() -> None:
    server = Asked({"list pods"})
    read = Snapshot(coverage=frozenset({Coverage("Pod", "shop")}))
    assert Preflight().denied(ProbePod(), probe_context(server, snapshot=read), "shop") is None
    assert ("shop", "list pods") not in server.reviews


def test_a_plain_read_is_not_asked_about() -> None:
    server = Asked({"create jobs"})
    reads = Answers("reads", 1, (Right("create", "jobs", "batch"),), "")
    assert Preflight().refusals(reads, [DIAL], probe_context(server)) == {}
    assert server.reviews == []
