"""`python -m ssegauge`: the console script."""

from ssegauge.cli import main

main()
