"""Reports as the judge makes them, one for each way a diagnosis can end."""

from __future__ import annotations

from typing import Any

from kubectl_refused.model.evidence import (
    Certainty,
    EventEvidence,
    Evidence,
    Fix,
    LogEvidence,
    NearestEvidence,
    ObjectEvidence,
    PacketEvidence,
    SocketEvidence,
    TrialEvidence,
    WitnessEvidence,
)
from kubectl_refused.model.observation import Outcome
from kubectl_refused.model.report import (
    Cell,
    Changed,
    Diagnosis,
    DiagnosisList,
    DialTold,
    GapTold,
    Hop,
    Matrix,
    MatrixRow,
    Note,
    Path,
    Root,
    Step,
    Touched,
)

PATCH = {"spec": {"selector": {"app": "cart", "tier": "c0re"}}}
COMMAND = """kubectl patch svc/cart -p '{"spec":{"selector":{"app":"cart","tier":"c0re"}}}' -n shop"""


def one_of_each_evidence() -> tuple[Evidence, ...]:
    """Every kind of evidence, once."""
    pod = "web-7d9f-x7k2p"
    return (
        ObjectEvidence(
            witness="api server",
            subject="service/web",
            says="the Service sends port 80 to 8080",
            field="spec.ports[].targetPort",
            value=8080,
        ),
        NearestEvidence(
            witness="api server",
            subject="deployment/web-blue",
            says="3 pods, differs in tier",
            differs={"tier": ("core", "c0re"), "track": ("stable", None)},
        ),
        SocketEvidence(
            witness="exec",
            subject=f"pod/{pod}",
            says=f"127.0.0.1:8080 LISTEN in {pod}, nothing on 10.202.1.9 or 0.0.0.0",
            listeners=("127.0.0.1:8080",),
            process="httpd (pid 1)",
        ),
        PacketEvidence(
            witness="probe-pod (a pod on node2)",
            subject="10.202.1.9:8080",
            says="10.202.1.9:8080 answered RST in 0.2 ms",
            address="10.202.1.9:8080",
            outcome="refused",
            seconds=0.0002,
        ),
        LogEvidence(
            witness="api server", subject=f"pod/{pod}", says="the last line before it exited", line="bind: in use"
        ),
        EventEvidence(
            witness="api server",
            subject=f"pod/{pod}",
            says="Back-off restarting failed container",
            reason="BackOff",
        ),
        WitnessEvidence(
            witness="port-forward",
            subject=f"pod/{pod}",
            says="port-forward to 8080 works, because it dials localhost inside the pod",
        ),
        TrialEvidence(
            witness="probe-pod",
            subject="10.202.1.9:8081",
            says="10.202.1.9:8081 was dialled: accepted",
            worked=True,
        ),
    )


def loopback() -> Root:
    """KR403, with sockets, packet and witness, and no command that could mend it."""
    by_kind = {e.__struct_config__.tag: e for e in one_of_each_evidence()}
    return Root(
        code="KR403",
        name="listens-on-loopback",
        certainty=Certainty.PROVED,
        where="port 8080 of pod/web-7d9f-x7k2p",
        says="httpd (pid 1) is on 127.0.0.1:8080",
        headline="the app listens on 127.0.0.1 only",
        evidence=(by_kind["sockets"], by_kind["packet"], by_kind["witness"]),
        fix=Fix(
            summary="in deployment/web, container web: httpd -p 127.0.0.1:8080 → httpd -p 0.0.0.0:8080",
            owner="deployment/web",
        ),
    )


def selector(certainty: Certainty = Certainty.PROVED) -> Root:
    """KR201, with a command that mends it."""
    return Root(
        code="KR201",
        name="selector-matches-nothing",
        certainty=certainty,
        where="service/cart",
        says="app=cart, tier=core; 0 of 14 pods carry both",
        headline="its selector matches no pod",
        evidence=(
            ObjectEvidence(
                witness="api server",
                subject="service/cart",
                says="selector app=cart, tier=core; 0 of 14 pods carry both",
                field="spec.selector",
                value={"app": "cart", "tier": "core"},
            ),
            NearestEvidence(
                witness="api server",
                subject="deployment/cart",
                says="deployment/cart has tier=c0re, 3 pods",
                differs={"tier": ("core", "c0re")},
            ),
            TrialEvidence(
                witness="api server", subject="service/cart", says="server-side dry run accepted", worked=True
            ),
        ),
        fix=Fix(
            summary="Select tier=c0re (svc/cart)",
            command=COMMAND,
            patch=PATCH,
            owner="Helm release cart (revision 7, 12 minutes ago): change the chart, or the patch is undone",
        ),
    )


def unready() -> Root:
    """A fault that shows once the root is mended."""
    return Root(
        code="KR301",
        name="readiness-probe-wrong-port",
        certainty=Certainty.LIKELY,
        where="pod/cart-1",
        says="the readiness probe asks port 8081, the app listens on 8080",
        headline="the readiness probe asks port 8081",
        evidence=(),
        fix=Fix(summary="Set readinessProbe.httpGet.port to 8080 (deployment/cart)"),
    )


def hops(*parts: tuple[str, str] | tuple[str, str, str]) -> tuple[Hop, ...]:
    """Hops from (label, status, note), behind the client."""
    roles: tuple[Any, ...] = ("entrance", "endpoints", "endpoint", "process")
    told = [
        Hop(role=role, label=part[0], status=part[1], note="".join(part[2:]))  # type: ignore[arg-type]
        for role, part in zip(roles, parts, strict=False)
    ]
    return (Hop(role="client", label="client", status="start"), *told)


def path(outcome: Outcome, root: Root | None = None, **fields: Any) -> Path:
    """A path to port 80 from a pod on node2."""
    told: dict[str, Any] = {
        "vantage": "a pod on node2",
        "entrance": "10.96.0.10:80",
        "port": "80",
        "family": "IPv4",
        "chain": (),
        "hops": (),
    }
    return Path(outcome=outcome, root=root, **(told | fields))


def diagnosis(*paths: Path, target: str = "svc/web:80", **fields: Any) -> Diagnosis:
    """A diagnosis in kind-dev's namespace shop whose first path is the worst."""
    told: dict[str, Any] = {
        "context": "kind-dev",
        "namespace": "shop",
        "depth": "packets",
        "outcome": paths[0].outcome,
        "root": paths[0].root,
        "gaps": (),
        "touched": (),
        "changed": (),
    }
    return Diagnosis(target=target, paths=paths, **(told | fields))


GAP = GapTold(what="NetworkPolicy", because="may not list networkpolicies in shop", remedy="grant the verb list")
JOB = Touched(what="job/refused-4f2a", undone="created and deleted")
ROLLOUT = Changed(
    what="deployment/web",
    says="image web:1.3 → web:1.4",
    at="2026-03-01T11:56:00Z",
    age=240,
    by="helm",
    revision=7,
)
RESTART = Changed(what="pod/web-1", says="container web restarted", at="2026-03-01T09:00:00Z", age=10800)


def refused() -> Diagnosis:
    """The example of the design: the app is bound to loopback."""
    drawn = hops(
        ("svc/web:80", "ok"),
        ("2 of 2 pods ready", "ok"),
        ("10.202.1.9:8080", "broken", "RST  httpd (pid 1) is on 127.0.0.1:8080"),
    )
    dial = DialTold(address="10.202.1.9:8080", outcome=Outcome.REFUSED, seconds=0.0002, witness="probe-pod")
    told = path(Outcome.REFUSED, loopback(), hops=drawn, dials=(dial,))
    return diagnosis(told, gaps=(GAP,), touched=(JOB,), changed=(ROLLOUT, RESTART))


def led() -> Diagnosis:
    """An Ingress in front: the whole way, with names as long as they may be."""
    long = "shop-" * 12
    steps = [
        ("url", f"{long}.example/cart", "start", "", ""),
        ("dns", "192.0.2.10", "ok", "probe-pod", f"{long}.example resolves"),
        ("address", "192.0.2.10", "ok", "object", "an address in its status"),
        ("entrance", f"ingress/{long}", "ok", "object", "class nginx"),
        ("rule", f"{long}.example/", "ok", "object", "spec.rules[0].http.paths[0].backend is svc/web:80"),
        ("service", "svc/web:80", "ok", "probe-pod", "RST, from behind it"),
        ("slice", "endpointslice/web-1", "ok", "object", "1 of 1 pods ready"),
        ("pod", "pod/web-1 10.202.1.9:8080", "ok", "probe-pod", "RST, from behind it"),
    ]
    way = [Step(role=r, label=n, status=s, witness=w, says=t) for r, n, s, w, t in steps]  # type: ignore[arg-type]
    last = Step(role="process", label="httpd (pid 1) on 127.0.0.1:8080", status="broken", note=loopback().says)
    told = path(Outcome.REFUSED, loopback(), rule=f"{long}.example/", way=(*way, last))
    return diagnosis(told, target=f"ingress/{long}", target_kind="Ingress")


def rejected() -> Diagnosis:
    """The example of the design: no endpoints, with a fault behind the root."""
    note = "ICMP port unreachable from the service proxy of node1 (10.202.1.1)"
    drawn = hops(("svc/cart:80", "ok"), ("no endpoints", "broken", note))
    one = path(Outcome.REJECTED, selector(), chain=(unready(),), hops=drawn, vantage="a pod on node1")
    return diagnosis(one, target="svc/cart:80")


def works() -> Diagnosis:
    """A healthy target."""
    one = path(Outcome.ACCEPTED, summary="3 of 3 endpoints accepted, 0.3 ms", vantage="a pod on node1")
    return diagnosis(one, target="svc/api:80", touched=(JOB,))


def noted() -> Diagnosis:
    """It works, and there is something to say."""
    note = Note(
        code="KR313",
        name="policy-not-enforced",
        certainty=Certainty.PROVED,
        where="networkpolicy/closed",
        says="NetworkPolicy closed does not let the probe in on port 8080, and its dial was accepted",
        evidence=one_of_each_evidence(),
        advice="Use a network plugin that enforces NetworkPolicies",
    )
    return diagnosis(works().paths[0], target="svc/api:80", notes=(note,))


def offline() -> Diagnosis:
    """Manifests alone, and a fault that they prove."""
    drawn = hops(("svc/cart:80", "ok"), ("web", "broken", "app=cart, tier=core; no pod template carries both"))
    one = path(Outcome.UNTRIED, selector(), hops=drawn, vantage="the files alone")
    return diagnosis(one, target="svc/cart:80", context="", depth="objects")


def quiet() -> Diagnosis:
    """Objects alone, no fault in them."""
    return diagnosis(path(Outcome.UNTRIED, vantage="the objects alone"), target="svc/x:80", depth="objects")


def suspected() -> Diagnosis:
    """A likely cause only, and nothing dialled."""
    return diagnosis(path(Outcome.UNTRIED, selector(Certainty.LIKELY)), target="svc/cart:80", depth="objects")


def unknown() -> Diagnosis:
    """Nothing could be learnt."""
    gap = GapTold(what="Endpoints", because="may not list endpointslices in shop")
    return diagnosis(path(Outcome.UNKNOWN), gaps=(gap,), complete=False)


def unexplained() -> Diagnosis:
    """It times out and nobody knows why."""
    drawn = hops(("svc/web:80", "ok"), ("2 of 2 pods ready", "ok"), ("10.202.1.9:8080", "broken", "no answer"))
    return diagnosis(path(Outcome.TIMEOUT, hops=drawn), gaps=(GAP,), complete=False)


def several() -> Diagnosis:
    """Two ports and two families: one fault twice, another one once, and a healthy path."""
    broken = refused().paths[0]
    other = path(Outcome.REJECTED, selector(), port="443", hops=rejected().paths[0].hops, chain=(unready(),))
    fine = path(Outcome.ACCEPTED, port="9090", summary="2 of 2 endpoints accepted, 0.4 ms")
    return diagnosis(fine, broken, path(Outcome.REFUSED, loopback(), family="IPv6"), other, target="svc/web")


OK, OUT, RST = (Cell(outcome=outcome) for outcome in (Outcome.ACCEPTED, Outcome.TIMEOUT, Outcome.REFUSED))


def row(name: str, address: str, *cells: Cell, owner: str = "", entrance: bool = False) -> MatrixRow:
    """One address as the vantages saw it."""
    return MatrixRow(address=address, name=name, cells=cells, owner=owner, entrance=entrance)


def matrix(vantages: tuple[str, ...], sentence: str, *rows: MatrixRow) -> Matrix:
    """A table for port 80 in IPv4."""
    return Matrix(port="80", family="IPv4", vantages=vantages, rows=rows, sentence=sentence)


def now_and_then() -> Diagnosis:
    """One client, an endpoint that fails now and then, and nobody knows why."""
    flaky = Cell(outcome=Outcome.REFUSED, heard={"refused": 1, "reset": 1, "accepted": 4})
    fine, bad = Cell(outcome=Outcome.ACCEPTED, heard={"accepted": 6}), "web-7d9f-x7k2p"
    seen = matrix(
        ("a pod on node1",),
        f"1 of 2 endpoints refuses now and then: pod/{bad} of Deployment web",
        row("svc/web:80", "10.96.0.10:80", fine, entrance=True),
        row(f"pod/{bad}", "10.202.1.9:8080", flaky, owner="Deployment web"),
        row("pod/web-7d9f-9qq4c", "10.202.1.10:8080", fine, owner="Deployment web"),
    )
    drawn = hops(("svc/web:80", "ok"), ("2 of 2 pods ready", "ok"), ("10.202.1.9:8080", "broken", "RST"))
    one = path(Outcome.MIXED, hops=drawn, vantage="a pod on node1")
    return diagnosis(one, matrices=(seen,), touched=(JOB,))


def three_clients() -> Diagnosis:
    """Three clients, of which one is kept out."""
    places = (
        "inside pod/cart-5b6f on node1",
        "inside pod/till-77cd on node2",
        "a pod like deploy/report on node2",
    )
    pods = (
        (f"pod/web-7d9f-{word}", f"10.202.1.{at}:8080") for at, word in enumerate(("x7k2p", "9qq4c", "m2n5z"), 9)
    )
    seen = matrix(
        places,
        "only from deploy/report: all 3 endpoints time out",
        row("svc/web:80", "10.96.0.10:80", OK, OK, OUT, entrance=True),
        *(row(*pod, OK, OK, OUT, owner="Deployment web") for pod in pods),
    )
    fine = [path(Outcome.ACCEPTED, vantage=place, summary="3 of 3 endpoints accepted") for place in places[:2]]
    kept_out = path(Outcome.TIMEOUT, hops=hops(("svc/web:80", "broken", "no answer")), vantage=places[2])
    return diagnosis(kept_out, *fine, matrices=(seen,))


def twelve_nodes() -> Diagnosis:
    """Every node of twelve: a dead proxy on two of them, a Job's pods that listen nowhere, and a lost endpoint."""
    nodes = [f"ip-10-0-{number}-17.eu-central-1.compute.internal" for number in range(1, 13)]
    entrance = [OUT if number in (4, 9) else OK for number in range(1, 13)]
    seen = matrix(
        tuple(f"a pod on {node}" for node in nodes),
        "2 of 6 endpoints refuse: both belong to Job migrate; from ip-10-0-3-17: 1 of 6 endpoints times out: "
        "pod/web-6 of Deployment web; from ip-10-0-4-17, ip-10-0-9-17: the Service's own address fails",
        row("svc/web:80", "10.96.0.10:80", *entrance, entrance=True),
        *(row(f"pod/migrate-{x}", f"10.202.9.{x}:8080", *[RST] * 12, owner="Job migrate") for x in (1, 2)),
        *(row(f"pod/web-{x}", f"10.202.9.{x}:8080", *[OK] * 12, owner="Deployment web") for x in (3, 4, 5)),
        row("pod/web-6", "10.202.9.6:8080", OK, OK, OUT, *[OK] * 9, owner="Deployment web"),
    )
    ends = [Outcome.TIMEOUT if cell is OUT else Outcome.MIXED for cell in entrance]
    told = [path(end, vantage=f"a pod on {node}") for node, end in zip(nodes, ends, strict=True)]
    return diagnosis(*told, matrices=(seen,))


def everything() -> DiagnosisList:
    """All of them."""
    made = (refused, rejected, works, offline, quiet, suspected, unknown, unexplained, several)
    compared = (now_and_then, three_clients, twelve_nodes)
    return DiagnosisList(items=tuple(make() for make in (*made, *compared)))
