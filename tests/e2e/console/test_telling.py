"""The notices of the page: the title, a notification, a paused queue, the network, and a skeleton at first."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.e2e.console.conftest import SAMPLE, Console
from tests.integration.client import NEVER, wait_until

NOTIFICATION = """
    window.notified = [];
    window.Notification = class extends EventTarget {
        static permission = "default";
        static requestPermission = async () => { Notification.permission = "granted"; };
        constructor(title, { body }) { super(); notified.push(body); }
    };
"""


def test_title_and_notification_tell_of_a_task(
    console: Console, faults: Callable[..., None], finish: Callable[[], None]
) -> None:
    page = console.page
    page.add_init_script(NOTIFICATION)
    console.enter()
    page.get_by_label("Notify me when a task ends").click()
    expect(page.locator("#notify")).to_have_attribute("aria-pressed", "true")
    console.choose("subjects", SAMPLE / "cat.png")
    faults(task_seconds=NEVER)
    task_id = console.submit()
    expect(console.card(task_id, "processing")).to_be_visible()
    expect(page).to_have_title("Generating · Kiln")
    page.route("**/progress", estimated)
    expect(console.card(task_id).locator(".stage")).to_have_text("Generating · about 42 secs left")
    page.unroute("**/progress")
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.isAway, configurable: true})")
    page.route("**/multi-image2image*/**", hidden_at_the_end)
    page.route("**/multi-image2image?*", hidden_at_the_end)
    finish()
    expect(page).to_have_title("1 picture ready. " + task_id[:8] + " · Kiln")
    assert page.evaluate("notified") == [f"1 picture ready. {task_id[:8]}"]


def hidden_at_the_end(route: Route) -> None:
    """Hides the tab before it gets the first answer with the task's end: hidden, it would ask for none."""
    answer = route.fetch()
    if "succeed" in answer.text():
        route.request.frame.page.evaluate("window.isAway = true")
    route.fulfill(response=answer)


def estimated(route: Route) -> None:
    """Adds an estimate, which a new stack has not measured yet."""
    answer = route.fetch()
    content = answer.json()
    content["data"]["eta_seconds"] = 42
    route.fulfill(response=answer, json=content)


def test_operators_pause_is_said(console: Console) -> None:
    table, key = console.stack.description["table"], {"pk": {"S": "SLOTS"}}
    dynamodb = console.stack.clients.dynamodb
    dynamodb.update_item(
        TableName=table, Key=key, UpdateExpression="SET paused_at = :at", ExpressionAttributeValues={":at": {"N": "1"}}
    )
    try:
        console.enter()
        console.choose("subjects", SAMPLE / "cat.png")
        task_id = console.submit()
        expect(console.card(task_id).locator(".stage")).to_have_text("Paused by the operator")
        console.card(task_id).get_by_label("Cancel").click()
        expect(console.card(task_id, "cancelled")).to_be_visible()
    finally:
        dynamodb.update_item(TableName=table, Key=key, UpdateExpression="REMOVE paused_at")


def test_lost_or_slow_network_is_said(console: Console) -> None:
    page = console.page
    console.enter()
    page.context.set_offline(True)
    expect(page.locator("#network")).to_contain_text("You’re offline")
    console.assert_accessible("offline")
    console.look("offline")
    page.context.set_offline(False)
    expect(page.locator("#network")).to_be_empty()
    held: list[Route] = []
    page.route("**/v1/images/multi-image2image?*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks the handler, and a builtin cannot be marked
    page.select_option("#by-status", "failed")
    expect(page.locator("#network")).to_contain_text("The network is slow")
    held[0].continue_()
    expect(page.locator("#network")).to_be_empty()


def test_api_page_has_the_key_and_an_example_that_works(console: Console) -> None:
    page = console.page
    console.enter()
    page.locator("#docs").click()
    create = page.locator("details", has_text="/v1/images/multi-image2image").first
    create.locator("summary").first.click()
    create.get_by_role("button", name="TypeScript").click()
    expect(create.locator("pre").nth(1)).to_contain_text("process.env.KILN_KEY")
    assert console.caller.api_key not in page.locator("main").inner_text()
    create.get_by_role("button", name="Send").click()
    expect(create.locator("pre").first).to_contain_text('"code": 0')
    create.locator(".answers summary").click()
    expect(create.locator(".answers")).to_contain_text("task_status")
    page.locator("#key").fill("")
    create.get_by_role("button", name="Send").click()
    expect(create.locator("pre").first).to_have_text("Enter your key above.")
    console.assert_accessible("the page of the API")
    console.look("api-page")


def test_skeleton_is_painted_before_the_script_arrives(console: Console) -> None:
    page = console.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    held: list[Route] = []
    page.route("**/console.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks the handler, and a builtin cannot be marked
    page.goto(console.url, wait_until="commit")
    expect(page.locator("#skeleton")).to_be_visible()
    painted = "performance.getEntriesByName('first-contentful-paint').length"
    wait_until(lambda: page.evaluate(painted), "the skeleton is painted")
    console.look("skeleton")
    wait_until(lambda: page.evaluate("true") and held, "the script is asked for")
    held.pop().continue_()
    page.locator("#sign-in").wait_for()
    assert len([url for url in asked if not url.endswith(".svg")]) == 2
