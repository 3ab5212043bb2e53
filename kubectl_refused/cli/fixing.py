"""--fix: show the change, ask, apply it, diagnose again, say how to undo it; where it did not help, offer to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

import msgspec

from kubectl_refused.fixes.difference import difference
from kubectl_refused.fixes.undoing import undo_command
from kubectl_refused.model.evidence import Certainty, Fix
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis, DiagnosisList, Report, Root
from kubectl_refused.model.target import Target

from .applying import NotApplied, Prepared, apply, prepare, settle, undo
from .asking import agreed, may_ask
from .exit_codes import NO_FAULT, exit_code

if TYPE_CHECKING:
    from kubectl_refused.connection.client import Connection
    from kubectl_refused.probes.base import Ledger

# After a change, endpoints and the nodes' rules follow within moments: diagnoses until then say "not yet".
MOST_DIAGNOSES = 5
SETTLES = 25.0  # seconds for all of them
PAUSE = 1.0  # second before each


class Fixing:
    """The fixes of one run. `talk` takes the diff, the questions and what came of them; `again` diagnoses anew.

    `connection` and `ledger` are those of the running diagnosis. `show` writes a new verdict beside the talk; None
    where the report is data, which then holds the way back too.
    """

    def __init__(
        self,
        talk: TextIO,
        *,
        yes: bool,
        connection: Callable[[], Connection],
        ledger: Ledger,
        again: Callable[[Target], Diagnosis],
        show: Callable[[Diagnosis], None] | None = None,
        say: Callable[[str], None] = lambda step: None,
        pause: float = PAUSE,
    ) -> None:
        self._talk, self._yes = talk, yes
        self._connection, self._ledger = connection, ledger
        self._again, self._show, self._say, self._pause = again, show, say, pause
        self._untold: list[str] = []

    def left(self) -> Sequence[str]:
        """Commands that undo changes which a run that ended early has not told of."""
        return tuple(self._untold)

    def mend(self, report: Report, targets: Sequence[Target]) -> Report:
        """The report as it is after every root that can be mended was, or was not; in the targets' order."""
        items = (report,) if isinstance(report, Diagnosis) else report.items
        if not any(item.root for item in items):
            self._tell(f"nothing to apply: {_rootless(items)}")
        mended = [self._mend(item, target) for item, target in zip(items, targets, strict=True)]
        return mended[0] if isinstance(report, Diagnosis) else DiagnosisList(items=tuple(mended))

    def _mend(self, diagnosis: Diagnosis, target: Target) -> Diagnosis:
        root = diagnosis.root
        if root is None:
            return diagnosis
        try:
            prepared = self._agreed(root, diagnosis)
            return self._applied(prepared, diagnosis, target) if prepared else diagnosis
        except NotApplied as problem:
            self._tell(f"not applied: {problem.message}")
            return diagnosis

    def _agreed(self, root: Root, diagnosis: Diagnosis) -> Prepared | None:
        """The change of a root, tried, shown and agreed to; None where it is not to be made."""
        fix = root.fix
        if fix is None or fix.request is None or root.certainty is Certainty.POSSIBLE:
            raise NotApplied(_unsendable(root))
        if fix.owner:
            raise NotApplied(_of_owner(fix))
        likely = root.certainty is Certainty.LIKELY
        if likely and not may_ask(self._talk):
            raise NotApplied(f"{root.code} is only likely, and --yes agrees to what is proved; ask on a terminal")
        prepared = prepare(self._connection(), fix.request)
        if not prepared.back:
            raise NotApplied(f"{prepared.name} has this change already; run it again")
        self._show_change(prepared, fix, diagnosis)
        if self._yes and not likely:
            return prepared
        where = f"{prepared.name} in namespace {fix.request.namespace}" + _of_context(diagnosis.context)
        hedge = f"{root.code} is only likely. " if likely else ""
        if agreed(f"{hedge}Apply this to {where}?", self._talk, self._connection().cancel):
            return prepared
        self._tell("nothing was applied")
        return None

    def _show_change(self, prepared: Prepared, fix: Fix, diagnosis: Diagnosis) -> None:
        self._tell("")
        self._tell(f"{diagnosis.target}: {fix.summary}")
        for line in difference(prepared.before, prepared.after, prepared.name):
            self._tell(line)

    def _applied(self, prepared: Prepared, before: Diagnosis, target: Target) -> Diagnosis:
        """Apply, wait, and diagnose until it works or it is clear that it does not."""
        command = undo_command(target.kubectl, prepared.request, prepared.back)
        what = f"patch of {prepared.name}"
        self._untold.append(command)
        self._ledger.record(what, "kept" if self._show else f"kept; undo with: {command}")
        try:
            apply(self._connection(), prepared)
        except NotApplied:
            self._untold.remove(command)
            self._ledger.strike(what)
            raise
        settle(self._connection(), prepared.request, self._say)
        after = self._diagnosed(target)
        if self._show:
            self._show(after)
        works = exit_code(after) == NO_FAULT
        self._tell(
            f"{prepared.name} is patched; " + ("it accepts connections now" if works else _still(before, after))
        )
        self._tell(f"undo with:\n{command}")
        self._untold.remove(command)
        if works or not self._undone(prepared):
            return after
        told = (msgspec.structs.replace(t, undone="undone") if t.what == what else t for t in after.touched)
        return msgspec.structs.replace(after, touched=tuple(told))

    def _diagnosed(self, target: Target) -> Diagnosis:
        """The diagnosis after the change; asked again while it says that something is wrong."""
        end = time.monotonic() + SETTLES
        for _ in range(MOST_DIAGNOSES):
            self._connection().cancel.wait(self._pause)
            after = self._again(target)
            if exit_code(after) == NO_FAULT or time.monotonic() > end:
                break
        return after

    def _undone(self, prepared: Prepared) -> bool:
        """Undo where a person says so, and nowhere else: the change may be right, and another fault behind it."""
        if not may_ask(self._talk) or not agreed("Undo it?", self._talk, self._connection().cancel):
            return False
        try:
            undo(self._connection(), prepared)
        except NotApplied as problem:
            self._tell(f"not undone: {problem.message}")
            return False
        self._tell(f"{prepared.name} is as it was")
        return True

    def _tell(self, line: str) -> None:
        self._talk.write(f"{line}\n")
        self._talk.flush()


def _rootless(items: Sequence[Diagnosis]) -> str:
    """Why there is nothing to mend: `svc/web works`, or its fault is not known."""
    if all(item.outcome is Outcome.ACCEPTED for item in items):
        return f"{items[0].target} accepts connections" if len(items) == 1 else "each target accepts connections"
    return f"no cause was found for {items[0].target if len(items) == 1 else f'any of {len(items)} targets'}"


def _unsendable(root: Root) -> str:
    if root.certainty is Certainty.POSSIBLE:
        return f"{root.code} is only possible; --fix applies what is proved"
    return "the fix of " + root.code + " is no patch that could be sent: it is to be made by hand"


def _of_owner(fix: Fix) -> str:
    patch = json.dumps(fix.request.body if fix.request else fix.patch, separators=(",", ":"))
    return f"{fix.owner} writes this object and would undo the patch; change it there: {patch}"


def _of_context(context: str) -> str:
    return f" of {context}" if context else ""


def _still(before: Diagnosis, after: Diagnosis) -> str:
    """What is wrong after the change: the same, another fault, or nobody knows."""
    if after.root is None:
        return "whether it works could not be told"
    same = before.root is not None and before.root.code == after.root.code
    return f"it does not work{'' if same else ' yet'}: {after.root.headline} ({after.root.code})"
