"""Chains out of iptables-save and ip6tables-save (iptables-extensions(8)). Pure; unknown tests are told so."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from kubectl_refused.model.firewall import Action, Chain, Field, Redirect, Rule, Test
from kubectl_refused.patterns import lazily
from kubectl_refused.text import one_line

MOST_LINES = 50_000
UNKNOWN = Test(Field.UNKNOWN)
_HOOKS = {
    "PREROUTING": "prerouting",
    "INPUT": "input",
    "FORWARD": "forward",
    "OUTPUT": "output",
    "POSTROUTING": "postrouting",
}
# The order in which tables see a packet (iptables(8)); nat decides on addresses only.
_PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
_CHAIN = lazily(r":(\S{1,64}) (ACCEPT|DROP|-)")
_FIELDS = {
    "-p": Field.PROTOCOL,
    "-s": Field.SOURCE,
    "-d": Field.DESTINATION,
    "-i": Field.INTERFACE_IN,
    "-o": Field.INTERFACE_OUT,
    "--dport": Field.PORT,
    "--dports": Field.PORT,
    "--destination-ports": Field.PORT,
    "--sport": Field.FROM_PORT,
    "--sports": Field.FROM_PORT,
    "--ctstate": Field.STATE,
    "--state": Field.STATE,
    "--ctstatus": Field.STATUS,
    "--dst-type": Field.TYPE,
    "--src-range": Field.SOURCE,
    "--dst-range": Field.DESTINATION,
}
# Words that test nothing: a match's own name, a comment, what a log line says, how a mark is kept.
_NO_TEST = {"-m": 1, "--comment": 1, "--log-prefix": 1, "--log-level": 1, "--reject-with": 1, "-c": 2}
_TARGETS = {"ACCEPT": Action.ACCEPT, "DROP": Action.DROP, "REJECT": Action.REJECT, "RETURN": Action.RETURN}
_HARMLESS = ("LOG", "NFLOG", "MARK", "CONNMARK", "CT", "TCPMSS", "NOTRACK", "TRACE", "CHECKSUM", "SECMARK")
# Matches whose whole word is a test that is not evaluated here, by the flag each must have.
# How container engines publish a port: `-p tcp … --dport 8080 -j DNAT --to-destination 172.17.0.2:80`.
_REDIRECT = lazily(r"-A \S+ .*--dport (\d{1,5}) .*-j DNAT --to-destination \[?([0-9a-fA-F.:]+?)\]?:(\d{1,5})$")
_TCP_FLAGS = ("--tcp-flags", "--syn", "--tcp-option")


def parse_iptables(text: str, family: str) -> tuple[Chain, ...]:
    """Every chain of the tables that can stop a packet; `family` is ip or ip6."""
    found: dict[tuple[str, str], Chain] = {}
    rules: dict[tuple[str, str], list[Rule]] = {}
    table = ""
    for line in text.split("\n", MOST_LINES)[:MOST_LINES]:
        if line.startswith("*"):
            table = one_line(line[1:], 40)
        elif table in _PRIORITIES and (chain := _CHAIN.match(line)):
            found[(table, chain[1])] = _chain(family, table, chain[1], chain[2])
        elif table in _PRIORITIES and line.startswith(("-A ", "[")):
            _add(rules, table, line)
    return tuple(
        Chain(c.tool, c.family, c.table, c.name, c.hook, c.priority, c.policy, tuple(rules.get(key, ())))
        for key, c in found.items()
    )


def parse_redirects(text: str) -> tuple[Redirect, ...]:
    """Where rules send TCP connections to one port on to."""
    lines = (line for line in text.split("\n", MOST_LINES)[:MOST_LINES] if "-p tcp" in line and len(line) < 1000)
    found = filter(None, (_REDIRECT.search(line.strip()) for line in lines))
    return tuple(Redirect(int(one[1]), one[2], int(one[3])) for one in found)


def _chain(family: str, table: str, name: str, policy: str) -> Chain:
    hook = _HOOKS.get(name, "") if policy != "-" else ""
    action = Action.DROP if policy == "DROP" else Action.ACCEPT
    return Chain(
        "iptables" if family == "ip" else "ip6tables", family, table, name, hook, _PRIORITIES[table], action
    )


def _add(rules: dict[tuple[str, str], list[Rule]], table: str, line: str) -> None:
    """Note a rule; a line that is none is passed over."""
    try:
        words = shlex.split(line)
    except ValueError:
        return
    if words and words[0].startswith("["):  # counters, of iptables-save -c
        words = words[1:]
    if len(words) < 2 or words[0] != "-A":
        return
    mine = rules.setdefault((table, words[1]), [])
    mine.append(_rule(words[2:], " ".join(words), len(mine) + 1))


def _rule(words: Sequence[str], text: str, number: int) -> Rule:
    tests, values = list(_tests(words)), _values(words)
    target = values.get("-j") or values.get("-g") or ""
    answer, comment = values.get("--reject-with", ""), one_line(values.get("--comment", ""), 80)
    action = _TARGETS.get(target)
    if action is None:
        jumps = Action.GOTO if "-g" in values else Action.JUMP
        action = Action.NONE if target in (*_HARMLESS, "") else jumps
    if action is Action.REJECT:
        answer = "tcp reset" if answer == "tcp-reset" else answer.removeprefix("icmp6-").removeprefix("icmp-")
        answer = answer or "port-unreachable"
    leads = target if action in (Action.JUMP, Action.GOTO) else ""
    return Rule(one_line(text, 160), action, tuple(tests), leads, answer, number, comment)


def _values(words: Sequence[str]) -> dict[str, str]:
    """The word behind each flag."""
    return {word: after for word, after in zip(words, [*words[1:], ""], strict=True) if word.startswith("-")}


def _tests(words: Sequence[str]) -> Iterator[Test]:
    at, negated = 0, False
    while at < len(words):
        word = words[at]
        if word == "!":
            negated, at = True, at + 1
            continue
        if word in ("-j", "-g"):
            return  # what follows are the target's own options
        if word in _FIELDS:
            yield Test(_FIELDS[word], _listed(_FIELDS[word], words[at + 1 : at + 2]), negated)
            at += 2
        elif word in _NO_TEST:
            at += 1 + _NO_TEST[word]
        elif word in _TCP_FLAGS:
            yield from _flags(words[at : at + 3], negated)
            at += 1 if word == "--syn" else 3
        else:
            if word.startswith("-"):
                yield UNKNOWN
            at += 1
        negated = False


def _flags(words: Sequence[str], negated: bool) -> Iterator[Test]:
    """A SYN, which is all that is asked about here, meets --syn and not its opposite."""
    if words[0] == "--syn" or tuple(words[1:]) == ("FIN,SYN,RST,ACK", "SYN"):
        if negated:
            yield Test(Field.STATE, ("established",))
    else:
        yield UNKNOWN


def _listed(field: Field, given: Sequence[str]) -> tuple[str, ...]:
    """`80,443` and `8000:8999` as values."""
    values = tuple(given[0].split(",")) if given else ()
    if field in (Field.PORT, Field.FROM_PORT):
        return tuple(_span(value) for value in values)
    if field in (Field.STATE, Field.STATUS, Field.TYPE):
        return tuple(value.lower() for value in values)
    if field in (Field.INTERFACE_IN, Field.INTERFACE_OUT):
        return tuple(value.replace("+", "*") if value.endswith("+") else value for value in values)
    return values


def _span(value: str) -> str:
    low, colon, high = value.partition(":")
    return f"{low or 0}-{high or 65535}" if colon else low
