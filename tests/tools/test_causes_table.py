"""docs/causes.md and the list of live causes follow from the catalogue and the live suite."""

from __future__ import annotations

import json
import subprocess
import sys

from kubectl_refused.causes import catalogue
from kubectl_refused.causes.proofs import made_live, proven_by
from tools.causes_table import DOCUMENT, LISTED, document, live_names

OLD = "is old: run `make docs`"


def test_the_document_is_the_catalogues() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(live_names()), f"{DOCUMENT.name} {OLD}"


def test_the_list_of_live_causes_is_the_live_suites() -> None:
    assert LISTED.read_text(encoding="utf-8").split() == live_names(), f"{LISTED.name} {OLD}"


def test_every_live_cause_exists_and_objects_are_always_heard() -> None:
    assert made_live() <= {cause.slug for cause in catalogue()}
    assert all(proven_by(cause)[0] == "objects" for cause in catalogue())


def test_the_command_tells_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_refused", "causes", "-o", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {row["code"]: row for row in json.loads(done.stdout)}
    for cause in catalogue():
        told = rows[cause.code]
        assert (told["name"], told["hop"]) == (cause.slug, cause.hop)
        assert told["provenBy"] == list(proven_by(cause))
        assert told["test"] == ("live" if cause.slug in made_live() else "recorded")
