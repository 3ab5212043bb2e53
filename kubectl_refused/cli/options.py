"""Every option once, as plain data: signatures, help, completion and the Request are made from these tables.

Imports nothing but typing, since completion must answer before a person notices.
"""

from __future__ import annotations

from typing import NamedTuple

DEPTHS = ("none", "passive", "pods", "all")
OUTPUTS = ("json", "yaml", "name", "wide", "junit", "sarif", "github", "markdown", "html")
FAIL_ON = ("proved", "likely", "any")


class Option(NamedTuple):
    """One option. `field` is its name in a Request; without a `metavar` it is a flag that takes no value.

    `completes` says what completion offers as its value: choices, reports, namespaces, contexts, clusters,
    users, clients, files, or nothing.
    """

    name: str
    help: str
    metavar: str = ""
    short: str = ""
    group: str = ""
    field: str = ""
    repeatable: bool = False
    choices: tuple[str, ...] = ()
    completes: str = ""
    default: str = ""

    @property
    def key(self) -> str:
        """The name of the value, as a Python identifier."""
        return self.field or self.name.removeprefix("--").replace("-", "_")

    @property
    def names(self) -> tuple[str, ...]:
        """The spellings, short one first."""
        return (self.short, self.name) if self.short else (self.name,)


_KUBECTL = "Connection, as for kubectl"

# cli-runtime pkg/genericclioptions/config_flags.go: all of its flags, with kubectl's own names and short names.
CONNECTION: tuple[Option, ...] = (
    Option("--namespace", "Namespace of the targets", "NAME", "-n", completes="namespaces"),
    Option("--context", "Context of the kubeconfig to use", "NAME", completes="contexts"),
    Option("--kubeconfig", "Kubeconfig to use instead of KUBECONFIG or ~/.kube/config", "FILE", completes="files"),
    Option("--cluster", "Cluster of the kubeconfig to use", "NAME", completes="clusters"),
    Option("--user", "User of the kubeconfig to use", "NAME", completes="users"),
    Option("--server", "Address of the API server", "URL", "-s"),
    Option("--token", "Bearer token for the API server", "TOKEN"),
    Option("--username", "User name for basic authentication", "NAME"),
    Option("--password", "Password for basic authentication", "PASSWORD"),
    Option("--as", "User to impersonate", "USER", field="impersonate_user"),
    Option("--as-uid", "UID to impersonate", "UID", field="impersonate_uid"),
    Option(
        "--as-group",
        "Group to impersonate; may be repeated",
        "GROUP",
        field="impersonate_groups",
        repeatable=True,
    ),
    Option(
        "--as-user-extra",
        "Extra attribute to impersonate; may be repeated",
        "KEY=VALUE",
        field="impersonate_extra",
        repeatable=True,
    ),
    Option(
        "--certificate-authority", "File with the API server's certificate authority", "FILE", completes="files"
    ),
    Option("--client-certificate", "File with the client certificate", "FILE", completes="files"),
    Option("--client-key", "File with the key of the client certificate", "FILE", completes="files"),
    Option("--tls-server-name", "Name to expect in the API server's certificate", "NAME"),
    Option("--insecure-skip-tls-verify", "Do not check the API server's certificate"),
    Option("--request-timeout", "Longest wait for one answer of the API server: 5s, 1m; 0 for none", "TIME"),
    Option("--disable-compression", "Ask the API server for uncompressed answers"),
    Option("--cache-dir", "Directory for caches", "DIRECTORY", completes="files"),
)
CONNECTION = tuple(option._replace(group=_KUBECTL) for option in CONNECTION)

OUTPUT = Option(
    "--output",
    "Write the report as data (json, yaml), as a word per target (name), with more detail (wide), for CI systems "
    "(junit, sarif, github) or as a page (markdown, html); without it: for people",
    "|".join(OUTPUTS),
    "-o",
    choices=OUTPUTS,
    completes="choices",
)
REPORT = Option(
    "--report",
    "Also write the report to a file, in any format that --output takes; may be repeated",
    "FORMAT=PATH",
    field="reports",
    repeatable=True,
    choices=OUTPUTS,
    completes="reports",
)
VERBOSE = Option("--verbose", "Show a traceback if the program itself fails", short="-v")

WAITING: tuple[Option, ...] = (
    Option(
        "--wait", "Wait this long for it to work, watching the cluster; then say why it does not: 2m, 90s", "TIME"
    ),
    Option("--watch", "Tell it anew whenever something changes, until Ctrl-C", short="-w"),
)

DIAGNOSIS: tuple[Option, ...] = (
    Option(
        "--filename",
        "Diagnose manifests or compose files, not a cluster: a file, a directory, or - for stdin; may be repeated",
        "FILE",
        "-f",
        repeatable=True,
        completes="files",
    ),
    Option("--recursive", "Read the directories given with -f recursively", short="-R"),
    Option(
        "--recording",
        "Replay what `kubectl refused record` wrote, without any cluster",
        "FILE",
        completes="files",
    ),
    Option(
        "--probe",
        "How far to go. none: read objects only. passive: also the API server's pod proxy, port-forward and logs. "
        "pods: also probe pods and exec. all: also ephemeral containers, which stay in the pod's spec for ever",
        "|".join(DEPTHS),
        choices=DEPTHS,
        completes="choices",
        default="pods",
    ),
    Option(
        "--from",
        "Dial from where a client stands: pod/NAME, deploy/NAME (also sts, ds, rs, job), node/NAME, every-node, "
        "here (this machine), or docker/NAME for a client of containers; may be repeated",
        "CLIENT",
        field="standpoints",
        repeatable=True,
        completes="clients",
    ),
    Option(
        "--from-namespace",
        "Namespace of the clients that --from names; the target's without it",
        "NAME",
        completes="namespaces",
    ),
    Option(
        "--entrances",
        "Also look at everything that leads to the Service: Ingresses, routes, its load balancer, "
        "nodePorts, hostPorts, webhooks and APIServices",
    ),
    Option("--host-network", "With --from node/NAME or every-node: dial with the node's own network"),
    Option(
        "--dials",
        "Dial every address this often, to catch what fails now and then; 3 with several clients, else 1",
        "NUMBER",
    ),
    Option(
        "--guess-protocol",
        "Send a few bytes where a server is silent, to tell the protocol it speaks; ask who speaks HTTP for its "
        "page (GET /), by which a proxy whose app is dead is known, and HTTP and TLS servers for an answer large "
        "enough to get lost; ask Postgres whom it lets in, without a password; else not a byte is ever sent",
    ),
    Option("--image", "Image of the probe pod; it needs python3, or sh with nc or bash", "IMAGE"),
    Option("--image-pull-secret", "Secret in the target's namespace that the probe pod's image needs", "NAME"),
    Option(
        "--image-prefix",
        "Registry and path to pull the probe pod's image from (PREFIX/python:3-alpine) if no node has one",
        "PREFIX",
    ),
    Option(
        "--dial-any",
        "Also dial addresses that belong to no pod, node or Service of the cluster: then whoever may write "
        "EndpointSlices chooses what is dialled",
    ),
    Option("--dry-run", "Print the objects that would be created as YAML; nothing is created or dialled"),
    Option(
        "--fix",
        "Apply the fix: show it as a diff, ask, patch, diagnose again, and tell how to undo it. What Helm, "
        "Argo CD, Flux or another controller writes is left to them",
    ),
    Option("--yes", "With --fix: apply what is proved without asking", short="-y"),
    *WAITING,
    OUTPUT,
    REPORT,
    Option("--exit-zero", "Exit with 0 whatever the diagnosis says"),
    Option(
        "--config",
        "File with defaults, and rules for scans, instead of .kubectl-refused.yaml here",
        "FILE",
        completes="files",
    ),
    VERBOSE,
    Option("--version", "Print the version and leave"),
)


# What only one target or a rehearsal can have.
_NOT_OF_A_SCAN = ("--recording", "--dry-run", "--fix", "--yes", "--version", "--entrances")
_NOT_OF_A_RECORD = (*_NOT_OF_A_SCAN, "--filename", "--recursive", "--output", *(option.name for option in WAITING))

SCAN: tuple[Option, ...] = (
    Option("--all-namespaces", "Scan every namespace", short="-A"),
    Option("--selector", "Scan only Services with these labels: app=web,tier!=db", "SELECTOR", "-l"),
    Option(
        "--fail-on",
        "Exit with 1 from this on. proved: faults that are proved. likely: also likely ones. any: whatever fails, "
        "could not be judged or is scaled to zero",
        "|".join(FAIL_ON),
        choices=FAIL_ON,
        completes="choices",
        default="proved",
    ),
    Option(
        "--ignore",
        "Count findings of these causes, by code or name, as no fault; may be repeated",
        "CAUSE[,CAUSE]",
        repeatable=True,
        completes="causes",
    ),
    Option(
        "--metrics-file",
        "Also write what was found as Prometheus metrics to a file, whole or not at all; with --watch each time",
        "FILE",
        completes="files",
    ),
    Option(
        "--skim",
        "Of a large cluster: read Services and EndpointSlices, and pods only of the Services that look odd; it "
        "dials nothing",
    ),
    Option(
        "--rate",
        "Most dials a second from each node, where a scan from every node is too large for single probe pods and "
        "runs as an Indexed Job; 500 without it",
        "NUMBER",
    ),
    *(option for option in DIAGNOSIS if option.name not in _NOT_OF_A_SCAN),
)

RECORD: tuple[Option, ...] = (
    Option("--output", "File to write the recording to", "FILE", "-o", field="bundle", completes="files"),
    Option("--overwrite", "Replace the file if it exists"),
    *(option for option in DIAGNOSIS if option.name not in _NOT_OF_A_RECORD),
)
# What may have a default of the user's: nothing that changes or writes anything, and no secret and no cluster.
FILE_DEFAULTS = (
    "--probe",
    "--dials",
    "--guess-protocol",
    "--image",
    "--image-pull-secret",
    "--image-prefix",
    "--wait",
    "--output",
    "--exit-zero",
    "--fail-on",
    "--request-timeout",
    "--verbose",
)
# A file may come with a repository of somebody else's: what it must not decide is for the environment only.
VARIABLE_DEFAULTS = (*FILE_DEFAULTS, "--dial-any", "--ignore", "--config")


def with_defaults(options: tuple[Option, ...], names: tuple[str, ...]) -> tuple[Option, ...]:
    """Those of the options that may have such a default. `causes` has an --output of its own."""
    known = DIAGNOSIS + SCAN + CONNECTION
    return tuple(option for option in options if option.name in names and option in known)


# The command's own streams and exit code are passed through.
_NOT_OF_A_RUN = (*_NOT_OF_A_SCAN, "--wait", "--watch", "--exit-zero")

TEXT: tuple[Option, ...] = (
    Option("--all-namespaces", "Look for addresses in every namespace", short="-A"),
    *(o for o in DIAGNOSIS if o.name not in _NOT_OF_A_SCAN and o not in WAITING),
)
RUN: tuple[Option, ...] = (
    Option("--all-namespaces", "Watch every namespace", short="-A"),
    *(o for o in DIAGNOSIS if o.name not in _NOT_OF_A_RUN and o is not OUTPUT),
)


def find(options: tuple[Option, ...], spelling: str) -> Option | None:
    """The option that is spelt so (`-n`, `--namespace`), or None."""
    return next((option for option in options if spelling in option.names), None)
