"""--fix without a cluster: what is refused, asked, sent, told and undone."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from kubectl_refused.cli import applying, fixing
from kubectl_refused.cli.fixing import Fixing
from kubectl_refused.connection.cancel import Cancel
from kubectl_refused.connection.errors import ApiProblem, Forbidden, Unreachable
from kubectl_refused.fixes.requests import JSON, request
from kubectl_refused.model.evidence import Certainty, Fix
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import Diagnosis, DiagnosisList, Touched
from kubectl_refused.model.target import Target
from kubectl_refused.probes.base import Ledger
from tests.fakes import as_connection
from tests.fixes.json_patches import Refused, patched
from tests.renderers import samples

from .tool import run

TARGET = Target("cart", "shop", "80")
PATCH = {"spec": {"selector": {"app": "cart"}}}


class OneObject:
    """An API server with one Service. `deny` refuses what is really sent, `edit` happens before that."""

    def __init__(self, *, deny: Exception | None = None, edit: bool = False) -> None:
        self.spec: dict[str, Any] = {"selector": {"app": "kart"}, "ports": [{"port": 80}]}
        self.version, self.deny, self.edit = 1, deny, edit
        self.cancel = Cancel()
        self.sent: list[tuple[str, bool]] = []

    def get_bytes(self, path: str) -> bytes:
        return self._shown(self.spec)

    def patch(self, path: str, body: Any, content_type: str, dry_run: bool = False) -> bytes:
        self.sent.append((content_type, dry_run))
        if not dry_run and self.deny:
            raise self.deny
        if not dry_run and self.edit:
            self.version += 1
        spec = self._spec_after(body, content_type)
        if not dry_run:
            self.spec, self.version = spec, self.version + 1
        return self._shown(spec)

    def _spec_after(self, body: Any, content_type: str) -> dict[str, Any]:
        if content_type == JSON:
            try:
                after: dict[str, Any] = patched({"spec": self.spec}, body)["spec"]
            except Refused as error:
                raise ApiProblem(422, "Invalid", "the request is invalid") from error
            return after
        if body["metadata"]["resourceVersion"] != str(self.version):
            raise ApiProblem(409, "Conflict", "the object has been modified")
        return {**self.spec, **body["spec"]}

    def _shown(self, spec: dict[str, Any]) -> bytes:
        metadata = {"name": "cart", "resourceVersion": str(self.version)}
        return msgspec.json.encode({"kind": "Service", "metadata": metadata, "spec": spec, "status": {}})


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        return True


def broken(certainty: Certainty = Certainty.PROVED, **changes: Any) -> Diagnosis:
    """svc/cart with a selector that can be mended by a patch."""
    fix = Fix(summary="Select cart", command="kubectl patch", request=request("Service", "shop", "cart", PATCH))
    root = replace(samples.selector(), certainty=certainty, fix=replace(fix, **changes))
    return replace(samples.rejected(), root=root)


class Desk:
    """One run of --fix: what was diagnosed after the change, and what was said."""

    def __init__(
        self, api: OneObject, *, yes: bool = True, after: Diagnosis | None = None, data: bool = True
    ) -> None:
        self.api, self.ledger = api, Ledger()
        self.talk: io.StringIO = io.StringIO() if yes else Terminal()
        self.asked: list[Target] = []
        self.shown: list[Diagnosis] = []
        self._after = after or samples.works()
        self.fixing = Fixing(
            self.talk,
            yes=yes,
            connection=lambda: as_connection(api),  # type: ignore[arg-type]
            ledger=self.ledger,
            again=self._again,
            show=None if data else self.shown.append,
            pause=0.0,
        )

    def mend(self, diagnosis: Diagnosis | None = None) -> Diagnosis:
        """The diagnosis after --fix."""
        found = self.fixing.mend(diagnosis or broken(), [TARGET])
        assert isinstance(found, Diagnosis)
        return found

    @property
    def said(self) -> str:
        """All that was told."""
        return self.talk.getvalue()

    def _again(self, target: Target) -> Diagnosis:
        self.asked.append(target)
        touched = tuple(Touched(what=what, undone=undone) for what, undone in self.ledger.entries)
        return replace(self._after, touched=touched)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What a person answers, in order; asking more is an error."""
    given: list[bool] = []
    monkeypatch.setattr(fixing, "agreed", lambda *_: given.pop(0))
    monkeypatch.setattr(fixing, "may_ask", lambda talk: talk.isatty())
    return given


def test_it_is_tried_applied_checked_and_told() -> None:
    desk = Desk(OneObject())
    mended = desk.mend()
    assert desk.api.spec["selector"] == {"app": "cart"}
    assert [dry_run for _, dry_run in desk.api.sent] == [True, False]
    assert (mended.root, desk.asked) == (None, [TARGET])
    assert "-    app: kart\n+    app: cart\n" in desk.said
    assert (
        "svc/cart is patched; it accepts connections now\nundo with:\nkubectl patch svc/cart --type json -p "
        in desk.said
    )
    (touched,) = mended.touched
    assert touched.what == "patch of svc/cart"
    assert touched.undone.startswith("kept; undo with: kubectl patch svc/cart ")
    assert desk.fixing.left() == ()


def test_beside_a_report_for_people_the_way_back_is_told_once() -> None:
    desk = Desk(OneObject(), data=False)
    assert [t.undone for t in desk.mend().touched] == ["kept"]
    assert len(desk.shown) == 1


def test_what_is_healthy_is_left_alone() -> None:
    desk = Desk(OneObject())
    assert desk.mend(samples.works()) == samples.works()
    assert (desk.api.sent, desk.said) == ([], f"nothing to apply: {samples.works().target} accepts connections\n")


def test_where_no_cause_was_found_nothing_is_applied_and_that_is_told_once() -> None:
    desk = Desk(OneObject())
    lost = replace(samples.works(), outcome=Outcome.TIMEOUT)
    desk.fixing.mend(DiagnosisList(items=(samples.works(), lost)), [TARGET, TARGET])
    assert (desk.api.sent, desk.said) == ([], "nothing to apply: no cause was found for any of 2 targets\n")


@pytest.mark.parametrize(
    ("diagnosis", "why"),
    [
        (broken(Certainty.POSSIBLE), "is only possible; --fix applies what is proved"),
        (broken(Certainty.LIKELY), "is only likely, and --yes agrees to what is proved"),
        (broken(request=None), "is no patch that could be sent"),
        (broken(owner="Helm release cart"), "Helm release cart writes this object and would undo the patch"),
    ],
)
def test_what_is_not_applied_says_why_in_a_line(diagnosis: Diagnosis, why: str) -> None:
    desk = Desk(OneObject())
    assert desk.mend(diagnosis) == diagnosis
    assert desk.api.sent == []
    assert desk.said.startswith("not applied: ")
    assert why in desk.said
    assert desk.said.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Forbidden("patch", "services", "shop", "no"), "may not patch services in namespace shop; check with: "),
        (Forbidden("patch", "services", "shop", "policy says no", by_admission=True), "change: policy says no"),
        (ApiProblem(422, "Invalid", "port: Invalid value"), "refuses the change: port: Invalid value"),
        (ApiProblem(500, "InternalError", "webhook fails"), "the API server answers 500"),
    ],
)
def test_what_the_server_refuses_is_told_and_touched_nothing(error: Exception, why: str) -> None:
    desk = Desk(OneObject(deny=error))
    assert desk.mend() == broken()
    assert "not applied: " in desk.said
    assert why in desk.said
    assert (desk.ledger.entries, desk.fixing.left(), desk.asked) == ((), (), [])


def test_an_edit_in_between_is_not_overwritten() -> None:
    desk = Desk(OneObject(edit=True))
    desk.mend()
    assert "not applied: somebody changed svc/cart meanwhile; run it again" in desk.said
    assert desk.api.spec["selector"] == {"app": "kart"}


def test_what_has_the_change_already_is_not_patched() -> None:
    api = OneObject()
    api.spec["selector"] = {"app": "cart"}
    desk = Desk(api)
    desk.mend()
    assert "svc/cart has this change already" in desk.said
    assert [dry_run for _, dry_run in api.sent] == [True]


def test_where_nobody_knows_what_became_of_it_the_way_back_is_left() -> None:
    desk = Desk(OneObject(deny=Unreachable("no answer in time")))
    with pytest.raises(Unreachable):
        desk.mend()
    (left,) = desk.fixing.left()
    assert left.startswith("kubectl patch svc/cart --type json ")


def test_no_is_no(answers: list[bool]) -> None:
    answers.append(False)
    desk = Desk(OneObject(), yes=False)
    assert desk.mend() == broken()
    assert desk.said.endswith("nothing was applied\n")
    assert [dry_run for _, dry_run in desk.api.sent] == [True]


def test_what_is_likely_is_asked_about_even_with_yes(answers: list[bool]) -> None:
    answers.append(True)
    desk = Desk(OneObject(), yes=False)
    assert desk.mend(broken(Certainty.LIKELY)).root is None
    assert answers == []


@pytest.mark.parametrize(("answer", "selector"), [(True, "kart"), (False, "cart")])
def test_what_does_not_help_may_be_undone(answers: list[bool], answer: bool, selector: str) -> None:
    answers += [True, answer]
    desk = Desk(OneObject(), yes=False, after=samples.refused())
    mended = desk.mend()
    assert desk.api.spec["selector"] == {"app": selector}
    assert "svc/cart is patched; it does not work yet: " in desk.said
    (touched,) = mended.touched
    assert (touched.undone == "undone") is answer
    assert len(desk.asked) == fixing.MOST_DIAGNOSES


def test_an_undo_that_comes_too_late_is_told(answers: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    answers += [True, True]
    desk = Desk(OneObject(), yes=False, after=broken())

    def edited(*_: Any) -> bool:
        desk.api.spec = {**desk.api.spec, "selector": {"app": "other"}} if not answers[1:] else desk.api.spec
        return answers.pop(0)

    monkeypatch.setattr(fixing, "agreed", edited)
    desk.mend()
    assert "it does not work: " in desk.said
    assert "not undone: the API server refuses the change" in desk.said
    assert desk.api.spec["selector"] == {"app": "other"}


def test_with_yes_nothing_is_undone_by_itself() -> None:
    desk = Desk(OneObject(), after=samples.refused())
    desk.mend()
    assert desk.api.spec["selector"] == {"app": "cart"}
    assert "undo with:\nkubectl " in desk.said


def test_each_of_several_targets() -> None:
    desk = Desk(OneObject())
    report = DiagnosisList(items=(samples.works(), broken()))
    mended = desk.fixing.mend(report, [Target("api", "shop"), TARGET])
    assert isinstance(mended, DiagnosisList)
    assert [item.root for item in mended.items] == [None, None]
    assert desk.asked == [TARGET]


def rollout(kind: str, **status: int) -> dict[str, Any]:
    """A workload of two pods at its second generation."""
    return {"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}


@pytest.mark.parametrize(
    ("kind", "status", "done"),
    [
        (
            "Deployment",
            {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
            False,
        ),
        (
            "Deployment",
            {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2},
            False,
        ),
        (
            "Deployment",
            {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1},
            False,
        ),
        (
            "Deployment",
            {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
            True,
        ),
        (
            "StatefulSet",
            {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            False,
        ),
        ("DaemonSet", {"observedGeneration": 2, "desiredNumberScheduled": 3, "numberAvailable": 3}, False),
        (
            "DaemonSet",
            {
                "observedGeneration": 2,
                "desiredNumberScheduled": 3,
                "updatedNumberScheduled": 3,
                "numberAvailable": 3,
            },
            True,
        ),
    ],
)
def test_a_rollout_is_over_when_all_new_pods_serve(kind: str, status: dict[str, int], done: bool) -> None:
    assert applying._rolled_out(kind, rollout(kind, **status)) is done


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("svc/web", "--fix"),
            "error: --fix asks before it changes anything, and there is no terminal; add --yes",
        ),
        (("svc/web", "--yes"), "error: --yes agrees to --fix, which is not there; add --fix"),
        (("svc/web", "--fix", "-y", "-f", "x.yaml"), "error: --fix changes a cluster, and -f reads files"),
        (("svc/web", "--fix", "-y", "--dry-run"), "error: --fix changes the cluster and --dry-run does nothing"),
    ],
)
def test_wrong_usage_is_one_line_before_anything_is_done(
    words: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    done = run(tmp_path, *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(says)


def test_the_report_holds_the_request() -> None:
    data = json.loads(msgspec.json.encode(broken()))
    told = data["root"]["fix"]["request"]
    assert (told["path"], told["body"]) == ("/api/v1/namespaces/shop/services/cart", PATCH)
