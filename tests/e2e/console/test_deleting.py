"""Deleting tasks: hidden at once, kept by Undo, and deleted after ten seconds or when the page is left."""

from __future__ import annotations

import httpx
from playwright.sync_api import Request, expect

from tests.e2e.console.conftest import Console
from tests.integration.client import PATIENCE_S, job, wait_until

TASKS = "v1/images/multi-image2image"


def status(console: Console, task_id: str) -> int:
    """The HTTP status of the answer about a task."""
    headers = {"Authorization": f"Bearer {console.caller.api_key}"}
    url = f"{console.url}{TASKS}/{task_id}"
    return httpx.get(url, headers=headers, timeout=PATIENCE_S, trust_env=False).status_code


def test_deleted_task_can_be_kept_for_ten_seconds(console: Console) -> None:
    jobs = [job(external_task_id=name) for name in ("one", "two", "three")]
    ids = [each["task_id"] for each in console.api("POST", "v1/batches", json={"jobs": jobs})["tasks"]]
    page = console.page
    console.enter()
    for task_id in ids:
        expect(console.card(task_id, "succeed").locator(".here")).to_have_count(1)
    one, two, three = (console.card(task_id) for task_id in ids)
    page.clock.install()
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.method == "DELETE":
            asked.append(request.url)

    page.on("request", note)
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        two.locator(".shot").click()
        page.locator("#viewer .timeline").wait_for()
        page.locator("#viewer").get_by_role("button", name="Delete").click()
        expect(page.locator("#viewer")).to_be_hidden()
        expect(two).to_be_hidden()
        console.assert_accessible("a task that is about to be deleted")
        console.look("deleting")
        page.clock.run_for(10_000)
    expect(page.locator("#undo")).to_be_empty()
    expect(two).to_have_count(0)
    assert [status(console, task_id) for task_id in ids] == [200, 404, 200]

    # From here on, time passes only as the test says.
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 300"))
    asked.clear()
    one.get_by_role("button", name="Delete one").click()
    expect(one).to_be_hidden()
    expect(page.locator("#undo")).to_contain_text("one deleted")
    expect(page.get_by_role("button", name="Undo: keep one")).to_be_focused()
    page.clock.run_for(9_000)
    page.keyboard.press("Enter")
    expect(one).to_be_visible()
    expect(page.locator("#undo")).to_be_empty()

    # Everything outside an open dialog is inert, so Undo is in it.
    one.get_by_role("button", name="Delete one").click()
    three.locator(".shot").click()
    page.locator("#viewer").get_by_role("button", name="Copy link").click()
    expect(page.locator("#viewer #toast")).not_to_be_empty()
    page.locator("#viewer").get_by_role("button", name="Undo: keep one").click()
    page.keyboard.press("Escape")
    expect(page.locator("body > #undo")).to_be_empty()
    expect(one).to_be_visible()
    page.clock.run_for(20_000)
    assert asked == []

    three.get_by_role("button", name="Delete three").click()
    page.goto("about:blank")
    wait_until(lambda: status(console, ids[2]) == 404, "the task is deleted as the page was left")
    assert status(console, ids[0]) == 200
    page.clock.resume()
    see_usage(console)


def see_usage(console: Console) -> None:
    """Opens the usage page by its address: three tasks were paid for, though two of them are deleted."""
    page = console.page
    console.enter("&view=usage")
    expect(page.locator("#usage .left")).to_have_text("952 of 1,000 units left this month")
    expect(page.locator("#usage .totals dd")).to_have_text(["48", "3", "3", "0"])
    expect(page.locator("#usage tbody tr")).to_have_count(1)
    expect(page.locator("#pictures")).to_be_hidden()
    console.assert_accessible("usage")
    console.look("usage")
    page.get_by_role("button", name="Previous month").click()
    expect(page.locator("#usage-found .help")).to_have_text("No task ended in this month.")
    page.get_by_role("button", name="Next month").click()
    expect(page.locator("#usage .totals dd")).to_have_text(["48", "3", "3", "0"])
    expect(page.get_by_role("button", name="Next month")).to_be_disabled()
    page.get_by_role("button", name="Gallery").click()
    expect(page.locator("#pictures .task")).to_have_count(1)
    page.go_back()
    expect(page.locator("#usage")).to_be_visible()
    page.locator("#language").click()
    expect(page.locator("#usage-title")).to_have_text("用量")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        console.look(f"usage-390-zh-{scheme}")
