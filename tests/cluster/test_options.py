"""What a cluster may be asked to be, and when one that is up already will do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import api
from tests.cluster.errors import ClusterError
from tests.cluster.options import FAMILIES, ClusterOptions, Layout, load_layout

PLAIN = ClusterOptions(name="one", ip_families=("IPv4",))
DUAL = replace(PLAIN, ip_families=FAMILIES)


def test_options_survive_their_file(tmp_path: Path) -> None:
    for options in (PLAIN, DUAL):
        Layout(options, tmp_path, 3).save()
        assert load_layout(tmp_path) == Layout(options, tmp_path, 3)


def test_a_cluster_from_before_dual_stack_speaks_ipv4(tmp_path: Path) -> None:
    Layout(DUAL, tmp_path, 3).save()
    file = tmp_path / "cluster.json"
    data = json.loads(file.read_text())
    del data["options"]["ip_families"]
    file.write_text(json.dumps(data))
    layout = load_layout(tmp_path)
    assert layout is not None
    assert layout.options == PLAIN


def test_a_dual_stack_cluster_serves_who_wants_ipv4_and_not_the_other_way_round() -> None:
    assert DUAL.serves(PLAIN)
    assert PLAIN.serves(PLAIN)
    assert not PLAIN.serves(DUAL)
    assert not DUAL.serves(replace(PLAIN, nodes=1))


@pytest.mark.parametrize("families", [(), ("IPv6",), ("IPv6", "IPv4"), ("IPv4", "IPv6", "IPv6")])
def test_other_families_are_refused(families: tuple[str, ...]) -> None:
    with pytest.raises(ClusterError, match="IP families"):
        ClusterOptions(ip_families=families)


def test_a_kernel_without_ipv6_gets_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    absent = tmp_path / "if_inet6"
    monkeypatch.setattr(api, "IPV6_ADDRESSES", absent)
    monkeypatch.setattr(api, "need_root", lambda: None)
    with pytest.raises(ClusterError) as told:
        api.up(DUAL)
    assert str(told.value) == f"this kernel has no IPv6 ({absent} is absent): no dual-stack cluster here"
