"""The probe agent's program text, ready for a command line or for standard input, in its two forms.

Linux takes at most 128 KiB for one argument (MAX_ARG_STRLEN in linux/binfmts.h) and the text is stored in
the Job, so comments, docstrings and annotations are left out. An exec request has its command in the URL,
which some load balancers cut at 8 KiB: there the program and its arguments are read from standard input.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence
from importlib import resources

# No site-packages, no environment, and nothing from the working directory: an application's json.py would run.
PYTHON = ("python3", "-S", "-I", "-c")
PROGRAM = "refused"  # $0 of the script in messages
# For an image of which only the name is known: the same fixed words, the choice is made inside.
EITHER = """p=$1; s=$2; shift 2
command -v python3 >/dev/null && exec python3 -S -I -c "$p" "$@"
exec sh -c "$s" refused "$@\""""
# Standard input is the shell form, the arguments (one a line) and the Python form; the numbers are their bytes.
# The alarm is for an input that never comes: a process in somebody's container must end by itself.
STDIN_STARTER = """import signal,sys
signal.alarm(30)
a,b,c=map(int,sys.argv[1:])
r=sys.stdin.buffer.read
r(a)
sys.argv[1:]=r(b).decode().split("\\n")[:-1]
p=r(c)
if len(p)<c: sys.exit("the program was cut short")
exec(p)"""
# `read` of every shell takes a pipe byte by byte, so nothing is lost, and it needs no head or dd in the image.
# What it reads becomes positional parameters: no host is ever part of a program's text.
STDIN_STARTER_SHELL = """l=$1; a=$2; p=; shift 2
[ $# -gt 0 ] && command -v python3 >/dev/null && exec python3 -S -I -c "$@"
(trap 'kill -9 $!; wait; exit' TERM; i=0
while [ $i -lt 30 ] && kill -0 $$; do sleep 1 & wait $!; i=$((i+1)); done; kill $$) </dev/null >/dev/null 2>&1 &
while [ $l -gt 0 ]; do IFS= read -r x || exit 1; p="$p$x
"; l=$((l-1)); done
set --
while [ $a -gt 0 ]; do IFS= read -r x || exit 1; set -- "$@" "$x"; a=$((a-1)); done
{ kill $!; wait $!; } 2>/dev/null
exec sh -c "$p" refused "$@" 3<&0 </dev/null"""


@functools.cache
def packed_source() -> str:
    """The Python form, for `python3 -c`."""
    return ast.unparse(_Packer().visit(ast.parse(_text("probe_agent.py"))))


@functools.cache
def shard_source() -> str:
    """The agent with what dials for a large scan behind it: one program, which begins in the latter."""
    agent = _without_main(_Packer().visit(ast.parse(_text("probe_agent.py"))))
    shards = _Packer().visit(ast.parse(_text("shard_agent.py")))
    return f"{ast.unparse(agent)}\n{ast.unparse(shards)}"


@functools.cache
def shell_source() -> str:
    """The reduced form, for `sh -c` with nc."""
    lines = _text("probe_agent.sh").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))


def stdin_argv(arguments: Sequence[str], *, form: str = "either") -> tuple[list[str], bytes]:
    """The command line that starts the agent with its program on standard input, and that input.

    `form` is python (no shell is needed), shell, or either: the image decides. The command line is the same for
    all arguments and under 1.5 KiB, also in a URL's encoding. ValueError for an argument of several lines.
    """
    if any("\n" in argument or "\0" in argument for argument in arguments):
        raise ValueError("an argument of the agent has a line break")
    shell = b"" if form == "python" else f"{shell_source()}\n".encode()
    words = "".join(f"{argument}\n" for argument in arguments).encode()
    python = b"" if form == "shell" else packed_source().encode()
    start = [STDIN_STARTER, *(str(len(part)) for part in (shell, words, python))]
    if form == "python":
        return [*PYTHON, *start], words + python
    lines = [str(shell.count(b"\n")), str(len(arguments))]
    return ["sh", "-c", STDIN_STARTER_SHELL, PROGRAM, *lines, *(start if python else [])], shell + words + python


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _without_main(module: ast.Module) -> ast.Module:
    """Without its last statement, which is what runs it."""
    return ast.Module(module.body[:-1], [])


class _Packer(ast.NodeTransformer):
    """Leaves out what only people and type checkers read."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop docstrings."""
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """Drop what only annotations use (typing takes a third of the start) and what is in the same program."""
        ours = (node.module or "").startswith("kubectl_refused")
        return None if ours or node.module in ("typing", "__future__") else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Drop the return annotation."""
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Drop an argument's annotation."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """`name: type = value` without the type."""
        assert node.value is not None
        return ast.copy_location(ast.Assign([node.target], node.value, lineno=node.lineno), node)
