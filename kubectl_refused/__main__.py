"""`python -m kubectl_refused` does what `kubectl refused` does."""

import sys

from kubectl_refused.cli.start import main

sys.exit(main())
