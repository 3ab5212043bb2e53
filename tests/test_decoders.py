"""Threads may decode one class for the first time at once, which msgspec alone does not survive."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import kubectl_refused

PACKAGE = Path(kubectl_refused.__file__).parent
RUNS = 8
RACE = """
import sys, threading
sys.setswitchinterval(1e-6)
from kubectl_refused.decoders import converted, decoded
from kubectl_refused.model import objects
start = threading.Barrier(8)
def work():
    start.wait()
    for kind in (objects.Workload, objects.Pod, objects.Service, objects.Event):
        assert decoded(b'{"kind": "x", "metadata": {"name": "a"}}', kind).metadata.name == "a"
        assert converted({"kind": "x", "metadata": {"name": "a"}}, kind).metadata.name == "a"
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("decoded")
"""


def test_first_uses_at_once_crash_nothing() -> None:
    for _ in range(RUNS):
        done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, "decoded\n"), done.stderr


def test_nothing_else_decodes_to_a_type() -> None:
    """`msgspec.json.decode(…, type=…)`, `msgspec.convert` and decoders stand in decoders.py alone."""
    offenders = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path.name != "decoders.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (
            node.func.attr in ("convert", "Decoder")
            or (node.func.attr == "decode" and any(word.arg == "type" for word in node.keywords))
        )
    ]
    assert offenders == []
