"""Waiting tasks: the place in the queue, cancelling, and a tab that is hidden meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.e2e.console.conftest import SAMPLE, Console
from tests.integration.client import NEVER, wait_until


def test_waiting_task_shows_its_place_and_can_be_cancelled(
    console: Console, faults: Callable[..., None], finish: Callable[[], None]
) -> None:
    # Two images are generated at once, so the second task waits for the first.
    faults(task_seconds=NEVER)
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png")
    console.page.locator("label[for=n-2]").click()
    first = console.submit()
    expect(console.card(first, "processing")).to_be_visible()
    second = console.submit()
    expect(console.card(second).locator(".stage")).to_have_text("Next in the queue")
    expect(console.card(second).locator(".elapsed")).not_to_have_text("0:00")
    console.look("in-the-queue")
    console.card(second).get_by_label("Cancel").click()
    cancelled = console.card(second, "failed.cancelled")
    expect(cancelled.locator("strong")).to_have_text("Cancelled")
    expect(console.page.locator("#toast")).to_have_text("Cancelled.")
    console.assert_accessible("a cancelled task")
    console.page.locator("#language").click()
    expect(cancelled.locator("strong")).to_have_text("已取消")
    cancelled.get_by_label("的详情").click()
    expect(console.page.locator("#viewer .to-cancelled")).to_contain_text("已取消")
    expect(console.page.locator("#viewer .side")).not_to_contain_text("失败")
    console.look("cancelled-viewer")
    console.page.keyboard.press("Escape")
    finish()
    expect(console.card(first, "succeed").locator(".shot")).to_have_count(2)


def test_hidden_tab_sends_no_requests_until_it_is_shown(
    console: Console, faults: Callable[..., None], finish: Callable[[], None]
) -> None:
    page = console.page
    page.clock.install()
    console.enter()
    faults(task_seconds=NEVER)
    console.choose("subjects", SAMPLE / "cat.png")
    task_id = console.submit()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_request("**/progress"):
        page.clock.run_for(1_000)
    turn = """isHidden => {
        Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(turn, True)
    asked.clear()
    page.clock.run_for(600_000)
    assert asked == []
    with page.expect_request("**/progress"):
        page.evaluate(turn, False)
        page.clock.run_for(10)
    assert any(task_id in each for each in asked)
    # End the task with the test, as it holds one of the two slots.
    wait_until(lambda: status(console, task_id) == "processing", "it is being generated")
    finish()
    wait_until(lambda: status(console, task_id) == "succeed", "it has ended")


def status(console: Console, task_id: str) -> str:
    """The status of a task by the API."""
    found: str = console.api("GET", f"v1/images/multi-image2image/{task_id}")["task_status"]
    return found
