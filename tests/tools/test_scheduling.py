"""Live tests that share a place are sent to one worker."""

from __future__ import annotations

import pytest

from tests.live.scheduling import place_of

NODES, DUAL = "tests/live/test_causes_b_nodes.py", "tests/live/test_dual_stack.py"


@pytest.mark.parametrize(
    ("nodeid", "place"),
    [
        (f"{NODES}::test_a_lost_node_takes_its_endpoints_along", "breakable"),
        (f"{NODES}::test_a_node_that_forwards_nothing_tells_so_itself", "breakable"),
        (f"{DUAL}::test_names_resolve_to_both_addresses[nftables-dual]", f"{DUAL} dual"),
        (f"{DUAL}::test_names_resolve_to_both_addresses[iptables-dual]", f"{DUAL} iptables dual"),
        ("tests/live/test_bad_days.py::test_two_runs_at_once_do_not_see_each_other", ""),
    ],
)
def test_tests_of_one_place_go_together(nodeid: str, place: str) -> None:
    assert place_of(nodeid) == place
