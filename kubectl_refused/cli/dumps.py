"""Which ground files make: manifests, or a dump of `kubectl cluster-info dump`."""

from __future__ import annotations

import io
import sys

from kubectl_refused.errors import ManifestProblem, shown
from kubectl_refused.sources.base import Source
from kubectl_refused.sources.dump import DumpSource
from kubectl_refused.sources.dump_facts import DumpFacts
from kubectl_refused.sources.dump_files import DumpFiles, folder_dump, is_dump, is_dump_text, text_dump
from kubectl_refused.sources.manifests import STDIN, read_bounded, read_file

from .grounds import FilesGround
from .request import Request


class DumpGround(FilesGround):
    """A dump: nothing is dialled, created or asked."""

    def __init__(self, request: Request, files: DumpFiles) -> None:
        super().__init__(request)
        source = DumpSource(files)
        self.source: Source = source
        self._files, self._method = source, DumpFacts(source)


def files_ground(request: Request) -> FilesGround:
    """The ground of what -f names. Raises ManifestProblem."""
    data = read_bounded(sys.stdin.buffer, "stdin") if STDIN in request.files else None
    dumps = [name for name in request.files if (is_dump_text(data or b"") if name == STDIN else is_dump(name))]
    if not dumps:
        return FilesGround(request, io.BytesIO(data) if data is not None else None)
    if len(request.files) > 1:
        raise ManifestProblem(f"{shown(dumps[0])} is a dump of a cluster", "give it alone: -f DUMP")
    return DumpGround(request, _dump(dumps[0], data))


def _dump(name: str, data: bytes | None) -> DumpFiles:
    if name == STDIN:
        return text_dump(data or b"", "stdin")
    from os.path import isdir

    return folder_dump(name) if isdir(name) else text_dump(read_file(name), shown(name))
