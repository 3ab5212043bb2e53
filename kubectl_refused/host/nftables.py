"""Chains out of `nft -j list ruleset` (libnftables-json(5)). Pure; what is not understood is told as unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from kubectl_refused.model.firewall import Action, Chain, Field, Rule, Test
from kubectl_refused.text import one_line

MOST_OBJECTS = 50_000
UNKNOWN = Test(Field.UNKNOWN)
_PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_VERDICTS = {"accept", "drop", "continue", "return", "jump", "goto", "reject", "queue", "vmap", "xt"}
# Statements that neither test a packet nor decide on it.
_HARMLESS = {"counter", "log", "comment", "mangle", "notrack", "masquerade", "meter", "ct helper", "last"}
_PAYLOADS = {
    ("tcp", "dport"): Field.PORT,
    ("th", "dport"): Field.PORT,
    ("tcp", "sport"): Field.FROM_PORT,
    ("th", "sport"): Field.FROM_PORT,
    ("ip", "saddr"): Field.SOURCE,
    ("ip6", "saddr"): Field.SOURCE,
    ("ip", "daddr"): Field.DESTINATION,
    ("ip6", "daddr"): Field.DESTINATION,
    ("ip", "protocol"): Field.PROTOCOL,
    ("ip6", "nexthdr"): Field.PROTOCOL,
}
_METAS = {
    "iifname": Field.INTERFACE_IN,
    "iif": Field.INTERFACE_IN,
    "oifname": Field.INTERFACE_OUT,
    "oif": Field.INTERFACE_OUT,
    "l4proto": Field.PROTOCOL,
    "nfproto": Field.FAMILY,
}
_FAMILIES = {"ipv4": "IPv4", "ipv6": "IPv6", "ip": "IPv4", "ip6": "IPv6"}
Sets = Mapping[tuple[str, str, str], tuple[str, ...] | None]


def parse_nft(text: str) -> tuple[Chain, ...]:
    """Every chain with its rules, in nft's order; none where the text is no ruleset."""
    try:
        objects = msgspec.json.decode(text)["nftables"][:MOST_OBJECTS]
    except (msgspec.DecodeError, KeyError, TypeError):
        return ()
    entries = [entry for entry in objects if isinstance(entry, dict)]
    sets = dict(_sets(entries))
    rules: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in _of(entries, "rule"):
        key = (_word(rule, "family"), _word(rule, "table"), _word(rule, "chain"))
        rules.setdefault(key, []).extend(_rules(rule, sets))
    return tuple(_chain(chain, rules) for chain in _of(entries, "chain"))


def _of(entries: Iterable[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (entry[kind] for entry in entries if isinstance(entry.get(kind), dict))


def _word(holder: Mapping[str, Any], key: str) -> str:
    return one_line(str(holder.get(key) or ""), 80)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else _PRIORITIES.get(str(value), 0)


def _chain(chain: dict[str, Any], rules: Mapping[tuple[str, str, str], list[Rule]]) -> Chain:
    key = (_word(chain, "family"), _word(chain, "table"), _word(chain, "name"))
    return Chain(
        "nft",
        *key,
        hook=_word(chain, "hook"),
        priority=_number(chain.get("prio")),
        policy=Action.DROP if chain.get("policy") == "drop" else Action.ACCEPT,
        rules=tuple(rules.get(key, ())),
    )


def _sets(entries: Iterable[dict[str, Any]]) -> Iterator[tuple[tuple[str, str, str], tuple[str, ...] | None]]:
    for kind in ("set", "map"):
        for one in _of(list(entries), kind):
            key = (_word(one, "family"), _word(one, "table"), _word(one, "name"))
            yield key, _values(one.get("elem") or [], {}, key) if kind == "set" else None


def _rules(rule: dict[str, Any], sets: Sets) -> Iterator[Rule]:
    """The rule; one for each entry of a verdict map."""
    where = (_word(rule, "family"), _word(rule, "table"), "")
    given = rule.get("expr")
    expressions = [e for e in (given if isinstance(given, list) else ()) if e and isinstance(e, dict)]
    tests = [test for e in expressions for test in _tests(e, where, sets)]
    number, comment = rule.get("handle"), _word(rule, "comment")
    told = one_line(" ".join(filter(None, (_told(e) for e in expressions))), 160)
    for more, verdict in _verdicts(expressions, where, sets):
        action, target, answer = _action(verdict)
        handle = number if isinstance(number, int) else 0
        yield Rule(told, action, (*tests, *more), target, answer, handle, comment)


def _tests(expression: dict[str, Any], where: tuple[str, str, str], sets: Sets) -> Iterator[Test]:
    """The conditions of one expression: none of a verdict or a counter, an unknown one of anything else."""
    (kind, body), *_ = expression.items()
    if kind == "match" and isinstance(body, dict):
        yield _match(body, where, sets)
        if _protocol(body.get("left")) == "tcp":
            yield Test(Field.PROTOCOL, ("tcp",))  # `tcp dport` implies it
    elif kind not in _VERDICTS and kind not in _HARMLESS:
        yield UNKNOWN


def _protocol(left: Any) -> str:
    payload = left.get("payload") if isinstance(left, dict) else None
    return str(payload.get("protocol") or "") if isinstance(payload, dict) else ""


def _match(body: dict[str, Any], where: tuple[str, str, str], sets: Sets) -> Test:
    field, operator = _field(body.get("left")), body.get("op")
    values = _values(body.get("right"), sets, where)
    if field is Field.UNKNOWN or values is None or operator not in ("==", "!=", "in"):
        return UNKNOWN
    if field is Field.FAMILY:
        values = tuple(_FAMILIES.get(value, value) for value in values)
    return Test(field, values, negated=operator == "!=")


def _field(left: Any) -> Field:
    if not isinstance(left, dict):
        return Field.UNKNOWN
    if isinstance(meta := left.get("meta"), dict):
        return _METAS.get(str(meta.get("key")), Field.UNKNOWN)
    if isinstance(ct := left.get("ct"), dict):
        return {"state": Field.STATE, "status": Field.STATUS}.get(str(ct.get("key")), Field.UNKNOWN)
    if isinstance(fib := left.get("fib"), dict):
        whole = (fib.get("result"), fib.get("flags")) in (("type", "daddr"), ("type", ["daddr"]))
        return Field.TYPE if whole else Field.UNKNOWN
    if isinstance(payload := left.get("payload"), dict):
        return _PAYLOADS.get((str(payload.get("protocol")), str(payload.get("field"))), Field.UNKNOWN)
    return Field.UNKNOWN


def _values(right: Any, sets: Sets, where: tuple[str, str, str]) -> tuple[str, ...] | None:
    """Right-hand sides as text; None where one is of a kind not evaluated here."""
    if isinstance(right, str):
        if right.startswith("@"):
            return sets.get((where[0], where[1], right[1:]))
        return ("tcp",) if right == "6" else (right,)
    if isinstance(right, int) and not isinstance(right, bool):
        return (str(right),)
    if isinstance(right, list):
        parts = [_values(part, sets, where) for part in right]
        return None if None in parts else tuple(value for part in parts if part for value in part)
    if not isinstance(right, dict):
        return None
    if isinstance(prefix := right.get("prefix"), dict):
        return (f"{prefix.get('addr')}/{prefix.get('len')}",)
    if isinstance(span := right.get("range"), list) and len(span) == 2:
        return (f"{span[0]}-{span[1]}",)
    if isinstance(element := right.get("elem"), dict):  # a set's element with a timeout or a counter
        return _values(element.get("val"), sets, where)
    return _values(right["set"], sets, where) if "set" in right else None


def _verdicts(
    expressions: Iterable[dict[str, Any]], where: tuple[str, str, str], sets: Sets
) -> Iterator[tuple[tuple[Test, ...], dict[str, Any]]]:
    """The verdict, or none; of a verdict map each entry with the test that its key is."""
    for expression in expressions:
        (kind, body), *_ = expression.items()
        if kind == "vmap":
            yield from _mapped(body, where, sets)
            return
        if kind in _VERDICTS:
            yield (), expression
            return
    yield (), {}


def _mapped(
    body: Any, where: tuple[str, str, str], sets: Sets
) -> Iterator[tuple[tuple[Test, ...], dict[str, Any]]]:
    data = body.get("data") if isinstance(body, dict) else None
    entries = data.get("set") if isinstance(data, dict) else None
    field = _field(body.get("key")) if isinstance(body, dict) else Field.UNKNOWN
    if not isinstance(entries, list) or field is Field.UNKNOWN:
        yield (UNKNOWN,), {"xt": None}  # a named map, or a key of several parts: it may do anything
        return
    for entry in entries:
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], dict):
            values = _values(entry[0], sets, where)
            yield (UNKNOWN if values is None else Test(field, values),), entry[1]


def _action(verdict: dict[str, Any]) -> tuple[Action, str, str]:
    """What it does, the chain it leads to, and what a reject answers."""
    kind, body = next(iter(verdict.items()), ("", None))
    target = _word(body, "target") if isinstance(body, dict) else ""
    if kind == "reject":
        return Action.REJECT, "", _answer(body)
    if kind in ("jump", "goto"):
        return Action(kind), target, ""
    if kind in ("accept", "drop", "return"):
        return Action(kind), "", ""
    return Action.UNKNOWN if kind in ("xt", "queue") else Action.NONE, "", ""


def _answer(body: Any) -> str:
    """`tcp reset`, or the ICMP error; nft's own default is port-unreachable."""
    kind, code = (body.get("type"), body.get("expr")) if isinstance(body, dict) else (None, None)
    return "tcp reset" if kind == "tcp reset" else one_line(str(code or "port-unreachable"), 40)


def _told(expression: dict[str, Any]) -> str:
    """The expression about as nft prints it."""
    kind, body = next(iter(expression.items()))
    if kind == "match" and isinstance(body, dict):
        sign = "" if body.get("op") in ("==", "in") else f"{body.get('op')} "
        return f"{_side(body.get('left'))} {sign}{_side(body.get('right'))}"
    if kind in ("jump", "goto"):
        return f"{kind} {_word(body, 'target')}" if isinstance(body, dict) else kind
    if kind == "reject":
        return f"reject with {_answer(body)}"
    if kind == "vmap" and isinstance(body, dict):
        return f"{_side(body.get('key'))} vmap"
    return "" if kind in _HARMLESS else kind


def _side(side: Any) -> str:
    if not isinstance(side, dict):
        return f"{{ {', '.join(map(_side, side))} }}" if isinstance(side, list) else str(side)
    kind, body = next(iter(side.items()), ("", None))
    if kind == "payload" and isinstance(body, dict):
        return f"{body.get('protocol')} {body.get('field')}"
    if kind in ("meta", "ct") and isinstance(body, dict):
        return str(body.get("key")) if kind == "meta" else f"ct {body.get('key')}"
    if kind == "set" and isinstance(body, list):
        return f"{{ {', '.join(map(_side, body))} }}"
    if kind == "prefix" and isinstance(body, dict):
        return f"{body.get('addr')}/{body.get('len')}"
    if kind == "range" and isinstance(body, list) and len(body) == 2:
        return f"{body[0]}-{body[1]}"
    return str(kind)
