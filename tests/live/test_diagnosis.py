"""Every case of cases/ is broken for real, and named as root; the healthy ones are called healthy.

A case file starts with what to ask and what must come out; the objects follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.cluster.api import Cluster

from .tool import Answer, refused, until

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
SETTLE_SECONDS = 60.0
# Where the mode of kube-proxy changes what a client sees, and one of each kind.
BOTH_MODES = ("healthy", "no-such-port", "selector-matches-nothing", "wrong-target-port", "ingress-denied")


@dataclass(frozen=True)
class Case:
    """What a case file expects: the root's name or None, the exit code, a text the report must hold."""

    target: str
    root: str | None
    objects: str
    says: str = ""
    code: int = -1
    fix: str = ""

    @property
    def exit_code(self) -> int:
        return self.code if self.code >= 0 else int(self.root is not None)


def load(path: Path) -> Case:
    head, _, objects = path.read_text().partition("---\n")
    return Case(objects=objects, **yaml.safe_load(head))


def ask(cluster: Cluster, namespace: str, case: Case) -> Answer:
    """Apply the case and ask until what is expected is said, or a minute has passed."""
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=case.objects)
    return until(
        lambda: refused(cluster.kubeconfig, case.target, "-n", namespace, "-o", "json"),
        lambda answer: (answer.code, answer.root) == (case.exit_code, case.root) and case.says in answer.out,
        SETTLE_SECONDS,
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_root_is_named(cluster: Cluster, namespace: str, path: Path) -> None:
    case = load(path)
    answer = ask(cluster, namespace, case)
    assert (answer.root, answer.code) == (case.root, case.exit_code), answer
    assert case.says in answer.out, answer
    if case.root and case.exit_code == 1:
        root = answer.report["root"]
        assert root["certainty"] == "proved"
        assert root["fix"]["summary"]
        assert all(claim["witness"] and claim["subject"] for claim in root["evidence"])
    if case.fix == "dialled":
        assert any(claim["kind"] == "trial" and claim["worked"] for claim in answer.report["root"]["evidence"])
    if case.root is None:
        assert answer.report["outcome"] == "accepted"
        assert answer.report["paths"][0]["dials"], "a healthy answer shows the handshake it made"


@pytest.mark.parametrize("cluster", ["iptables"], indirect=True)
@pytest.mark.parametrize("name", BOTH_MODES)
def test_the_root_is_named_in_iptables_mode(cluster: Cluster, namespace: str, name: str) -> None:
    case = load(Path(__file__).parent / "cases" / f"{name}.yaml")
    answer = ask(cluster, namespace, case)
    assert (answer.root, answer.code) == (case.root, case.exit_code), answer
