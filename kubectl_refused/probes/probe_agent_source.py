"""The probe agent's program text, ready for a command line, in its two forms.

Linux takes at most 128 KiB for one argument (MAX_ARG_STRLEN in linux/binfmts.h) and the text is stored in
the Job, so comments, docstrings and annotations are left out.
"""

from __future__ import annotations

import ast
import functools
from importlib import resources

# No site-packages and no environment: starts faster and imports nothing but the library.
PYTHON = ("python3", "-S", "-E", "-c")
# Runs the program of process 1, whose fifth word it is.
AGAIN = 'exec(open("/proc/1/cmdline").read().split("\\0")[4])'
PROGRAM = "refused"  # $0 of the script in messages
# For an image of which only the name is known: the same fixed words, the choice is made inside.
EITHER = """p=$1; s=$2; shift 2
command -v python3 >/dev/null && exec python3 -S -E -c "$p" "$@"
exec sh -c "$s" refused "$@\""""


@functools.cache
def packed_source() -> str:
    """The Python form, for `python3 -c`."""
    return ast.unparse(_Packer().visit(ast.parse(_text("probe_agent.py"))))


@functools.cache
def shell_source() -> str:
    """The reduced form, for `sh -c` with nc."""
    lines = _text("probe_agent.sh").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


class _Packer(ast.NodeTransformer):
    """Leaves out what only people and type checkers read."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop docstrings."""
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """Drop what only annotations use; typing alone takes a third of the start."""
        return None if node.module in ("typing", "__future__") else node

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
