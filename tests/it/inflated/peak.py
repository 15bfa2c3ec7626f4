"""Runs a command, and says on stderr how much memory it held at most, in KiB: peak.py COMMAND…"""

import resource
import subprocess
import sys

code = subprocess.run(sys.argv[1:]).returncode
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
