"""`kubectl refused scan`: every Service of a namespace or of the cluster in one table, the broken ones first."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.options import CONNECTION, SCAN


def _run(words: Sequence[str], values: Values) -> int:
    """Scan; raises UsageProblem."""
    import sys

    from kubectl_refused.cli.choices import check_choices

    check_choices(values, COMMAND.options)  # before what objects need is loaded
    from kubectl_refused.cli.scan_request import scan_request_of
    from kubectl_refused.cli.scanning import ScanJob
    from kubectl_refused.cli.supervise import supervise

    request = scan_request_of(values, COMMAND.options, containers=bool(words))
    if words:
        from kubectl_refused.cli.scanning_containers import ContainerScanJob

        return supervise(ContainerScanJob(request, sys.stdout), verbose=request.verbose)
    return supervise(ScanJob(request, sys.stdout), verbose=request.verbose)


COMMAND = Command(
    "scan",
    "Diagnose every Service of a namespace (-A: of all), and tell what is broken first.",
    "docker",
    SCAN + CONNECTION,
    _run,
    details="""
    A Service that is called scan is asked about as svc/scan.

    scan docker does the same with every container of the engine, and needs no cluster.

    With -f manifests are scanned instead of a cluster: helm template CHART | kubectl refused scan -f -

    Probe pods are started in the namespace scanned, with -A in the context's, and shared by all dials.

    To ignore a cause: --ignore, the annotation refused.dev/ignore: CAUSE[,CAUSE] on the Service, its pods or
    their workload, or a rule in .kubectl-refused.yaml:
      ignore:
        - cause: listens-on-loopback
          namespace: e2e-*
          service: debug-*
          reason: only reached by port-forward
          until: 2027-01-31

    Exit codes:
      0   no fault at the depth asked, or none but what is ignored or idle on purpose
      1   a fault was proved; with --fail-on likely also a likely one, with --fail-on any whatever is not well
      2   wrong usage, or a rule that is none
      3   something fails or could not be judged, and nothing that is to fail the scan
      4   no cluster or no credentials
      70  the program itself failed
      130 or 143 on Ctrl-C or SIGTERM
    """,
    known=("docker", "podman"),
)
