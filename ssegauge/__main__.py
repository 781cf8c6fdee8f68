"""`python -m ssegauge`: the console script."""

import sys
from pathlib import Path

if sys.path[:1] == [str(Path.cwd())]:  # what stands in the current folder must not hide what we import
    del sys.path[0]

from ssegauge.entry import main

main()
