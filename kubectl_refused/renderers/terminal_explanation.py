"""Why connections of a command failed: one block for each Service meant, then the timeline."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from kubectl_refused.model.report import Explanation, Mention, Refusal

from .terminal_pen import Pen, wrap

MOST_LINES = 3  # of the output, for one Service
MOST_UNNAMED = 10  # Services that no address names
LONGEST_COMMAND = 60
_Key = tuple[str, str]


def explained(pen: Pen, report: Explanation) -> list[str]:
    """The headline, the blocks and the timeline; diagnoses follow elsewhere."""
    symbol, hue = _mark(report)
    first, *more = wrap(pen.text(headline(report)), pen.width - 2)
    lines = [f"{pen.paint(pen.fold(symbol), hue, 'bold')} {pen.paint(first, 'bold')}"]
    lines += ["  " + pen.paint(line, "bold") for line in more]
    lines += ["  " + pen.paint(line, "dim") for line in wrap(pen.text(where(report)), pen.width - 2)]
    for block in _blocks(pen, report):
        lines += ["", *block]
    moments = _timeline(pen, report)
    return lines + (["", *moments] if moments else [])


def _mark(report: Explanation) -> tuple[str, str]:
    """What is still broken is red, what was, yellow; an error that has to do with no Service is none of ours."""
    if report.items:
        return "✗", "red"
    return ("?", "yellow") if report.refusals or report.mentions else ("·", "dim")


def headline(report: Explanation) -> str:
    """`go test ./... exits with 1 after 14.2 s; svc/web did not accept meanwhile`."""
    names = [target for _, target in _services(report)]
    told = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if not report.command:
        if not report.mentions:
            return "no address of a failed connection is in the text"
        return f"connections to {told} failed" if told else "connections failed to what is not known here"
    ended = f"{shown(report.command)} exits with {report.exit_code} after {report.seconds} s"
    if report.refusals:
        return f"{ended}; {told} did not accept meanwhile"
    if told:
        return f"{ended}; it failed to connect to {told}"
    if report.mentions:
        return ended
    seen = "" if report.gaps else ", and no Service lost its endpoints meanwhile"
    return f"{ended}; its output tells of no failed connection{seen}"


def shown(command: Sequence[str]) -> str:
    """The command on a line, not too long."""
    text = shlex.join(command)
    return text if len(text) <= LONGEST_COMMAND else f"{text[: LONGEST_COMMAND - 1]}…"


def where(report: Explanation) -> str:
    """Context and namespace."""
    return " · ".join(
        filter(None, (report.context, f"namespace {report.namespace}" if report.namespace else "all namespaces"))
    )


def _services(report: Explanation) -> list[_Key]:
    """The Services told of, those named in the output first, each once with its namespace."""
    named = [(one.namespace, _whole(one.target)) for one in report.mentions if one.target]
    others = [(one.namespace, one.target) for one in report.refusals if (one.namespace, one.target) not in named]
    return list(dict.fromkeys([*named, *dict.fromkeys(others[:MOST_UNNAMED])]))


def _whole(target: str) -> str:
    return target.partition(":")[0]


def _blocks(pen: Pen, report: Explanation) -> list[list[str]]:
    blocks = []
    for key in _services(report):
        mine = [one for one in report.mentions if one.target and (one.namespace, _whole(one.target)) == key]
        refused = [one for one in report.refusals if (one.namespace, one.target) == key]
        blocks.append(_block(pen, report, key, mine, refused))
    strangers = [one for one in report.mentions if not one.target]
    return blocks + [_stranger(pen, one) for one in strangers]


def _block(
    pen: Pen, report: Explanation, key: _Key, mine: Sequence[Mention], refused: Sequence[Refusal]
) -> list[str]:
    """`✓ svc/web works now`, when it did not and why, the lines of the output, what to do."""
    broken = any((item.namespace, _whole(item.target)) == key for item in report.items)
    works = any(_whole(target) == key[1] for target in report.works) and not broken
    symbol, hue = ("✗", "red") if broken else ("✓", "green") if works else ("·", "dim")
    state = "does not work" if broken else "works now" if works else "was not dialled"
    space = "" if report.namespace == key[0] else f" in namespace {key[0]}"
    first, *more = wrap(pen.text(f"{key[1]}{space} {state}"), pen.width - 4)
    lines = [f"  {pen.paint(pen.fold(symbol), hue)} {pen.paint(first, 'bold')}"]
    lines += ["    " + pen.paint(line, "bold") for line in more]
    at = pen.column("timeline")
    told = [line for one in refused for line in wrap(pen.text(span(one)), pen.width - at)]
    if not refused and works and report.command:
        told = wrap("nothing was seen meanwhile that explains it", pen.width - at)
    if works and any(one.how == "no such host" for one in mine):
        told += wrap("its name is known to the cluster's own DNS only, which pods ask", pen.width - at)
    lines += pen.section("refused", told, at=at)
    lines += pen.section("output", [line for one in mine[:MOST_LINES] for line in _quoted(pen, one, at)], at=at)
    advice = list(dict.fromkeys(one.advice for one in refused if one.advice))
    lines += pen.section("fix", [line for text in advice for line in wrap(pen.text(text), pen.width - at)], at=at)
    return lines


def span(refusal: Refusal) -> str:
    """`from 0.0 s to 8.2 s: pod/web-1 was not ready yet (KR409)`."""
    start = "from the beginning" if refusal.start < 0 else f"from {refusal.start} s"
    end = " on" if refusal.end is None else f" to {refusal.end} s"
    some = ", by one of its pods" if refusal.partly and refusal.cause != "rollout" else ""
    code = f" ({refusal.code})" if refusal.code else ""
    return f"{start}{end}{some}: {refusal.says}{code}"


def _quoted(pen: Pen, mention: Mention, at: int) -> list[str]:
    return [
        *wrap(pen.text(counted(mention)), pen.width - at),
        *(pen.paint(line, "dim") for line in wrap(pen.text(mention.line, 200), pen.width - at)),
    ]


def counted(mention: Mention) -> str:
    """`10.96.3.7:80 (svc/web) refused 3 times, first at 2.1 s`."""
    means = f" ({mention.means})" if mention.means and mention.means not in mention.address else ""
    times = f" {mention.times} times" if mention.times > 1 else ""
    first = "" if mention.first is None else f", {'first ' if times else ''}at {mention.first} s"
    return f"{mention.address}{means} {mention.how}{times}{first}"


def _stranger(pen: Pen, mention: Mention) -> list[str]:
    """An address that leads to no Service."""
    at = pen.column("timeline")
    says = mention.means or "no Service, pod or node that is known here"
    head = wrap(pen.text(f"{mention.address} {mention.how}: {says}"), pen.width - 4)
    lines = [f"  {pen.fold('·')} {head[0]}", *("    " + line for line in head[1:])]
    return lines + pen.section("output", wrap(pen.text(mention.line, 200), pen.width - at), at=at)


def _timeline(pen: Pen, report: Explanation) -> list[str]:
    at = pen.column("timeline")
    width = max((len(f"{one.at:.1f}") for one in report.timeline), default=0)
    lines: list[str] = []
    for one in report.timeline:
        lead = f"{one.at:{width}.1f} s  "
        told = wrap(pen.text(f"{one.what} {one.says}", 160), pen.width - at - len(lead)) or [""]
        lines += [lead + told[0], *(" " * len(lead) + line for line in told[1:])]
    return pen.section("timeline", lines, at=at)
