"""The reference server as a process, and its HTTP interface."""

import subprocess
import sys
from typing import Any

import httpx

from tests.browser.waiting import PATIENCE_S

API = "/api/brand-monitor"


class Server:
    """`python -m ssegauge.reference_server` in a process of its own, and its HTTP interface."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "ssegauge.reference_server", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        announced = self.process.stdout.readline()
        assert announced, "the reference server did not start; its reason stands on stderr"
        self.url = announced.split()[-1]
        self.http = httpx.Client(base_url=self.url, trust_env=False)

    def create(self, **spec: Any) -> str:
        reply = self.http.post(f"{API}/tasks", json=spec).raise_for_status()
        return reply.json()["taskId"]

    def update(self, task_id: str, **changes: Any) -> dict[str, Any]:
        return self.http.post(f"{API}/tasks/{task_id}/updates", json=changes).raise_for_status().json()

    def snapshot(self, task_id: str) -> dict[str, Any]:
        return self.http.get(f"{API}/tasks/{task_id}").raise_for_status().json()

    @property
    def open_streams(self) -> int:
        return self.http.get("/metrics.json").raise_for_status().json()["open_streams"]

    def kill(self) -> None:
        """End without a word, as a crash does."""
        self.process.kill()
        self._forget()

    def stop(self) -> None:
        """End in order: every stream is ended first."""
        self.process.terminate()
        self._forget()

    def _forget(self) -> None:
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.http.close()
