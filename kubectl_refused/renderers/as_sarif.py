"""`-o sarif`: SARIF 2.1.0, for code scanning: one result per fault, its manual page as the rule.

With -f a result is at the file and line of the field at fault. Code scanning takes no result without a place, so
that of a cluster gets one made up of its name, and a logical location that says what it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from kubectl_refused import __version__
from kubectl_refused.model.evidence import Certainty
from kubectl_refused.model.report import Explanation, Report, Root, Scan

from .base import Style
from .data import fitting, harmless
from .manuals import manual
from .paths import Standing
from .places import place_of, service_name
from .telling import Told, changes_of, claims, gaps_of, line, refusals_of, tellings, verbatim

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000  # of a run: docs.github.com, SARIF support for code scanning
OPEN = "unexplained"  # the rule of what fails or could not be judged, and has no cause
_LEVELS = {Certainty.PROVED: "error", Certainty.LIKELY: "warning", Certainty.POSSIBLE: "note"}
_OPEN_RULE = {
    "id": OPEN,
    "name": "Unexplained",
    "shortDescription": {"text": "It fails or could not be judged, and no cause is proved"},
    "help": {"text": "The result says what was seen; what could not be checked stands in the notifications."},
    "defaultConfiguration": {"level": "warning"},
}


def render(report: Report, out: TextIO, style: Style) -> None:
    """Write indented JSON, in ASCII where the stream holds nothing else."""
    out.write(fitting(harmless(_log(report)), out.encoding) + "\n")


def _log(report: Report) -> dict[str, Any]:
    told = list(tellings(report))
    results = _numbered(sorted((r for one in told for r in _results(one)), key=_order))[:MOST_RESULTS]
    ids = sorted({result["ruleId"] for result in results})
    for result in results:
        result["ruleIndex"] = ids.index(result["ruleId"])
    names = {root.code: root.name for paths in told for one in paths for root in one.faults}
    notes = [_note(gap, line(one[0].diagnosis.target)) for one in told for gap in gaps_of(one[0].diagnosis)]
    notes += [_note(gap, "scan") for gap in gaps_of(report)] if isinstance(report, Scan | Explanation) else []
    notes += [_note(text, "refusal") for text in refusals_of(report)]
    driver = {"name": "kubectl-refused", "semanticVersion": __version__, "rules": [_rule(i, names) for i in ids]}
    run: dict[str, Any] = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints"}
    if notes:
        notes.sort(key=lambda note: str(note["message"]["text"]))
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": notes[:MOST_RESULTS]}]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run | {"results": results}]}


def _order(result: dict[str, Any]) -> tuple[Any, ...]:
    physical = result["locations"][0]["physicalLocation"]
    where = (physical["artifactLocation"]["uri"], physical["region"]["startLine"])
    return (result["ruleId"], *where, result["message"]["text"], result["partialFingerprints"][_OURS])


def _rule(code: str, names: dict[str, str]) -> dict[str, Any]:
    if code == OPEN:
        return _OPEN_RULE
    page = manual(code)
    name = "".join(word.capitalize() for word in line(names[code]).split("-"))
    if page is None:
        return {"id": code, "name": name, "shortDescription": {"text": line(names[code]) or code}}
    rule: dict[str, Any] = {
        "id": code,
        "name": name,
        "shortDescription": {"text": page.title},
        "help": {"text": page.text, "markdown": page.markdown},
        "properties": {"tags": ["kubernetes", "networking"]},
    }
    return rule | ({"helpUri": page.link} if page.link else {})


def _results(told: Iterable[Told]) -> Iterator[dict[str, Any]]:
    """Each fault once: the paths of two families have the same one."""
    seen: set[tuple[Any, ...]] = set()
    for one in told:
        roots: tuple[Root | None, ...] = one.faults or ((None,) if one.standing is Standing.OPEN else ())
        for root in roots:
            made = _result(one, root)
            key = (made["ruleId"], made["message"]["text"] if root is None else line(root.says), one.path.port)
            if key not in seen:
                seen.add(key)
                yield made


def _result(told: Told, root: Root | None) -> dict[str, Any]:
    first = root is None or root is told.path.root
    text = told.sentence if first or root is None else line(f"{told.name}: {root.says or root.headline}")
    fix = line(root.fix.summary) if root and root.fix else ""
    code = root.code if root else OPEN
    return {
        "ruleId": code,
        "level": _LEVELS[root.certainty] if root else "warning",
        "message": {"text": ". ".join(filter(None, (text, fix))) or code},
        "locations": [_location(told, root)],
        "partialFingerprints": _fingerprints(told, code),
        "properties": _properties(told, root),
    }


def _location(told: Told, root: Root | None) -> dict[str, Any]:
    place, name = place_of(told.diagnosis, root), line(service_name(told.diagnosis)) or "?"
    namespace = line(told.diagnosis.namespace)
    logical = {"name": name, "kind": "resource", "fullyQualifiedName": "/".join((namespace, "Service", name))}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": place.uri},
            "region": {"startLine": place.line},
        },
        "logicalLocations": [logical],
    }


_OURS = "kubectlRefused/v1"
_GITHUBS = "primaryLocationLineHash"  # the only one that code scanning compares


def _fingerprints(told: Told, code: str) -> dict[str, str]:
    """What is the same fault in the next run, wherever its file is then and however it is told."""
    parts = (code, told.diagnosis.namespace, service_name(told.diagnosis), told.path.port)
    text = "\0".join(parts).encode("utf-8", "replace")
    return {_OURS: hashlib.sha256(text).hexdigest()[:32]}


def _numbered(results: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results with fingerprints that differ: of two faults of one cause and port the second ends in :2."""
    seen: Counter[str] = Counter()
    made = list(results)
    for result in made:
        own = result["partialFingerprints"][_OURS]
        seen[own] += 1
        number = f"{own}:{seen[own]}"
        result["partialFingerprints"] = {_OURS: number, _GITHUBS: number}
    return made


def _properties(told: Told, root: Root | None) -> dict[str, Any]:
    diagnosis = told.diagnosis
    told_of: dict[str, Any] = {
        "target": line(diagnosis.target),
        "namespace": line(diagnosis.namespace),
        "port": line(told.path.port),
        "outcome": told.path.outcome.value,
    }
    if news := changes_of(diagnosis):
        told_of["changed"] = news
    if root is None:
        return told_of
    told_of |= {"certainty": root.certainty.value, "proof": claims(root, told.name)}
    if root.fix and root.fix.command:
        told_of["command"] = verbatim(root.fix.command)
    return told_of


def _note(gap: str, about: str) -> dict[str, Any]:
    return {"level": "note", "message": {"text": line(f"{about}: not checked: {gap}")}}
