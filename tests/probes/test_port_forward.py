"""What the runtime's text about a dial to localhost means."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_refused.connection.errors import Forbidden
from kubectl_refused.connection.port_forward import ForwardResult
from kubectl_refused.model.facts import FORWARD, SEARCH, PodPort
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.snapshot import Change, fold
from kubectl_refused.probes.base import ProbeContext
from kubectl_refused.probes.port_forward import PortForward
from tests.fakes import ask, forbidden, probe_context
from tests.scenery import pod

KEY = PodPort("shop", "web-1", 8080)
# Word for word from containerd 1.6 on Kubernetes 1.34.
REFUSED = (
    "error forwarding port 7777 to pod d295793f52ba, uid : failed to execute portforward in network namespace "
    '"/run/containerd/io.containerd.grpc.v1.cri/netns/cni-421f": failed to connect to localhost:7777 inside '
    'namespace "d295793f52ba", IPv4: dial tcp4 127.0.0.1:7777: connect: connection refused IPv6 dial tcp6: '
    "address localhost: no suitable address found"
)


REFUSAL = ForwardResult(False, REFUSED, b"", 0.02)


def told(result: ForwardResult | Exception, control: ForwardResult = REFUSAL) -> Any:
    """What is made of a dial that ends so; `control` is how port 1 ends."""

    def dial(*words: Any) -> ForwardResult:
        if words[3] == 1:
            return control
        if isinstance(result, Exception):
            raise result
        return result

    context = probe_context()
    (answer,) = ask(PortForward(dial), context, FORWARD, KEY)
    # What the API server refused never touched the pod.
    silent = isinstance(result, ForwardResult) and result.connected and not result.first_bytes
    touched = [] if isinstance(result, Forbidden) else ["port-forward to pod/web-1:8080"]
    touched += ["port-forward to pod/web-1:1, a control"] if silent else []
    assert context.ledger.entries == tuple((what, "closed") for what in touched)
    return answer


def test_a_port_that_answers_is_accepted() -> None:
    answer = told(ForwardResult(True, None, b"", 0.5))
    assert (answer.outcome, answer.host, answer.port, answer.witness) == (
        Outcome.ACCEPTED, "localhost", 8080, "port-forward",
    )  # fmt: skip


def test_an_app_that_speaks_needs_no_control() -> None:
    answer = told(ForwardResult(True, None, b"220 mail", 0.1), control=ForwardResult(True, None, b"", 0.5))
    assert answer.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("control", "says"),
    [
        (ForwardResult(True, None, b"", 0.5), "port 1, where nobody listens, is accepted too"),
        (ForwardResult(False, "the tunnel is gone", b"", 0.5), "was not refused (the tunnel is gone)"),
    ],
)
def test_silence_is_no_accept_where_a_control_is_not_refused(control: ForwardResult, says: str) -> None:
    answer = told(ForwardResult(True, None, b"", 0.5), control)
    assert isinstance(answer, Gap)
    assert answer.because.startswith("its silence is no accept: ")
    assert says in answer.because


def test_one_control_serves_all_ports_of_a_pod() -> None:
    dialled: list[int] = []

    def dial(*words: Any) -> ForwardResult:
        dialled.append(words[3])
        return REFUSAL if words[3] == 1 else ForwardResult(True, None, b"", 0.5)

    keys = [PodPort("shop", "web-1", port) for port in (80, 81, 82)]
    assert [a.outcome for a in ask(PortForward(dial), probe_context(), FORWARD, *keys)] == [Outcome.ACCEPTED] * 3
    assert sorted(dialled) == [1, 80, 81, 82]


def recorded(pod: Pod) -> ProbeContext:
    """A context whose snapshot has the pod."""
    return probe_context(snapshot=fold([Change(0, value=pod)]))


@pytest.mark.parametrize(
    ("spec", "outcome", "says"),
    [
        ({"runtimeClassName": "gvisor"}, REFUSAL, "gVisor, whose sockets are not in the network namespace"),
        ({"runtimeClassName": "kata-qemu"}, REFUSAL, "Kata Containers, whose sockets"),
        ({"os": {"name": "windows"}}, REFUSAL, "a Windows node"),
        ({"nodeName": "virtual-kubelet-aci"}, REFUSAL, "a virtual node"),
    ],
)
def test_where_the_runtime_dials_elsewhere_a_refusal_tells_nothing(
    spec: dict[str, Any], outcome: ForwardResult, says: str
) -> None:
    (answer,) = ask(PortForward(lambda *_: outcome), recorded(pod(spec=spec)), FORWARD, KEY)
    assert isinstance(answer, Gap)
    assert says in answer.because


def test_a_search_dials_what_the_pod_mentions_first_and_is_told_in_one_line() -> None:
    web = pod(container={"args": ["--port=3100"], "ports": [{"containerPort": 7000}]})
    context = recorded(web)

    def dial(*words: Any) -> ForwardResult:
        return ForwardResult(True, None, b"", 0.5) if words[3] == 3100 else REFUSAL

    (found,) = ask(PortForward(dial), context, SEARCH, KEY)
    assert found.tried[:2] == (3100, 7000)
    assert KEY.port not in found.tried
    assert found.accepted == (3100,)
    ((touch, _),) = context.ledger.entries
    assert touch.startswith(f"port-forward to {len(found.tried)} ports of pod/web-1 (3100, 7000, ")


def test_a_search_in_which_everything_accepts_proves_nothing() -> None:
    (gap,) = ask(PortForward(lambda *_: ForwardResult(True, None, b"", 0.5)), recorded(pod()), SEARCH, KEY)
    assert isinstance(gap, Gap)
    assert "an accept proves nothing" in gap.because


def test_a_refusal_keeps_the_part_that_tells() -> None:
    answer = told(ForwardResult(False, REFUSED, b"", 0.02))
    assert answer.outcome is Outcome.REFUSED
    assert answer.detail.startswith("IPv4: dial tcp4 127.0.0.1:7777: connect: connection refused")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("dial tcp4 127.0.0.1:1: i/o timeout", Outcome.TIMEOUT),
        ("dial tcp4 127.0.0.1:1: connect: connection timed out", Outcome.TIMEOUT),
        ("dial tcp4 127.0.0.1:1: connect: no route to host", Outcome.UNREACHABLE),
        ("dial tcp4 127.0.0.1:1: connect: network is unreachable", Outcome.UNREACHABLE),
        ("dial tcp4 127.0.0.1:1: connect: operation not permitted", Outcome.DENIED),
        # socat, of CRI-O and of older dockershims.
        ("socat[1] E connect(5, AF=2 127.0.0.1:1, 16): Connection refused", Outcome.REFUSED),
    ],
)
def test_other_endings(error: str, outcome: Outcome) -> None:
    assert told(ForwardResult(False, error, b"", 0.1)).outcome is outcome


@pytest.mark.parametrize(
    ("result", "because"),
    [
        (ForwardResult(False, "\x1b[31mthe sandbox is gone", b"", 0.1), "the sandbox is gone"),
        (ForwardResult(False, None, b"", 0.1), "it ended without an answer"),
        (forbidden("create", "pods/portforward"), "forbidden: create pods/portforward in namespace shop"),
    ],
)
def test_what_is_no_answer_of_the_dial_is_a_gap(result: Any, because: str) -> None:
    answer = told(result)
    assert isinstance(answer, Gap)
    assert answer.because == because
