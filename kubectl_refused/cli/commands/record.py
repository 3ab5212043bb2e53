"""`kubectl refused record svc/NAME -o FILE`: diagnose, and write what was read and seen, to be replayed."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_refused.cli.command import Command, Values
from kubectl_refused.cli.options import CONNECTION, RECORD
from kubectl_refused.errors import UsageProblem


def _run(words: Sequence[str], values: Values) -> int:
    """Record; raises UsageProblem."""
    import sys

    if not words:
        raise UsageProblem("no Service is named", "type svc/NAME")
    if values["bundle"] in (None, "", "-"):
        raise UsageProblem("no file is named to record to", "add -o FILE, such as -o refused.tgz")
    from kubectl_refused.cli.recording_jobs import RecordJob
    from kubectl_refused.cli.request import request_of
    from kubectl_refused.cli.supervise import supervise

    request = request_of(words, {**values, "output": ""}, COMMAND.options)
    if any(not target.is_service for target in request.targets):
        raise UsageProblem("only Services are recorded", "type svc/NAME")
    job = RecordJob(request, sys.stdout, values["bundle"], overwrite=bool(values["overwrite"]))
    return supervise(job, verbose=request.verbose)


COMMAND = Command(
    "record",
    "Diagnose, and write all that was read and seen into a file that replays the verdict without the cluster.",
    "svc/NAME[:PORT]",
    RECORD + CONNECTION,
    _run,
    details="""
    A Service that is called record is asked about as svc/record.

    To replay it, anywhere:  kubectl refused --recording FILE

    Masked before it is judged and written: values of variables but for ports and addresses, secrets in command
    lines, logs and messages, annotations that hold whole objects. Names, labels, addresses, images and the last
    lines of logs are in it. Only its owner may read the file; one that exists stays unless --overwrite is given.

    Exit codes are those of a diagnosis; 70 also where it found no fault and the file could not be written.
    """,
)
