"""The forms know every fact and every subject there is, so that a new one needs no entry here."""

from __future__ import annotations

import typing

import msgspec
import pytest

from kubectl_refused.decoders import converted
from kubectl_refused.model import facts as f
from kubectl_refused.model.facts import Fact, Need
from kubectl_refused.model.gaps import Absent, Gap
from kubectl_refused.model.objects import Metadata, Namespace
from kubectl_refused.model.snapshot import Change, Coverage
from kubectl_refused.model.target import Depth, Target, Vantage
from kubectl_refused.recordings.bundle import packed, unpacked
from kubectl_refused.recordings.forms import value_type
from kubectl_refused.recordings.transcript import Learnt, Recording, Round, Transcript

SUBJECTS: dict[str, tuple[object, ...]] = {
    "namespace": ("shop",), "name": ("web",), "pod": ("web-1",), "container": ("web",), "previous": (True,),
    "host": ("10.0.0.1",), "port": (80,), "at": ("pod/a",), "speaks": ("http",), "address": ("::1",),
    "labels": ((("app", "web"), ("tier", "x")),), "kind": ("Job",), "path": ("/api",),
    "patch": ("{}",), "type": ("a",),
}  # fmt: skip


@pytest.mark.parametrize("fact", f.ALL, ids=lambda fact: fact.name)
def test_a_type_of_values_is_known(fact: Fact[typing.Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        converted(1, value_type(fact))


@pytest.mark.parametrize("key", f.Key.__subclasses__())
def test_every_subject_comes_back(key: typing.Any) -> None:
    need = Need(f.NAMESPACE, key(*(SUBJECTS[name][0] for name in key.__struct_fields__)))
    value = Namespace(metadata=Metadata(name="shop", labels={"a": "b"}))
    gap, absent = Gap("a", "b", "c"), Absent("namespace x", "not found")
    learnt = (Learnt(need, value, (gap,), (absent,)), Learnt(need, absent))
    read = (Change(1.5, value=value), Change(2.0, covered=Coverage("Pod", "shop", "a=b")), Change(3.0, gap=absent))
    where = Vantage("client", "shop", "n1", "deploy/a", (("a", "b"),), "10.0.0.2", "deploy/a", "control")
    one = Transcript(Target("web", "shop", "80"), read, (Vantage(""),), (Round(learnt, (where,)),), (gap,))
    recording = Recording("1.2.3", "kind-dev", Depth.ALL, (one,))
    again = unpacked(packed(recording), "b.tgz")
    assert again == recording
    assert type(again.transcripts[0].rounds[0].learnt[1].value) is Absent
    assert again.taken == 3.0
