"""Which methods a level brings, and what is said about facts that it forbids."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from kubectl_refused.engine.exec_listeners import ExecListeners, HelperListeners
from kubectl_refused.engine.logs import EngineLogs
from kubectl_refused.engine.proc_listeners import ProcListeners
from kubectl_refused.host.reads import HostReads
from kubectl_refused.model import facts
from kubectl_refused.model.facts import DRY_RUN, HANDSHAKE, LISTENERS, PODS_IN, Fact, NamespaceKey, Need
from kubectl_refused.model.target import Depth
from kubectl_refused.probes.methods import live_methods
from kubectl_refused.probes.plan import plan, why_hopeless


def test_reading_methods_are_found_without_importing_the_others() -> None:
    """The rule of methods.py: what works at level none stands in files named `…_reads.py`."""
    code = (
        "import json, sys\n"
        "from kubectl_refused.model.target import Depth\n"
        "from kubectl_refused.probes.methods import live_methods\n"
        "names = [m.name for m in live_methods(Depth.NONE)]\n"
        "print(json.dumps([names, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    names, loaded = json.loads(done.stdout)
    assert names == [m.name for m in live_methods(Depth.ALL) if m.depth is Depth.NONE]
    assert "kubectl_refused.probes.probe_pod" not in loaded
    assert "kubectl_refused.connection.streams" not in loaded


@pytest.mark.parametrize("fact", facts.ALL, ids=lambda fact: fact.name)
def test_a_facts_depth_is_that_of_its_first_method(fact: Fact[Any]) -> None:
    """So that a run can say which level would tell without loading that level's methods.

    `here` does not count: it answers for nobody who did not ask `--from here`.
    """
    beside = (HostReads(), ProcListeners(), EngineLogs(), ExecListeners(), HelperListeners())
    methods = [*live_methods(Depth.ALL), *beside]
    able = [m.depth for m in methods if fact in m.facts and m.name != "here"]
    assert min(able, key=lambda depth: depth.rank) is fact.depth


@pytest.mark.parametrize("depth", list(Depth))
def test_a_level_has_no_method_above_it(depth: Depth) -> None:
    found = live_methods(depth)
    assert all(m.depth.rank <= depth.rank for m in found)
    assert [m.order for m in found] == sorted(m.order for m in found)


@pytest.mark.parametrize(
    ("fact", "depth", "deepest", "because", "remedy"),
    [
        (HANDSHAKE, Depth.NONE, Depth.ALL, "not asked for at --probe none", "--probe passive"),
        (LISTENERS, Depth.NONE, Depth.ALL, "not asked for at --probe none", "--probe pods"),
        (LISTENERS, Depth.PASSIVE, Depth.ALL, "not asked for at --probe passive", "--probe pods"),
        (DRY_RUN, Depth.NONE, Depth.ALL, "not asked for at --probe none", "--probe passive"),
        (LISTENERS, Depth.NONE, Depth.NONE, "nothing here can tell", ""),
        (PODS_IN, Depth.PODS, Depth.ALL, "nothing here can tell", ""),
    ],
)
def test_a_fact_out_of_reach_names_the_level_that_tells_it(
    fact: Fact[Any], depth: Depth, deepest: Depth, because: str, remedy: str
) -> None:
    gap = why_hopeless(Need(fact, NamespaceKey("shop")), depth, deepest)
    assert (gap.because, gap.remedy) == (because, remedy)


def test_a_need_that_the_level_forbids_is_hopeless() -> None:
    need, dial = Need(PODS_IN, NamespaceKey("shop")), Need(HANDSHAKE, NamespaceKey("shop"))
    steps = plan([need, dial], live_methods(Depth.NONE), Depth.NONE, ())
    assert (steps.batches, steps.hopeless) == ({"object-reads": (need,)}, (dial,))
