"""Start a cause: its file and its case folder, with everything in place but the thought.

    make new-cause HOP=process NAME=listens_on_loopback CODE=KR403

Writes kubectl_refused/causes/HOP/NAME.py and tests/cases/HOP/NAME/; touches no existing file. The
tests are red until the cause finds its case and stays silent on the healthy twin.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Template

from kubectl_refused import __version__
from kubectl_refused.causes import HOPS, catalogue

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
CODE = re.compile(r"KR[1-9]\d\d")

CAUSE = Template('''"""$title.

Why it refuses:
    What the packet meets, and who answers it.
Confirm:
    kubectl get service NAME -o yaml    # what to look at there
Fix:
    The one change, in the imperative.
See:
    https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_refused.causes import Scope, Symptom, cause
from kubectl_refused.model.evidence import Certainty, Finding, Fix, ObjectEvidence
from kubectl_refused.model.scene import Scene


@cause("$code", scope=Scope.ROUTE, produces=Symptom.NO_ENDPOINTS, since="$since")
def $name(scene: Scene) -> Iterator[Finding]:
    """Yield when …: say here, in one line, what must hold."""
    if scene.service is None:
        return
    subject = f"svc/{scene.service.metadata.name}"
    yield Finding(
        where=subject,
        says="the two values that clash, in the present tense",
        headline="the same, as the end of a sentence that starts with the Service's name",
        certainty=Certainty.PROVED,
        evidence=(ObjectEvidence(witness="object", subject=subject, says="what the object says", field="spec"),),
        fix=Fix(summary="Change this one thing"),
    )
''')

OBJECTS = Template("""# $about
# As an API server gives them, pods with their status: `kubectl get -o yaml` of the real thing, shortened.
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec:
  clusterIP: 10.96.0.80
  clusterIPs: [10.96.0.80]
  ipFamilies: [IPv4]
  ports:
    - { port: 80, protocol: TCP, targetPort: 8080 }
  selector: { app: web }
  type: ClusterIP
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-x1
  namespace: shop
  labels: { kubernetes.io/service-name: web }
addressType: IPv4
endpoints:
  - addresses: [10.202.1.2]
    conditions: { ready: true, serving: true, terminating: false }
    nodeName: node1
    targetRef: { kind: Pod, name: web-1, namespace: shop }
ports:
  - { name: "", port: 8080, protocol: TCP }
---
apiVersion: v1
kind: Pod
metadata:
  name: web-1
  namespace: shop
  labels: { app: web }
spec:
  nodeName: node1
  containers:
    - name: web
      image: localhost/busybox:1
      command: [httpd, -f, -p, "8080"]
status:
  phase: Running
  podIP: 10.202.1.2
  podIPs: [{ ip: 10.202.1.2 }]
  conditions:
    - { type: Ready, status: "True" }
""")

EXPECT = Template("""# The root of refused.yaml; healthy.yaml has none. Other findings are open.
target: svc/web
namespace: shop
root: $slug
""")


class Refused(Exception):
    """The words do not name a new cause; the text says why."""


def main(words: Sequence[str]) -> int:
    """Write the files and name them, or say why not."""
    parser = argparse.ArgumentParser(prog="make new-cause")
    parser.add_argument("--hop", required=True, help=f"one of {', '.join(HOPS)}")
    parser.add_argument("--name", required=True, help="the fault in full words, such as listens_on_loopback")
    parser.add_argument("--code", required=True, help="its code, such as KR403")
    arguments = parser.parse_args(words)
    try:
        check(arguments.hop, arguments.name, arguments.code)
        for path in write(ROOT, arguments.hop, arguments.name, arguments.code):
            print(path.relative_to(ROOT))
    except Refused as reason:
        print(f"error: {reason}", file=sys.stderr)
        return 2
    print("Next: break refused.yaml, write the cause and its manual, then `make check`. See CONTRIBUTING.md.")
    return 0


def check(hop: str, name: str, code: str) -> None:
    """Raise Refused unless hop, name and code are well-formed and the last two are new."""
    if hop not in HOPS:
        raise Refused(f"HOP={hop}: want one of {', '.join(HOPS)}")
    if not NAME.fullmatch(name):
        raise Refused(
            f"NAME={name}: want the fault in full words, joined by underscores, such as listens_on_loopback"
        )
    if not CODE.fullmatch(code):
        raise Refused(f"CODE={code}: want KR and three digits, such as KR403")
    for known in catalogue():
        if code in known.codes:
            raise Refused(f"CODE={code} is {known.name}'s; `kubectl refused causes` lists all")
        if known.name == name:
            raise Refused(f"NAME={name} is there already, as {known.code} in {known.hop}/")


def write(root: Path, hop: str, name: str, code: str) -> list[Path]:
    """Write the cause and its case below `root`; the paths, in the order to read them."""
    values = {
        "name": name,
        "code": code,
        "slug": name.replace("_", "-"),
        "title": name.replace("_", " ").capitalize(),
        "since": ".".join(__version__.split(".")[:2]),
    }
    case = root / "tests" / "cases" / hop / name
    files = {
        root / "kubectl_refused" / "causes" / hop / f"{name}.py": CAUSE.substitute(values),
        case / "refused.yaml": OBJECTS.substitute(about="The fault, and nothing else that is wrong."),
        case / "healthy.yaml": OBJECTS.substitute(about="The same after the fix."),
        case / "expect.yaml": EXPECT.substitute(values),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise Refused(f"{path.relative_to(root)} is there already")
        path.write_text(text)
    return list(files)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
