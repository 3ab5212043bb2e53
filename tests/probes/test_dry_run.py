"""What the server says against the patch is an answer, what it says against us is a Gap."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import ApiProblem, Forbidden, NotFound
from kubectl_refused.model.facts import DRY_RUN, PatchKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.observation import DryRun
from kubectl_refused.probes.dry_run import ServerDryRun
from tests.fakes import FakeConnection, ask, forbidden, probe_context

PATH = "/api/v1/namespaces/shop/services/web"


def told(answer: Any, patch: str = '{"spec":{"selector":null}}') -> tuple[Any, FakeConnection]:
    fake = FakeConnection({PATH: answer})
    (value,) = ask(ServerDryRun(), probe_context(fake), DRY_RUN, PatchKey(PATH, patch))
    return value, fake


def test_a_patch_is_sent_as_a_dry_run_only() -> None:
    value, fake = told({})
    assert value == DryRun(True)
    assert fake.patched == [(PATH, {"spec": {"selector": None}}, "application/merge-patch+json", True)]


@pytest.mark.parametrize("kind", ["application/strategic-merge-patch+json", "application/json-patch+json"])
def test_a_patch_is_sent_as_what_it_is(kind: str) -> None:
    fake = FakeConnection({PATH: {}})
    ask(ServerDryRun(), probe_context(fake), DRY_RUN, PatchKey(PATH, "[]", kind))
    assert fake.patched == [(PATH, [], kind, True)]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (ApiProblem(422, "Invalid", "port: \x1b[1mInvalid value"), "port: Invalid value"),
        (ApiProblem(400, "BadRequest", "strict decoding error"), "strict decoding error"),
        (NotFound("services", "web", 'services "web" not found'), 'services "web" not found'),
        (Forbidden("patch", "services", "shop", "denied by policy", by_admission=True), "denied by policy"),
    ],
)
def test_what_the_server_says_against_the_patch_is_told(answer: Exception, message: str) -> None:
    value, _ = told(answer)
    assert isinstance(value, DryRun)
    assert not value.accepted
    assert value.message.startswith(message[:5])
    assert "\x1b" not in value.message


@pytest.mark.parametrize(
    ("answer", "patch"),
    [
        (forbidden("patch", "services"), "{}"),
        (ApiProblem(500, "InternalError", "webhook failed"), "{}"),
        (ApiProblem(429, "TooManyRequests", "slow down"), "{}"),
        (ApiProblem(404, "", "<html>", from_api_server=False), "{}"),
        ({}, "not json"),
    ],
)
def test_what_says_nothing_of_the_patch_is_a_gap(answer: Any, patch: str) -> None:
    value, _ = told(answer, patch)
    assert isinstance(value, Gap)
    assert value.what == "a server-side dry run of the fix"
