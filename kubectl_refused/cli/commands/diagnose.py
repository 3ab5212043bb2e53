"""`kubectl refused svc/NAME`: why a connection to a Service does not work. Runs when no word names a command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from kubectl_refused.cli.command import BY_ITSELF, Command, Values, program_name
from kubectl_refused.cli.options import CONNECTION, DIAGNOSIS


def _check(words: Sequence[str], values: Values) -> None:
    """Raise UsageProblem for the slips that are easiest to make, before all that objects need is loaded."""
    from kubectl_refused.cli.choices import check_choices
    from kubectl_refused.resolve.grammar import parse

    check_choices(values, COMMAND.options)
    parse(words, namespace=values.get("namespace") or "", kubectl="kubectl")


def _run(words: Sequence[str], values: Values) -> int:
    """Diagnose; raises UsageProblem."""
    if values["version"]:
        from kubectl_refused.cli.version import write_version

        return write_version()
    _check(words, values)
    from kubectl_refused.cli.request import request_of
    from kubectl_refused.cli.run import run
    from kubectl_refused.resolve.places import ask_which

    if program_name(sys.argv[0]) == BY_ITSELF:
        ask_which(words)
    return run(request_of(words, values, COMMAND.options))


COMMAND = Command(
    name="",
    summary="Say why a Kubernetes Service refuses TCP connections, who refuses, and the one change that mends it.",
    words="svc/NAME[:PORT]",
    options=DIAGNOSIS + CONNECTION,
    run=_run,
    details="""
    Targets:
      svc/web  svc/web:80  svc/web:http  service/web  svc web cart  web
      pod/web-0  pod/web-0:8080  deploy/web  deploy/web:http  sts/db:5432  ds/agent  rs/web-5774c76d5b  job/serve
      Pods are dialled at their own addresses, past every Service; without :PORT at the ports they declare.
      10.0.0.7:5432  db.internal:5432  localhost:8080  [::1]:80  :8080  https://example.com
      A host and port is dialled from here; of this machine its sockets, services and rules are looked at.
      ingress/NAME, gateway/NAME, httproute/NAME and so on: every rule, and the Services behind them.
      webhook/NAME and apiservice/NAME: what the API server itself calls, and the Services behind them.
      Without :PORT every TCP port is diagnosed. With -f and no target, every Service in the files.

    Other commands:
      scan      diagnose every Service of a namespace, or of all with -A
      record    diagnose, and write a file that replays the verdict: --recording FILE
      run       run a command, and if it fails say why its connections did: kubectl refused run -- COMMAND
      -         trace the addresses of an error text: kubectl logs POD | kubectl refused -
      causes    list every cause that can be found
      explain   print the manual page of a cause: kubectl refused explain KR403
      listen    list the listening sockets of this machine
      cleanup   remove what killed runs left in the cluster

    Defaults:
      KUBECTL_REFUSED_PROBE=none (and so for other options), or in .kubectl-refused.yaml here:
      defaults: {probe: none, output: wide}

    Exit codes:
      0   no fault at the depth asked, which the report states
      1   a fault was proved
      2   wrong usage
      3   it fails or could not be judged, and no cause is proved
      4   no cluster or no credentials
      70  the program itself failed
      130 or 143 on Ctrl-C or SIGTERM
    """,
)
