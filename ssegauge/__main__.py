"""`python -m ssegauge`: the console script."""

from ssegauge.entry import main

main()
