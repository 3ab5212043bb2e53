"""What is worth telling and no fault: its place in the formats."""

from __future__ import annotations

import json

from . import samples
from .streams import rendered


def test_the_verdict_stays_healthy_and_the_note_follows_it() -> None:
    text = rendered(samples.noted())
    first, *rest = text.splitlines()
    assert first.startswith("✓ svc/api:80 ")
    assert rest[0].startswith("  note ")
    told = " ".join(line.strip() for line in rest)
    assert "its dial was accepted (KR313 policy-not-enforced)" in told
    assert "Use a network plugin that enforces NetworkPolicies" in told
    assert "\x1b" not in text


def test_data_holds_it_with_its_proof() -> None:
    (note,) = json.loads(rendered(samples.noted(), form="json"))["notes"]
    assert note["code"] == "KR313"
    assert len(note["evidence"]) == len(samples.one_of_each_evidence())


def test_names_know_nothing_of_it() -> None:
    assert "KR313" not in rendered(samples.noted(), form="name")
