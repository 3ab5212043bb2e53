"""`-o html`: one page that needs nothing else: no script, no request, light and dark, and readable on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

from kubectl_refused import __version__
from kubectl_refused.model.evidence import Fix
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Cell, Explanation, Matrix, Report, Root, Scan

from .base import Style
from .claims import kind_of
from .data import encodable
from .html_picture import pictures, sign, whole
from .html_style import CSS, POLICY
from .html_text import lines, text
from .manuals import manual
from .paths import Standing
from .places import place_of
from .telling import Told, changes_of, claim, gaps_of, notes_of, refusals_of, tellings, total, touched_of

MOST = 1000  # targets in one page, which a phone still opens
_CLASSES = {
    Standing.FAULT: "fault",
    Standing.OPEN: "open",
    Standing.UNTRIED: "untried",
    Standing.IGNORED: "untried",
    Standing.WORKS: "works",
}
_SIGNS = {
    Standing.FAULT: "broken",
    Standing.OPEN: "unknown",
    Standing.UNTRIED: "",
    Standing.IGNORED: "",
    Standing.WORKS: "ok",
}
_GOOD = (Outcome.ACCEPTED, Outcome.UNTRIED)


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write the page; on a stream that cannot hold a character, by its number."""
    page = "\n".join(_page(report)) + "\n"
    out.write(page if encodable(page, out.encoding) else page.encode("ascii", "xmlcharrefreplace").decode())


def _page(report: Report) -> Iterable[str]:
    told = list(tellings(report))
    title = total(report) or (told[0][0].sentence if told else "no target")
    yield from (
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{text(title)}</title>",
        f"<style>{CSS}</style>",
        "</head>",
        "<body>",
        "<main>",
    )
    yield f"<header><p>kubectl refused{_cluster(told)}</p>"
    single = len(told) == 1 and not isinstance(report, Scan | Explanation)
    heading = f"Connections to {told[0][0].diagnosis.target}" if single else title
    yield f"<h1>{text(heading)}</h1></header>"
    yield from _listed("Connections that failed", refusals_of(report)[:MOST])
    yield from _contents(told) if len(told) > 1 else ()
    for number, paths in enumerate(told[:MOST]):
        yield from _article(paths, number)
    if len(told) > MOST:
        yield f"<p>… and {len(told) - MOST} more, which -o wide tells</p>"
    if isinstance(report, Scan | Explanation):
        yield from _listed("Not checked", gaps_of(report))
        yield from _listed("Touched in the cluster", touched_of(report))
    yield f"<footer>Written by kubectl refused {__version__}: what one run saw, and nothing else.</footer>"
    yield from ("</main>", "</body>", "</html>")


def _cluster(told: Sequence[Sequence[Told]]) -> str:
    contexts = {paths[0].diagnosis.context for paths in told} - {""}
    return f" · {text(contexts.pop())}" if len(contexts) == 1 else ""


def _mark(standing: Standing) -> str:
    drawn = sign(_SIGNS[standing], 12, 12) if _SIGNS[standing] else '<path class="way unknown" d="M5 12H19"/>'
    return f'<svg class="mark" viewBox="0 0 24 24" role="img" aria-label="{standing.value}">{drawn}</svg>'


def _contents(told: Sequence[Sequence[Told]]) -> Iterable[str]:
    yield '<ol class="toc">'
    for number, paths in enumerate(told[:MOST]):
        space = f' <span class="space">in {text(paths[0].diagnosis.namespace)}</span>'
        named = space if paths[0].diagnosis.namespace else ""
        link = f'<a href="#t{number}">{text(paths[0].sentence)}</a>'
        yield f"<li>{_mark(_worst(paths))}<span>{link}{named}</span></li>"
    yield "</ol>"


def _worst(paths: Sequence[Told]) -> Standing:
    return min((one.standing for one in paths), key=list(Standing).index)


def _article(paths: Sequence[Told], number: int) -> Iterable[str]:
    yield f'<article id="t{number}" class="{_CLASSES[_worst(paths)]}">'
    for one in paths:
        yield '<section class="path-of">'
        yield from _path(one)
        yield "</section>"
    diagnosis = paths[0].diagnosis
    for matrix in diagnosis.matrices:
        yield from _table(matrix)
    yield from _listed("What changed last", changes_of(diagnosis))
    yield from _listed("Worth knowing", notes_of(diagnosis))
    yield from _listed("Not checked", gaps_of(diagnosis))
    yield from _listed("Touched in the cluster", touched_of(diagnosis))
    yield "</article>"


def _path(told: Told) -> Iterable[str]:
    yield f'<div class="head">{_mark(told.standing)}<h2>{text(told.sentence)}</h2></div>'
    root, diagnosis = told.path.root, told.diagnosis
    tag = f'<span class="tag {root.certainty.value}">{text(told.code)}</span>' if root else ""
    if told.repeated:
        yield f'<p class="context">{tag}the same fault as above</p>'
        return
    where = (f"namespace {diagnosis.namespace}" if diagnosis.namespace else "", told.path.vantage)
    yield f'<p class="context">{tag}{" · ".join(text(part) for part in where if part)}</p>'
    if told.path.rule and told.path.way:
        yield whole(told.path.way, told.name)
    else:
        yield from pictures(told.path.hops, told.name)
    for fault in told.faults:
        yield from _remedy(fault.fix, "Fix" if fault is root else f"Then, {fault.code}")
    for fault in told.faults:
        yield from _proof(told, fault)


def _remedy(fix: Fix | None, heading: str) -> Iterable[str]:
    if fix is None:
        return
    yield f"<h3>{text(heading)}</h3><p>{text(fix.summary)}</p>"
    if fix.command:
        yield f"<pre>{lines(fix.command)}</pre>"
    if fix.owner and fix.owner not in fix.summary:
        yield f'<p class="context">Owner: {text(fix.owner)}</p>'


def _proof(told: Told, root: Root) -> Iterable[str]:
    """The evidence and the manual page, folded."""
    says = text(f"{root.code} {root.name}: {root.says or root.headline}")
    yield f"<details><summary>Proof <small>{says}</small></summary><dl>"
    for evidence in root.evidence:
        yield f"<dt>{text(kind_of(evidence))}</dt><dd>{text(claim(evidence, told.name))}</dd>"
    place = place_of(told.diagnosis, root)
    if place.real:
        yield f"<dt>manifest</dt><dd>{text(f'{place.uri}:{place.line}')}</dd>"
    yield "</dl></details>"
    if page := manual(root.code):
        yield f"<details><summary>Manual <small>{text(root.code)}: {text(page.title)}</small></summary>"
        yield f"<pre>{lines(page.text)}</pre></details>"


def _table(matrix: Matrix) -> Iterable[str]:
    """Every address from every vantage; it scrolls in its own frame."""
    yield f"<details><summary>Every address <small>{text(matrix.sentence)}</small></summary>"
    yield '<div class="scroll" tabindex="0" role="region" aria-label="Every address from every vantage"><table>'
    heads = "".join(f'<th scope="col">{text(vantage, 120)}</th>' for vantage in matrix.vantages)
    yield f'<thead><tr><th scope="col">port {text(matrix.port)}, {text(matrix.family)}</th>{heads}</tr></thead>'
    yield "<tbody>"
    for row in matrix.rows:
        what = " ".join(filter(None, (row.name, row.owner and f"of {row.owner}", f"({row.address})")))
        yield f'<tr><th scope="row">{text(what)}</th>{"".join(map(_cell, row.cells))}</tr>'
    yield "</tbody></table></div></details>"


def _cell(cell: Cell) -> str:
    known = cell.outcome is not Outcome.UNKNOWN
    kind = "good" if cell.outcome in _GOOD else "bad" if known else ""
    often = f" {cell.heard.get(cell.outcome.value, 0)}/{sum(cell.heard.values())}" if cell.heard else ""
    return f'<td class="{kind}">{"✓" if kind == "good" else "✗" if kind else "?"} {cell.outcome.value}{often}</td>'


def _listed(heading: str, entries: Sequence[str]) -> Iterable[str]:
    if entries:
        yield f"<details><summary>{heading} <small>{len(entries)}</small></summary><ul>"
        yield from (f"<li>{text(entry)}</li>" for entry in entries)
        yield "</ul></details>"
