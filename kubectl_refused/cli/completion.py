"""Completion for kubectl: it runs `kubectl_complete-refused` with the words typed so far.

The protocol is Cobra's, as kubectl uses it for plugins (pkg/cmd/plugin_completion.go): one candidate per
line, then `:N`, where 0 lets the shell complete file names and 4 forbids it. kubectl keeps its own global
flags away from plugins, so `-n` and `--context` are completed here. Errors mean no candidates: a shell has
no place to show them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from kubectl_refused.resolve.kinds import SERVICE_WORDS

from .arguments import so_far
from .command import choose, names
from .options import Option, find

# ShellCompDirectiveDefault, NoFileComp, and NoFileComp with NoSpace
FILES, NO_FILES, NO_SPACE = 0, 4, 6
TARGETS = ("svc/", "pod/", "deploy/", "sts/", "ds/")
CLIENTS = ("every-node", "here", *(f"{kind}/" for kind in ("pod", "deploy", "sts", "ds", "rs", "job", "node")))


def answer(arguments: Sequence[str]) -> int:
    """Write the answer for `arguments`, whose last one is being typed (maybe empty). Always returns 0."""
    try:
        candidates, directive = candidates_for(arguments)
    except Exception:
        candidates, directive = [], NO_FILES
    printable = [text for text in candidates if text.isprintable()]
    try:
        sys.stdout.write("".join(f"{text}\n" for text in printable) + f":{directive}\n")
        sys.stdout.flush()
    except OSError:
        pass
    return _leave()


def _leave() -> int:
    """0; at once when a look-up that took too long is still running."""
    import os

    # Never import threading just to ask: it is loaded when a look-up was started.
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        os._exit(0)
    return 0


def candidates_for(arguments: Sequence[str]) -> tuple[list[str], int]:
    """(candidates, directive) for the last of `arguments`."""
    *before, current = arguments or [""]
    command, typed = choose(before)
    if command.follows and "--" in typed:
        return [], FILES
    pending = _pending(typed, command.options)
    if pending is not None:
        return _values(pending, current, typed)
    if current.startswith("-"):
        return _flags(current, command.options, typed)
    if command.name == "explain":
        return _causes(current), NO_FILES
    if command.name not in ("", "record"):
        return [], NO_FILES
    words = so_far(typed, command.options).words
    commands = [] if command.name or "--" in typed else names()
    offered = [] if words or "/" in current else [*commands, *TARGETS]
    begun = _targets(current, words, typed) if words or "/" in current else []
    return _spaced(_starting(current, offered) + begun)


def _pending(typed: Sequence[str], options: tuple[Option, ...]) -> Option | None:
    """The option whose value is being typed now, if the word before is an option that takes one."""
    option = find(options, typed[-1]) if typed else None
    return option if option and option.metavar else None


def _flags(current: str, options: tuple[Option, ...], typed: Sequence[str]) -> tuple[list[str], int]:
    """Flags, or the value of `--flag=` in the same word."""
    name, equals, value = current.partition("=")
    option = find(options, name)
    if equals and option:
        found, directive = _values(option, value, typed)
        return [f"{name}={text}" for text in found], directive
    known = [spelling for option in options for spelling in option.names] + ["--help"]
    return _starting(current, known), NO_FILES


def _values(option: Option, current: str, typed: Sequence[str]) -> tuple[list[str], int]:
    """Values of an option."""
    if option.completes == "files":
        return [], FILES
    if option.completes == "choices":
        return _starting(current, option.choices), NO_FILES
    if option.completes == "causes":
        done, comma, begun = current.rpartition(",")
        return [f"{done}{comma}{name}" for name in _causes(begun)], NO_FILES
    if option.completes == "reports":  # FORMAT= first, then a file
        offered = _starting(current, [f"{choice}=" for choice in option.choices])
        return ([], FILES) if "=" in current else (offered, NO_SPACE)
    if option.completes == "clients":
        done, comma, begun = current.rpartition(",")
        found, directive = _clients(begun, typed)
        return [f"{done}{comma}{text}" for text in found], directive
    if option.completes == "namespaces":
        from .lookups import namespaces

        return _starting(current, namespaces(typed)), NO_FILES
    if option.completes in ("contexts", "clusters", "users"):
        from .lookups import kubeconfig_names

        return _starting(current, kubeconfig_names(option.completes, typed)), NO_FILES
    return [], NO_FILES


def _targets(current: str, words: Sequence[str], typed: Sequence[str]) -> list[str]:
    """`svc/NAME` and its ports for what was begun with a kind; asking the cluster for less is too slow."""
    kind, slash, begun = current.rpartition("/")
    named = kind if slash else (words or [""])[0]
    if named not in SERVICE_WORDS:
        return _pods(named, f"{kind}{slash}", begun, typed)
    from .lookups import ports, services

    name, colon, _ = begun.partition(":")
    found = [f"{name}:{port}" for port in ports(typed, name)] if colon else services(typed)
    return [f"{kind}{slash}{text}" for text in _starting(begun, found)]


def _pods(kind: str, before: str, begun: str, typed: Sequence[str]) -> list[str]:
    """`pod/NAME` and the ports that its containers declare."""
    from kubectl_refused.resolve.pods import pods_kind

    if pods_kind(kind) is None:
        return []
    from .lookups import declared_ports, named

    name, colon, _ = begun.partition(":")
    ports = [f"{name}:{port}" for port in declared_ports(kind, name, typed)] if colon else named(kind, typed)
    return [f"{before}{text}" for text in _starting(begun, ports)]


def _clients(current: str, typed: Sequence[str]) -> tuple[list[str], int]:
    """What --from takes: a word, or a kind and then its names."""
    kind, slash, begun = current.partition("/")
    if not slash:
        return _spaced(_starting(current, CLIENTS))
    from .lookups import of_kind

    return [f"{kind}/{name}" for name in _starting(begun, of_kind(kind, typed))], NO_FILES


def _spaced(candidates: list[str]) -> tuple[list[str], int]:
    """No blank behind the only candidate where a name is to follow."""
    return candidates, NO_SPACE if len(candidates) == 1 and candidates[0].endswith("/") else NO_FILES


def _causes(current: str) -> list[str]:
    from kubectl_refused.causes import catalogue

    return _starting(current, [text for cause in catalogue() for text in (*cause.codes, cause.slug)])


def _starting(current: str, texts: Sequence[str]) -> list[str]:
    return sorted({text for text in texts if text.startswith(current)})
