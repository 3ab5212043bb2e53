"""The words of a command line: every form kubectl takes, and one clear line for everything else."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kubectl_refused.errors import UsageProblem
from kubectl_refused.model.target import Target
from kubectl_refused.resolve.entrances import entrance_kind
from kubectl_refused.resolve.grammar import check_namespace, parse
from kubectl_refused.resolve.kinds import OTHER_KINDS, is_service
from kubectl_refused.resolve.pods import pods_kind


def _parsed(*words: str) -> list[str]:
    return [str(target) for target in parse(words, namespace="shop")]


def _problem(*words: str) -> str:
    with pytest.raises(UsageProblem) as caught:
        parse(words, namespace="shop")
    return caught.value.message


@pytest.mark.parametrize(
    "words",
    [
        ("svc/web:80",),
        ("service/web:80",),
        ("services/web:80",),
        ("Service/web:80",),
        ("svc.v1./web:80",),
        ("services./web:80",),
        ("Service.v1./web:80",),
        ("svc", "web:80"),
        ("services.v1.", "web:80"),
        ("web:80",),
        ("web:0080",),
        ("svc/web:80", "service/web:80"),
    ],
)
def test_every_form_of_one_target(words: tuple[str, ...]) -> None:
    assert _parsed(*words) == ["svc/web:80"]


def test_a_port_by_name_and_no_port() -> None:
    assert _parsed("svc/web:http-admin", "svc/api") == ["svc/web:http-admin", "svc/api"]
    assert parse(["svc/api"], namespace="shop")[0].port is None


def test_several_names_keep_their_order() -> None:
    assert _parsed("svc", "web", "api:1") == ["svc/web", "svc/api:1"]
    assert _parsed("web", "api:65535") == ["svc/web", "svc/api:65535"]


def test_namespace_and_kubectl_end_in_the_target() -> None:
    (target,) = parse(["web"], namespace="shop", kubectl="kubectl --context kind-dev")
    assert (target.namespace, target.kubectl) == ("shop", "kubectl --context kind-dev")


def test_a_service_may_be_called_like_a_kind() -> None:
    assert _parsed("ingress") == ["svc/ingress"]
    assert _parsed("svc/svc") == ["svc/svc"]


@pytest.mark.parametrize(
    ("words", "wrong", "instead"),
    [
        (["svc/a/b"], "may not have more than one slash", "svc/NAME"),
        (["svc", "svc/b"], "'svc' has no kind and 'svc/b' has one", "every target as svc/NAME"),
        (["a", "svc/b"], "'a' has no kind", "every target as svc/NAME"),
        (["cm/x"], "cm is a ConfigMap", "Service in front of x"),
        (["pod/"], "'pod/' has no name of a Pod", "type pod/NAME or pod/NAME:PORT"),
        (["deploy/web:"], "nothing follows the colon of 'deploy/web:'", "type deploy/NAME:PORT"),
        (["sts/web:99999"], "'99999' is no port", "a number or the name of a container's port"),
        (["pod/Web"], "has no name of a Pod", "type pod/NAME"),
        (["cronjobs.v1.batch/x"], "is a CronJob", "svc/NAME"),
        (["scv/web"], "'scv' is no kind", "did you mean svc/web?"),
        (["sevice/web:80"], "'sevice' is no kind", "did you mean svc/web:80?"),
        (["foo/web"], "'foo' is no kind", "type svc/NAME"),
        (["services.v1/web"], "no version or group 'v1'", "type svc/web"),
        (["svc.serving.knative.dev/web"], "no version or group", "type svc/web"),
        (["svc,pod/web"], "several kinds", "svc/NAME"),
        (["svc/"], "lacks its name", "svc/NAME"),
        (["/web"], "lacks its kind", "svc/NAME"),
        (["svc"], "names a kind but no Service", "svc/NAME"),
        (["Web"], "no capitals", "svc/web"),
        (["web.shop.svc"], "but a DNS name", "svc/web -n shop"),
        (["foo://web/"], "has no port", "foo://HOST:PORT"),
        (["svc/web", "docker/web"], "are not in one place", "ask about each by itself"),
        (["web:"], "nothing follows the colon", "svc/web:PORT"),
        (["web:0"], "port 0 is not between 1 and 65535", "svc/web:PORT"),
        (["web:65536"], "not between", "PORT"),
        (["web:-1"], "not between", "PORT"),
        (["web:٣"], "'٣' is no port", "PORT"),
        (["web:80:81"], "'80:81' is no port", "PORT"),
        (["web:HTTP"], "'HTTP' is no port", "the name of a port"),
        (["-web"], "'-web' is no Service name", "svc/NAME"),
        (["a" * 64], "is no Service name", "at most 63"),
        ([""], "empty", "svc/NAME"),
        (["svc/\x1b[31mred"], r"'\x1b[31mred' is no Service name", "svc/NAME"),
        (["svc/\udcff"], r"'\udcff'", "svc/NAME"),
        (["svc/web\n"], r"'web\n'", "svc/NAME"),
    ],
)
def test_what_is_wrong_and_what_to_type_instead(words: list[str], wrong: str, instead: str) -> None:
    message = _problem(*words)
    assert wrong in message.partition("; ")[0]
    assert instead in message.partition("; ")[2]


def test_too_many_targets() -> None:
    assert "1001 targets are too many" in _problem(*["web"] * 1001)


@pytest.mark.parametrize(
    "word",
    sorted(
        {word for words in OTHER_KINDS.values() for word in words if not (pods_kind(word) or entrance_kind(word))}
    ),
)
def test_every_other_kind_is_named(word: str) -> None:
    assert f"{word} is a " in _problem(f"{word}/x")
    assert not is_service(word)


LABEL = st.from_regex(re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII), fullmatch=True)
PORT = st.none() | st.integers(1, 65535).map(str) | LABEL.filter(lambda text: not text.isdigit())


@given(st.lists(st.tuples(LABEL, PORT), min_size=1, max_size=5))
def test_what_is_printed_is_understood(pairs: list[tuple[str, str | None]]) -> None:
    words = [f"svc/{name}" + (f":{port}" if port else "") for name, port in pairs]
    assert _parsed(*words) == list(dict.fromkeys(words))


HOSTILE = st.text(max_size=200) | st.text("svc/:.web0-,\x00\x1b\u202e{} ", max_size=20)


@given(st.lists(HOSTILE, max_size=4))
@example(["svc/" + "\x1b" * 1000])
@example(["svc/web:" + "9" * 5000])
def test_hostile_words_end_in_one_printable_line(words: list[str]) -> None:
    message: str = ""
    targets: tuple[Target, ...] = ()
    try:
        targets = parse(words, namespace="shop")
    except UsageProblem as problem:
        message = problem.message
    assert message.isprintable()
    assert len(message) < 3000
    assert all(re.fullmatch(r"[-a-z0-9]{1,63}", target.name) for target in targets)


@pytest.mark.parametrize("name", ["", "Shop", "a/b", "a.b", "../x", "a" * 64, "\x00"])
def test_no_namespace(name: str) -> None:
    with pytest.raises(UsageProblem, match="is no namespace name"):
        check_namespace(name)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pod/web-0"], ["pod/web-0"]),
        (["po/web-0:0080", "deployments.apps/web:http"], ["pod/web-0:80", "deploy/web:http"]),
        (["deploy", "web", "cart:80"], ["deploy/web", "deploy/cart:80"]),
        (["StatefulSet.v1.apps/db", "svc/db:5432"], ["sts/db", "svc/db:5432"]),
    ],
)
def test_pods_and_workloads_are_targets(words: list[str], told: list[str]) -> None:
    found = parse(words, namespace="shop")
    assert [str(target) for target in found] == told
    assert {target.namespace for target in found} == {"shop"}


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("webhook/check.shop.example", "webhook/check.shop.example"),
        ("validatingwebhookconfigurations.admissionregistration.k8s.io/check", "webhook/check"),
        ("apiservice/v1beta1.metrics.k8s.io", "apiservice/v1beta1.metrics.k8s.io"),
    ],
)
def test_what_the_api_server_calls_is_a_target(word: str, told: str) -> None:
    assert [str(target) for target in parse([word], namespace="shop")] == [told]
