"""What npm has to install for tests: installed once beside a package.json, then kept; no lock file, no addresses."""

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

OPTIONS = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
INSTALLING = threading.Lock()  # tests that run side by side need it at once


def node_modules(folder: Path) -> Path:
    """node_modules as the folder's package.json asks for; without npm the test is skipped, but fails in CI."""
    missing = pytest.fail if os.environ.get("CI") else pytest.skip
    npm = shutil.which("npm") or missing("install npm (Debian: apt-get install npm)")
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    with INSTALLING:
        if any(installed_version(folder, name) != version for name, version in wanted.items()):
            done = subprocess.run([npm, "install", *OPTIONS], check=False, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                missing(f"npm install in {folder} failed: {done.stderr}")
    return folder / "node_modules"


def installed_version(folder: Path, name: str) -> str | None:
    manifest = folder / "node_modules" / name / "package.json"
    return json.loads(manifest.read_text())["version"] if manifest.exists() else None
