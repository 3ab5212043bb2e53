"""What the Makefile calls: set-up, the demo, and helpers for whoever works on the project.

All but `tour`, `shop` and `new_cause` run on the machine's own python3, before there is a venv.
"""

import sys

# Here, because every `python3 -m tools.…` comes by: one clear line instead of an ImportError.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "needs Python 3.11 or newer, and {} is {}; if another is installed: make PYTHON=python3.12 …".format(  # noqa: UP032
            sys.executable, sys.version.split()[0]
        )
    )
