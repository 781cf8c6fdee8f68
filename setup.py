"""Maps the folders of the repository to packages below the one import name that ssegauge takes."""

from setuptools import find_packages, setup

ROOMS = ("conformance", "loadtests", "reports", "reference_server")

setup(
    packages=["ssegauge", "ssegauge.cli"]
    + [f"ssegauge.{name}" for room in ROOMS for name in (room, *(f"{room}.{one}" for one in find_packages(room)))],
    package_dir={"ssegauge": "ssegauge"} | {f"ssegauge.{room}": room for room in ROOMS},
)
