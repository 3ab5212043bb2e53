"""Which tools are asked for rules, and what is said where none can be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kubectl_refused.host import firewall

RECORDED = Path(__file__).parent / "recorded"


def _machine(monkeypatch: pytest.MonkeyPatch, programs: dict[str, tuple[str, str]], *, root: bool = True) -> None:
    """A machine with these programs and what each writes, and why it fails."""

    def output(words: Sequence[str]) -> tuple[str, str]:
        return programs[words[0]]

    monkeypatch.setattr(firewall, "is_root", lambda: root)
    monkeypatch.setattr(firewall, "program", lambda name: name if name in programs else "")
    monkeypatch.setattr(firewall, "output", output)


def test_only_root_is_shown_them(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, {}, root=False)
    (gap,) = firewall.read_firewall().gaps
    assert (gap.because, gap.remedy) == ("only root may list them", "run it with sudo")


def test_no_tool_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, {})
    (gap,) = firewall.read_firewall().gaps
    assert gap.because == "neither nft nor iptables-save is installed"


def test_both_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    ufw, native = ((RECORDED / name).read_text() for name in ("ufw.rules", "native.json"))
    _machine(monkeypatch, {"nft": (native, ""), "iptables-save": (ufw, ""), "ip6tables-save": ("", "no module")})
    read = firewall.read_firewall()
    assert {chain.tool for chain in read.chains} == {"nft", "iptables"}
    assert read.witness == "iptables-save, nft"
    assert [gap.because for gap in read.gaps] == ["ip6tables-save failed: no module"]


def test_tables_of_iptables_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = '{"nftables": [{"chain": {"family": "ip", "table": "filter", "name": "INPUT", "hook": "input"}}]}'
    ufw = (RECORDED / "ufw.rules").read_text()
    _machine(monkeypatch, {"nft": (twin, ""), "iptables-save": (ufw, "")})
    assert [c.tool for c in firewall.read_firewall().chains if c.name == "INPUT"] == ["iptables"]
