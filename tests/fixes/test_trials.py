"""What is tried of a fix before it is told, and what the report makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_refused.fixes.change import service_change
from kubectl_refused.fixes.trials import destinations, patch_key, trials, tried, untried
from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.facts import DRY_RUN, FORWARD, HANDSHAKE, Dial, Need, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import ServicePort
from kubectl_refused.model.observation import DryRun, Handshake, Outcome
from kubectl_refused.model.target import Vantage
from tests.scenery import dialled, pod, scene, service

PODS = (pod("web-1"), pod("web-2", ip="10.0.0.2"))


def fixed(made: Any = None) -> Fix:
    """A selector's fix that leads to both pods."""
    here = made or scene(*PODS)
    return replace(
        service_change(here, "Select web", {"selector": {"app": "web"}}), leads_to=destinations(here, PODS)
    )


def asked(fix: Fix) -> Need:
    """The dry run of the fix."""
    assert fix.request is not None
    return Need(DRY_RUN, patch_key(fix.request))


def forwarded(*outcomes: Outcome) -> dict[Need, Handshake]:
    """A dial inside each pod."""
    return {
        Need(FORWARD, PodPort("shop", f"web-{n}", 8080)): Handshake(
            "localhost", 8080, outcome, 0.01, "port-forward"
        )
        for n, outcome in enumerate(outcomes, 1)
    }


def test_ports_are_dialled_from_the_paths_own_vantage() -> None:
    needs = trials(scene(*PODS), fixed())
    assert needs == [
        asked(fixed()),
        Need(HANDSHAKE, Dial("10.0.0.1", 8080)),
        Need(HANDSHAKE, Dial("10.0.0.2", 8080)),
    ]


def test_where_objects_prove_the_root_nothing_is_created_for_a_trial() -> None:
    here = replace(scene(*PODS), vantage=Vantage("objects"))
    assert [need.fact for need in trials(here, fixed())] == [DRY_RUN, FORWARD, FORWARD]


def test_what_is_known_is_not_asked_again() -> None:
    facts = {asked(fixed()): Gap("x", "y"), **dialled("10.0.0.1", 8080), **dialled("10.0.0.2", 8080)}
    assert trials(scene(*PODS, facts=facts), fixed()) == []


def test_a_change_that_belongs_elsewhere_is_not_tried() -> None:
    assert trials(scene(), replace(fixed(), command=None, leads_to=())) == []
    assert trials(scene(), Fix(summary="Bind to 0.0.0.0")) == []


def test_how_the_trials_went() -> None:
    facts = {asked(fixed()): DryRun(True), **forwarded(Outcome.ACCEPTED, Outcome.REFUSED)}
    fix, evidence = tried(scene(*PODS, facts=facts), fixed())
    assert fix == fixed()
    assert [(e.witness, e.says, e.worked) for e in evidence] == [
        ("port-forward", "1 of 2 pods that it leads to accept on port 8080 inside", True),
        ("api server", "server-side dry run accepted", True),
    ]


def test_a_dial_from_the_vantage_counts_before_one_inside_the_pod() -> None:
    facts = {**forwarded(Outcome.ACCEPTED), **dialled("10.0.0.1", 8080)}
    _, (only,) = tried(scene(*PODS, facts=facts), replace(fixed(), leads_to=fixed().leads_to[:1]))
    assert (only.says, only.worked) == ("pod/web-1 refused on port 8080", False)


def test_a_refused_patch_says_so_and_has_no_command() -> None:
    facts = {asked(fixed()): DryRun(False, "denied by policy")}
    fix, (only,) = tried(scene(*PODS, facts=facts), fixed())
    assert fix.command is None
    assert fix.summary == f"{fixed().summary}; but the API server refuses this patch"
    assert fix.request == fixed().request
    assert (only.says, only.worked) == ("server-side dry run refused: denied by policy", False)


@pytest.mark.parametrize(
    ("because", "told"), [("forbidden: patch services in namespace shop", False), ("the webhook fails", True)]
)
def test_only_what_is_no_missing_right_is_a_gap(because: str, told: bool) -> None:
    made = scene(*PODS, facts={asked(fixed()): Gap("a server-side dry run of the fix", because)})
    assert (untried(made, fixed()) is not None) is told
    assert tried(made, fixed()) == (fixed(), ())


def test_pods_that_cannot_answer_are_not_dialled() -> None:
    waiting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    away = pod("web-3", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    odd = (pod("web-1", ready=False, status=waiting), pod("web-2", ip=""), away, pod("web-4", ip="fd00::4"))
    assert destinations(scene(), odd) == ()
    assert len(destinations(scene(), [pod(f"web-{n}") for n in range(9)])) == 3


def test_a_named_port_leads_to_the_number_of_each_pod() -> None:
    port = ServicePort(port=80, target_port="http")
    one = pod(container={"ports": [{"name": "http", "containerPort": 8000, "protocol": "TCP"}]})
    assert [d.port for d in destinations(scene(service()), [one, pod("web-2")], port)] == [8000]
