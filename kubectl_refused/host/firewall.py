"""The packet filters of this network namespace: nftables by nft, iptables by iptables-save, which only list."""

from __future__ import annotations

from kubectl_refused.model.firewall import Chain, Firewall
from kubectl_refused.model.gaps import Gap
from kubectl_refused.text import one_line

from .iptables import parse_iptables, parse_redirects
from .nftables import parse_nft
from .programs import output, program
from .sockets import is_root

_RULES = "firewall rules of this machine"
# Tables that iptables makes in nftables, where `nft` shows its matches as words that say nothing.
_OF_IPTABLES = frozenset({"filter", "mangle", "raw", "security", "nat"})
_HOOKS = frozenset({"INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"})


def read_firewall() -> Firewall:
    """Every chain that could be read; a Gap says what could not, and why."""
    if not is_root():
        return Firewall(gaps=(Gap(_RULES, "only root may list them", "run it with sudo"),))
    gaps: list[Gap] = []
    seen: list[str] = []
    saved = [(_saved(name, gaps, seen), family) for name, family in _SAVES]
    legacy = [chain for text, family in saved for chain in parse_iptables(text, family)]
    redirects = tuple(one for text, _ in saved for one in parse_redirects(text))
    native = _native(gaps, seen)
    if not seen:
        return Firewall(gaps=(Gap(_RULES, "neither nft nor iptables-save is installed"),))
    if "iptables-save" in seen:
        theirs = {(c.family, c.table) for c in native if _is_of_iptables(c)}
        native = [chain for chain in native if (chain.family, chain.table) not in theirs]
    return Firewall((*native, *legacy), ", ".join(seen), tuple(gaps), redirects)


_SAVES = (("iptables-save", "ip"), ("ip6tables-save", "ip6"))


def _saved(name: str, gaps: list[Gap], seen: list[str]) -> str:
    path = program(name)
    if not path:
        return ""
    text, failed = output([path])
    if failed:
        gaps.append(Gap(_RULES, f"{name} failed: {one_line(failed, 120)}"))
        return ""
    seen.append(name)
    return text


def _native(gaps: list[Gap], seen: list[str]) -> list[Chain]:
    path = program("nft")
    if not path:
        return []
    text, failed = output([path, "-j", "list", "ruleset"])
    if failed:
        gaps.append(Gap(_RULES, f"nft failed: {one_line(failed, 120)}"))
        return []
    seen.append("nft")
    return list(parse_nft(text))


def _is_of_iptables(chain: Chain) -> bool:
    return chain.family in ("ip", "ip6") and chain.table in _OF_IPTABLES and chain.name in _HOOKS
