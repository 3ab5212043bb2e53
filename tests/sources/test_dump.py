"""Dumps of `kubectl cluster-info dump`: folder and text, what they prove, what they lack, and hostile ones."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_refused.errors import ManifestProblem
from kubectl_refused.model import facts as f
from kubectl_refused.model.facts import ContainerKey, Fact, NodeKey, PodKey, WorkloadKey
from kubectl_refused.model.gaps import Gap
from kubectl_refused.model.snapshot import Snapshot, fold
from kubectl_refused.model.target import Depth, Target
from kubectl_refused.pipeline import diagnose
from kubectl_refused.probes.prober import Prober
from kubectl_refused.sources import dump_files
from kubectl_refused.sources.dump import DumpSource
from kubectl_refused.sources.dump_facts import DumpFacts
from kubectl_refused.sources.dump_files import folder_dump, is_dump, is_dump_text, logs_of, text_dump
from tests.fakes import ask, probe_context

STAMP = "2026-11-20T10:00:00Z"
TARGET = Target("web", "shop")


def listed(kind: str, *items: Any) -> str:
    """A List as kubectl prints it."""
    version = "apps/v1" if kind in ("Deployment", "ReplicaSet") else "v1"
    return json.dumps({"kind": f"{kind}List", "apiVersion": version, "items": list(items)}, indent=4)


def meta(name: str, *owner: str, **more: Any) -> dict[str, Any]:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    return {"name": name, "namespace": "shop", "ownerReferences": owners, "creationTimestamp": STAMP, **more}


def pod(name: str, ready: str = "True", phase: str = "Running", address: str = "10.0.0.1") -> dict[str, Any]:
    spec = {"containers": [{"name": "web", "ports": [{"name": "http", "containerPort": 8080}]}], "nodeName": "n1"}
    status = {"phase": phase, "podIP": address, "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": meta(name, "ReplicaSet", "web-1", labels={"app": "web"}), "spec": spec, "status": status}


SERVICE = {
    "metadata": meta("web"),
    "spec": {"clusterIP": "10.96.0.9", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
}
BARE = {"metadata": meta("bare"), "spec": {"clusterIP": "10.96.0.8", "ports": [{"port": 80}]}}
EVENT = {
    "metadata": meta("e1"),
    "involvedObject": {"kind": "Pod", "name": "web-1-a", "namespace": "shop"},
    "message": "failed, password=hunter2",
}
NODE = {"metadata": {"name": "n1"}, "status": {"addresses": [{"type": "InternalIP", "address": "10.1.0.1"}]}}
MARK = "==== {} logs for container web of pod shop/web-1-a ====\n"
LOG = MARK.format("START") + "{}\n" + MARK.format("END")
LISTS = {
    "services": listed("Service", SERVICE, BARE),
    "pods": listed(
        "Pod", pod("web-1-a"), pod("web-1-b", "False", address="10.0.0.2"), pod("done", phase="Failed")
    ),
    "events": listed("Event", EVENT),
    "deployments": listed("Deployment", {"metadata": meta("web")}),
    "replicasets": listed("ReplicaSet", {"metadata": meta("web-1", "Deployment", "web")}),
    "replication-controllers": listed("ReplicationController"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dump of namespace shop."""
    (tmp_path / "shop" / "web-1-a").mkdir(parents=True)
    (tmp_path / "nodes.json").write_text(listed("Node", NODE))
    for name, text in LISTS.items():
        (tmp_path / "shop" / f"{name}.json").write_text(text)
    (tmp_path / "shop" / "web-1-a" / "logs.txt").write_text(LOG.format("listening token=abc\x1b[31m"))
    return tmp_path


def text(log: str = "listening") -> bytes:
    """The same on stdout."""
    return "\n".join([listed("Node", NODE), *LISTS.values(), LOG.format(log)]).encode()


def taken(source: DumpSource, target: Target = TARGET) -> Snapshot:
    return fold(source.read(target), origin=source.origin)


def asked(source: DumpSource, fact: Fact[Any], subject: Any) -> Any:
    (value,) = ask(DumpFacts(source), probe_context(snapshot=taken(source)), fact, subject)
    return value


def test_both_forms_say_the_same(folder: Path) -> None:
    assert is_dump(str(folder))
    assert is_dump_text(text())
    one, other = DumpSource(folder_dump(str(folder))), DumpSource(text_dump(text(), "stdin"))
    assert taken(one).objects == taken(other).objects
    assert taken(one).coverage == taken(other).coverage
    assert taken(one).taken == datetime.fromisoformat(STAMP).timestamp()
    assert one.services() == [("shop", "web"), ("shop", "bare")]
    assert asked(one, f.LOG, ContainerKey("shop", "web-1-a", "web")).lines == ("listening token=***",)
    assert asked(other, f.LOG, ContainerKey("shop", "web-1-a", "web")).lines == ("listening",)


def test_slices_are_worked_out(folder: Path) -> None:
    snapshot = taken(DumpSource(folder_dump(str(folder))))
    service = snapshot.service("shop", "web")
    assert service is not None
    (part,) = snapshot.slices_of(service)
    assert [(p.name, p.port) for p in part.ports or ()] == [("", 8080)]
    told = [(e.addresses, e.conditions.ready, e.target_ref and e.target_ref.name) for e in part.endpoints or ()]
    assert told == [(("10.0.0.1",), True, "web-1-a"), (("10.0.0.2",), False, "web-1-b")]
    assert snapshot.read("EndpointSlice", "shop")
    assert [g.what for g in snapshot.gaps] == ["EndpointSlices"]


def test_what_is_not_in_it_is_no_absence(folder: Path) -> None:
    source = DumpSource(folder_dump(str(folder)))
    bare = taken(source, Target("bare", "shop"))
    assert not bare.read("EndpointSlice", "shop")
    assert bare.gaps[-1].because == "a dump has none, and without a selector nothing tells what they hold"
    assert taken(source, Target("web", "other")).gaps[-1] == Gap("namespace other", "the dump holds shop")
    assert not taken(source).read("Service", "other")


@pytest.mark.parametrize(
    ("fact", "subject", "names"),
    [
        (f.PODS_IN, f.NamespaceKey("shop"), ["web-1-a", "web-1-b", "done"]),
        (f.WORKLOADS_IN, f.NamespaceKey("shop"), ["web", "web-1"]),
        (f.EVENTS, PodKey("shop", "web-1-a"), ["e1"]),
        (f.EVENTS, PodKey("shop", "web-1-b"), []),
        (f.EVENTS_OF, WorkloadKey("shop", "Pod", "web-1-a"), ["e1"]),
        (f.REPLICA_SETS, PodKey("shop", "web-1-a"), ["web-1"]),
        (f.NODES, f.ClusterKey(), ["n1"]),
    ],
)
def test_facts(fact: Fact[Any], subject: Any, names: list[str], folder: Path) -> None:
    found = asked(DumpSource(folder_dump(str(folder))), fact, subject)
    assert [value.metadata.name for value in found] == names


def test_single_facts(folder: Path) -> None:
    source = DumpSource(folder_dump(str(folder)))
    assert asked(source, f.WORKLOAD, PodKey("shop", "web-1-a")).kind == "Deployment"
    assert asked(source, f.NODE, NodeKey("n1")).metadata.name == "n1"
    assert asked(source, f.HOLDER, f.AddressKey("10.0.0.2")).name == "web-1-b"
    (event,) = asked(source, f.EVENTS, PodKey("shop", "web-1-a"))
    assert event.message == "failed, password=***"


@pytest.mark.parametrize(
    ("fact", "subject", "because"),
    [
        (f.PODS_IN, f.NamespaceKey("other"), "namespace other is not in the dump"),
        (f.POLICIES_IN, f.NamespaceKey("shop"), "a dump has none"),
        (f.SLICES_IN, f.NamespaceKey("shop"), "a dump has none"),
        (f.NAMESPACE, f.NamespaceKey("shop"), "a dump does not hold it"),
        (f.NAMESPACES, f.ClusterKey(), "a dump has none"),
        (f.CONFIG_MAP, f.ConfigMapKey("shop", "web"), "a dump has none"),
        (f.NODE, NodeKey("n2"), "the dump does not hold it"),
        (f.HOLDER, f.AddressKey("10.9.9.9"), "the dump does not tell"),
        (f.LOG, ContainerKey("shop", "web-1-b", "web"), "the dump does not hold it"),
        (f.LOG, ContainerKey("shop", "web-1-a", "web", previous=True), "a dump has no logs of earlier runs"),
        (f.WORKLOAD, PodKey("shop", "gone"), "nothing made it, it stands for itself"),
        (f.REPLICA_SETS, PodKey("shop", "gone"), "no Deployment made it"),
    ],
)
def test_gaps(fact: Fact[Any], subject: Any, because: str, folder: Path) -> None:
    assert asked(DumpSource(folder_dump(str(folder))), fact, subject).because == because


def test_a_healthy_one_is_complete(folder: Path) -> None:
    source = DumpSource(folder_dump(str(folder)))
    prober = Prober([DumpFacts(source)], probe_context(depth=Depth.NONE), deepest=Depth.NONE)
    told = diagnose(TARGET, source, prober, depth=Depth.NONE)
    assert (told.root, told.complete) == (None, True)
    assert [p.vantage for p in told.paths] == ["the objects alone"]


def test_odd_objects_and_broken_files(folder: Path) -> None:
    (folder / "shop" / "pods.json").write_text(listed("Pod", {"metadata": 1}, pod("web-1-a")))
    gaps = taken(DumpSource(folder_dump(str(folder)))).gaps
    assert gaps[0].what == f"a Pod in {folder}/shop/pods.json, number 1"
    assert "it does not read as a Pod" in gaps[0].because
    for broken, says in (
        ('{\n"kind": "PodList",\n"items": [}', r"pods.json:3: not valid JSON"),
        ("[" * 100_000, "pods.json:1: not valid JSON: it nests too deep"),
        ("\xff", "pods.json:1: not valid JSON"),
        ('{"items": 1}', "pods.json: no list of objects"),
    ):
        (folder / "shop" / "pods.json").write_text(broken, encoding="latin-1")
        with pytest.raises(ManifestProblem, match=says) as caught:
            taken(DumpSource(folder_dump(str(folder))))
        assert caught.value.message.isprintable()


def test_nothing_outside_of_the_folder_is_read(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "logs.txt").write_text(LOG.format("secret"))
    (outside / "services.json").write_text(listed("Service"))
    (folder / "there").symlink_to(outside)
    (folder / "shop" / "web-1-b").symlink_to(outside)
    assert folder_dump(str(folder)).namespaces == {"shop"}
    assert ("shop", "web-1-b") not in folder_dump(str(folder)).logs
    log = folder / "shop" / "web-1-a" / "logs.txt"
    log.unlink()
    log.symlink_to(outside / "logs.txt")
    with pytest.raises(ManifestProblem, match=r"logs\.txt is no file"):
        asked(DumpSource(folder_dump(str(folder))), f.LOG, ContainerKey("shop", "web-1-a", "web"))
    (folder / "shop" / "jobs.json").symlink_to("/dev/zero")
    assert folder_dump(str(folder)).parts


def test_a_pipe_does_not_hang_and_a_large_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(folder / "pipe")
    assert not is_dump(str(folder / "pipe"))
    os.mkfifo(folder / "shop" / "jobs.json")
    assert "jobs.json" not in str([part.name for part in folder_dump(str(folder)).parts])
    monkeypatch.setattr(dump_files, "LARGEST_FILE", 100)
    with pytest.raises(ManifestProblem, match="is larger than 0 MiB; dump fewer with --namespaces"):
        folder_dump(str(folder))


def test_a_log_may_hold_anything() -> None:
    end, start = (
        "==== END logs for container db of pod shop/web-1-a ====",
        "==== START logs for container x of pod a/b",
    )
    files = text_dump(text(f"{end}\n{{\n}}\n{start}"), "stdin")
    assert len(files.parts) == 1 + len(LISTS)
    (cut,) = logs_of(b"==== START logs for container a of pod b/c ====\nno end")
    assert cut == (("b", "c", "a"), b"no end")
    second = listed("Node", NODE).count("\n") + 2
    assert [part.name for part in files.parts[:2]] == ["stdin:1", f"stdin:{second}"]


@given(st.binary(max_size=200), st.booleans())
def test_any_text_is_a_dump_or_one_line(data: bytes, within: bool) -> None:
    whole = text(data.decode("latin-1")) if within else text() + b"\n{\n" + data + b"\n}\n"
    message = ""
    try:
        taken(DumpSource(text_dump(whole, "stdin")))
    except ManifestProblem as problem:
        message = problem.message
    assert message.isprintable()
