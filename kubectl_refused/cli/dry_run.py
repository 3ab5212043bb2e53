"""`--dry-run`: print every object that the diagnosis would create as YAML, and create, dial and change nothing.

It is the diagnosis itself with a Sender that only reads (rehearsal.py), so what is printed is what a run sends.
A run may do less: what it learns on the way can prove the fault before anything has to be created.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import unquote

from msgspec.structs import replace

from kubectl_refused.errors import UsageProblem, shown
from kubectl_refused.model.facts import FORWARD, HANDSHAKE, LISTENERS, Dial, FactStore, Need, PodKey, PodPort
from kubectl_refused.model.objects import Pod
from kubectl_refused.model.snapshot import Snapshot
from kubectl_refused.model.target import HERE, Target
from kubectl_refused.patterns import lazily
from kubectl_refused.probes.methods import live_methods

from .exit_codes import NO_FAULT
from .grounds import ClusterGround, Say
from .rehearsal import Deed, RehearsalSender
from .request import Request
from .run import DiagnosisJob
from .supervise import supervise

if TYPE_CHECKING:
    from kubectl_refused.pipeline import Learner

_MOST_WORDS = 3  # of a command line in a comment: the rest is our own program's text
_ONE_LINE = 1 << 30  # cells: the emitter folds no string
_OBJECT = lazily(r"/(?P<kind>\w+)s/(?P<name>[^/]+)(/(?P<rest>\w+)/?)?$")


def dry_run(request: Request) -> int:
    """Print and return 0. Raises UsageProblem for an output format or a file, as there is no report."""
    if request.output not in ("", "yaml"):
        raise UsageProblem(f"--dry-run writes YAML, not {shown(request.output)}", "leave --output out")
    if request.reports:
        raise UsageProblem("--dry-run makes no report", "leave --report or --dry-run out")
    return supervise(DryRunJob(request, sys.stdout), verbose=request.verbose)


class DryRunJob:
    """A dry run as supervise.Job: a diagnosis whose report goes nowhere."""

    def __init__(self, request: Request, out: TextIO) -> None:
        self._request, self._out = request, out
        self._senders: list[RehearsalSender] = []
        self._diagnosis = DiagnosisJob(
            replace(request, output="name"), io.StringIO(), None if request.files else self._ground
        )

    def work(self) -> int:
        """Rehearse, and print what was held back."""
        self._diagnosis.work()
        self._out.write("".join(written(self._senders)))
        self._out.flush()
        return NO_FAULT

    def cancel(self) -> None:
        """End all requests."""
        self._diagnosis.cancel()

    def clean_up(self, deadline: float) -> None:
        """Nothing was created."""

    def going(self) -> Sequence[str]:
        """Nothing: no command is run in a container."""
        return ()

    def left(self) -> Sequence[str]:
        """Nothing was created."""
        return ()

    def _ground(self, request: Request) -> ClusterGround:
        ground = _DryRunGround(request)
        self._senders.append(ground.sender)
        return ground


class _DryRunGround(ClusterGround):
    """A cluster that is only read."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.sender = RehearsalSender(self.connection)
        self.connection.sender = self.sender

    def prober(self, target: Target, say: Say) -> Learner:
        """One that asks more than the diagnosis comes to ask, and does not dial from this machine."""
        methods = [method for method in live_methods(self.depth) if method.name != HERE]
        self._methods.setdefault(target.namespace, methods)
        curious: Any = _Curious(super().prober(target, say), self.sender)
        return curious  # type: ignore[no-any-return]  # it has all that a Learner has

    def spare_connection(self) -> Any:
        """The same one: a clone would send in earnest."""
        return self.connection


class _Curious:
    """A Learner that asks for the sockets too of each pod that is dialled, as after a dial that is refused."""

    def __init__(self, prober: Learner, sender: RehearsalSender) -> None:
        self._prober, self._sender = prober, sender

    def learn(self, needs: Iterable[Need], snapshot: Snapshot, facts: FactStore) -> list[tuple[Need, Any]]:
        """What it learns; the further questions are asked for their traces alone."""
        asked = list(needs)
        learnt = self._prober.learn(asked, snapshot, facts)
        dials: list[Dial] = [need.subject for need in asked if need.fact is HANDSHAKE]
        for dial in dials:
            if dial.at == HERE:
                self._sender.note(Deed("dial from this machine", f"{dial.host} {dial.port}"))
        self._prober.learn(_after_refusals(dials, snapshot), snapshot, facts)
        return learnt

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prober, name)


def _after_refusals(dials: Sequence[Dial], snapshot: Snapshot) -> Iterator[Need]:
    """The needs of causes that a refused dial brings up."""
    pods = {
        pod.status.pod_ip: pod.metadata
        for pod in snapshot.objects.values()
        if isinstance(pod, Pod) and pod.status and pod.status.pod_ip
    }
    for dial in dials:
        if meta := pods.get(dial.host):
            yield Need(LISTENERS, PodKey(meta.namespace, meta.name))
            yield Need(FORWARD, PodPort(meta.namespace, meta.name, dial.port))


def written(senders: Sequence[RehearsalSender]) -> Iterator[str]:
    """Yield YAML documents for the objects, then all else as comments."""
    if not any(sender.creates for sender in senders):
        yield "# Nothing would be created.\n"
    for sender in senders:
        yield from (f"---\n{_yaml(create.body)}" for create in sender.creates)
        yield from (_commented(line) for line in sender.forbidden)
        if sender.deeds:
            yield "# Besides, as far as it is needed:\n"
        yield from (_commented(line) for deed in sender.deeds for line in _told(deed))


def _told(deed: Deed) -> Iterator[str]:
    """The lines that tell one deed."""
    thing = _object(deed.path)
    words = [value for key, value in deed.query if key == "command"]
    ports = "".join(f":{value}" for key, value in deed.query if key == "ports")
    if words:
        command = " ".join("…" if "\n" in word else word for word in words[:_MOST_WORDS])
        yield f"{deed.verb} in {thing}: {command}{' …' if len(words) > _MOST_WORDS else ''}"
    elif deed.verb == "proxy":
        yield f"one GET / to {thing} through the API server's proxy"
    else:
        yield f"{deed.verb} to {thing}{ports}" if ports else f"{deed.verb} {thing}"
    if deed.body is not None:
        yield from (f"  {line}" for line in _yaml(deed.body).splitlines())


def _object(path: str) -> str:
    """`pod/web` for its API path, `pod/web/ephemeralcontainers` where that is what is patched."""
    match = _OBJECT.search(path)
    if match is None:
        return path
    rest = f"/{match['rest']}" if match["rest"] == "ephemeralcontainers" else ""
    return f"{match['kind']}/{unquote(match['name'])}{rest}"


def _commented(line: str) -> str:
    """The line as a comment, without what would end it or steer a terminal."""
    plain = (c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)
    return f"# {''.join(plain)}\n"


def _yaml(body: Any) -> str:
    """One object, in ASCII escapes: the objects are of our making, but names in them may be others'."""
    import yaml

    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    dumper = type("_Dumper", (base,), {})
    dumper.add_representer(str, _as_block)  # type: ignore[attr-defined]
    text: str = yaml.dump(body, Dumper=dumper, sort_keys=False, width=_ONE_LINE)
    return text


def _as_block(dumper: Any, text: str) -> Any:
    """Programs line by line, as people write them."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
