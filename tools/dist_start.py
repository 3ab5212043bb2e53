"""Where the built program starts: as the plugin, or under the name by which kubectl asks for completion."""

import os
import sys

from kubectl_refused.cli import start

name = os.path.basename(sys.argv[0])
sys.exit(start.complete() if name.startswith("kubectl_complete") else start.main())
