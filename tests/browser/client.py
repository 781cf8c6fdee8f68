"""A ProgressClient in a page, to look at."""

import json
from typing import Any

from playwright.sync_api import Page

from tests.browser.waiting import wait_until


class Client:
    """A ProgressClient in a page, and every state it has told."""

    START = """async ([taskId, options]) => {
        const { ProgressClient } = await import("/page/progress-client.js");
        window.told = [];
        window.client = new ProgressClient(taskId, options);
        window.client.subscribe((state) => window.told.push(state));
    }"""

    def __init__(self, page: Page, task_id: str, **options: Any) -> None:
        self.page = page
        page.evaluate(self.START, [task_id, options])

    @property
    def state(self) -> dict[str, Any]:
        return json.loads(self.page.evaluate("JSON.stringify(window.client.state)"))

    @property
    def told(self) -> list[dict[str, Any]]:
        return json.loads(self.page.evaluate("JSON.stringify(window.told)"))

    def close(self) -> None:
        self.page.evaluate("window.client.close()")

    def wait_for(self, **expected: Any) -> dict[str, Any]:
        """The first state told that has these members, or `progress` members of these names."""

        def found() -> dict[str, Any] | None:
            return next((state for state in self.told if _has(state, expected)), None)

        return wait_until(found, f"the client tells {expected}; it told {self.told[-3:]}")


def _has(state: dict[str, Any], expected: dict[str, Any]) -> bool:
    flat = {f"progress_{name}": value for name, value in (state["progress"] or {}).items()}
    return expected.items() <= (state | flat | {"progress": None}).items()
