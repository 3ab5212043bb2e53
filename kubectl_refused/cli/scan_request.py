"""The command line of a scan as a Request, with the rules of what to ignore."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from kubectl_refused.causes import catalogue
from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.trace.ignores import IgnoreRule, Ignores, is_called

from .command import Values
from .options import Option
from .request import Request, Scanning, check_choices, connection_of, shared_of
from .rules_file import rules_of

DEFAULT_FILE = ".kubectl-refused.yaml"


def scan_request_of(values: Values, options: tuple[Option, ...]) -> Request:
    """The Request. Raises UsageProblem."""
    check_choices(values, options)
    connection = connection_of(values)
    selector = values.get("selector") or ""
    scanning = Scanning(
        namespace="" if values.get("all_namespaces") else None,
        selector=selector,
        fail_on=values.get("fail_on") or "proved",
        ignores=Ignores((*flagged(values.get("ignore") or ()), *_filed(values.get("config"))), annotations=True),
    )
    return Request(targets=(), scan=scanning, **shared_of(values, connection, files=False))


def flagged(given: Sequence[str]) -> list[IgnoreRule]:
    """The rules of --ignore. Raises UsageProblem."""
    names = [name.strip() for text in given for name in text.split(",")]
    return [IgnoreRule(known_cause(name), "--ignore") for name in dict.fromkeys(names)]


def known_cause(name: str) -> str:
    """`name` if a cause has it as its code or name. Raises UsageProblem."""
    if any(is_called(cause, name) for cause in catalogue()):
        return name
    import difflib  # on the way to an error only

    known = [text for cause in catalogue() for text in (cause.code, cause.slug)]
    near = difflib.get_close_matches(name.lower().replace("_", "-")[:100], [text.lower() for text in known], n=1)
    instead = f"did you mean {near[0]}?" if near else "see: kubectl refused causes"
    raise UsageProblem(f"there is no cause '{shown(name)}' to ignore", instead)


def _filed(config: str | None) -> tuple[IgnoreRule, ...]:
    """The rules of the file named, or of the one in the working directory if there is one. Raises UsageProblem."""
    path = Path(config or DEFAULT_FILE)
    if config is None and not path.is_file():
        return ()
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise UsageProblem(
            f"{shown(str(path))} cannot be read: {problem.strerror}", "name it with --config"
        ) from None
    return rules_of(data, str(path), today=datetime.now(UTC).date())
