"""What is not all well, and what is much: refusals, failures, waiting, many tasks, languages and widths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local.stack import Stack
from tests.e2e.console.conftest import SAMPLE, Console
from tests.integration.client import NEVER, wait_until

SEEDED = 1_200


def seed(stack: Stack, caller: str) -> None:
    """More than a thousand tasks of a caller, as the list's index sees them; nothing starts a workflow for them."""
    client, table = stack.clients.dynamodb, stack.description["table"]

    def item(number: int) -> dict[str, dict[str, str]]:
        texts = {
            "pk": f"SEEDED#{caller}#{number}",
            "task_id": f"{number:032x}",
            "caller": caller,
            "task_status": "failed",
            "task_status_msg": f"Refused, number {number}",
            "model_name": "kling-v2",
            "aspect_ratio": "1:1",
        }
        numbers = {
            "sequence": number,
            "n": 1,
            "created_at": 1_700_000_000_000 + number,
            "updated_at": 1_700_000_000_000,
        }
        return {name: {"S": text} for name, text in texts.items()} | {
            name: {"N": str(value)} for name, value in numbers.items()
        }

    for first in range(1, SEEDED + 1, 25):
        puts = [{"PutRequest": {"Item": item(number)}} for number in range(first, first + 25)]
        client.batch_write_item(RequestItems={table: puts})  # type: ignore[dict-item]
    client.put_item(TableName=table, Item={"pk": {"S": f"CALLER#{caller}"}, "tasks": {"N": str(SEEDED)}})


def test_what_the_contract_does_not_allow_is_told_beside_the_picture(console: Console, pictures: Path) -> None:
    console.enter()
    page = console.page
    page.locator("#submit").click()
    expect(page.locator("[data-field=subject_image_list] > .error")).to_have_text("Add at least one subject.")
    expect(page.locator("#add-subjects")).to_be_focused()
    for name, text in (
        ("small.png", "200 × 400 px: a side is under 300 px."),
        ("long.png", "1200 × 300 px: longer than 2.5 : 1."),
        ("text.png", "Not a JPG or PNG picture."),
    ):
        console.choose("subjects", pictures / name)
        expect(page.locator("#subjects .wrong .error")).to_have_text(text)
        expect(page.locator("#said")).to_have_text(f"{name}: {text}")
        page.locator("#submit").click()
        expect(page.locator("[data-field=subject_image_list] > .error")).to_contain_text("Remove or replace")
        if name == "small.png":
            console.assert_accessible("a picture that is not allowed")
            console.look("not-allowed")
        page.get_by_label(f"Remove {name}").click()
    console.choose("scene", pictures / "text.png")
    unread = page.locator("#scene .wrong .address")
    expect(unread).to_have_text("text.png")
    assert unread.evaluate("each => each.offsetHeight") == page.locator("#add-style").evaluate(
        "each => each.offsetHeight"
    )
    console.assert_accessible("a file that is no picture")
    console.look("no-picture")
    page.get_by_label("Remove text.png").click()
    page.fill("#prompt", "x" * 2_501)
    console.choose("subjects", SAMPLE / "cat.png")
    page.locator("#submit").click()
    expect(page.locator("#prompt-error")).to_have_text("1 characters too many.")
    expect(page.locator("#prompt")).to_be_focused()


def test_what_the_api_refuses_is_told_at_its_field(console: Console, pictures: Path) -> None:
    console.enter()
    page = console.page
    console.choose("subjects", SAMPLE / "cat.png", pictures / "torn.png")
    page.locator("#submit").click()
    expect(page.locator("#subjects .wrong .address")).to_have_text("torn.png")
    expect(page.locator("#subjects .wrong .error")).not_to_be_empty()
    page.get_by_label("Remove torn.png").click()
    expect(page.locator("#subjects .error")).to_have_count(0)

    page.locator("#more summary").click()
    page.fill("#callback", "nowhere")
    page.locator("#more summary").click()
    page.locator("#submit").click()
    expect(page.locator("#callback-error")).to_have_text(
        "Kiln answers: must be an http(s) URL, got a text of 7 characters"
    )
    expect(page.locator("#callback")).to_be_focused()
    expect(page.locator("#callback")).to_have_attribute("aria-invalid", "true")
    console.look("refused")

    page.fill("#callback", "")
    page.fill("#external", "order-7")
    task_id = console.submit()
    expect(page.locator("#callback-error")).to_be_empty()
    expect(console.card(task_id).locator(".name")).to_have_text("order-7")
    page.fill("#external", "order-7")
    page.locator("#submit").click()
    expect(page.locator("#external-error")).to_contain_text("order-7 already exists")


def test_a_failed_task_tells_why_and_is_tried_again(console: Console, faults: Callable[..., None]) -> None:
    faults(fail_tasks=1.0)
    console.enter()
    page = console.page
    console.choose("subjects", SAMPLE / "cat.png")
    task_id = console.submit()
    failed = console.card(task_id, "failed")
    expect(failed.locator(".failure p")).not_to_be_empty()
    console.assert_accessible("a failed task")
    console.look("failed")
    failed.get_by_label("Details of").click()
    expect(page.locator("#viewer .reason")).to_have_text(failed.locator(".failure p").inner_text())
    console.assert_accessible("a failed task in full")
    console.look("failed-viewer")
    page.keyboard.press("Escape")
    faults()
    failed.get_by_role("button", name="Try").click()
    again = page.locator(".task.succeed")
    expect(again.locator(".shot")).to_have_count(1)
    assert again.get_attribute("data-id") != task_id
    expect(failed).to_be_visible()


def test_a_task_in_line_shows_its_place_and_can_be_cancelled(
    console: Console, faults: Callable[..., None], finish: Callable[[], None]
) -> None:
    # Two images run at once: the second task waits for the first.
    faults(task_seconds=NEVER)
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png")
    console.page.locator("label[for=n-2]").click()
    first = console.submit()
    expect(console.card(first, "processing")).to_be_visible()
    second = console.submit()
    expect(console.card(second).locator(".stage")).to_have_text("Next in line")
    expect(console.card(second).locator(".elapsed")).not_to_have_text("0:00")
    console.look("in-line")
    console.card(second).get_by_label("Cancel").click()
    cancelled = console.card(second, "failed.cancelled")
    expect(cancelled.locator("strong")).to_have_text("Cancelled")
    expect(console.page.locator("#said")).to_have_text("Cancelled.")
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


def test_more_tasks_than_anybody_scrolls_through_are_paged_through_and_filtered(console: Console, stack: Stack) -> None:
    seed(stack, console.caller.name)
    console.enter()
    page = console.page
    cards, number, first = page.locator(".task"), page.locator("#page"), page.locator(".task .failure p").first
    expect(cards).to_have_count(24)
    expect(first).to_have_text(f"Refused, number {SEEDED}")
    elements = page.evaluate("document.querySelectorAll('*').length")
    page.locator("#older").click()
    expect(first).to_have_text(f"Refused, number {SEEDED - 24}")
    number.fill("40")
    number.press("Enter")
    expect(first).to_have_text(f"Refused, number {SEEDED - 39 * 24}")
    assert "page=40" in page.url
    # However far one goes, the page holds one page.
    assert page.evaluate("document.querySelectorAll('*').length") <= elements
    page.go_back()
    expect(first).to_have_text(f"Refused, number {SEEDED - 24}")
    page.reload()
    expect(first).to_have_text(f"Refused, number {SEEDED - 24}")
    number.fill("51")
    number.press("Enter")
    expect(page.locator("#empty")).to_contain_text("no tasks as old as this page")
    expect(page.locator("#older")).to_be_disabled()
    page.locator("#newer").click()
    expect(cards).to_have_count(24)
    expect(cards.last.locator(".failure p")).to_have_text("Refused, number 1")
    console.look("last-page")

    page.select_option("#by-status", "succeed")
    expect(page.locator("#empty")).to_contain_text("Nothing matches")
    page.get_by_role("button", name="Clear the filters").click()
    expect(first).to_have_text(f"Refused, number {SEEDED}")
    page.select_option("#by-time", "last_hour")
    expect(page.locator("#empty")).to_contain_text("Nothing matches")
    page.select_option("#by-time", "between")
    page.fill("#from", "2023-11-14")
    page.fill("#until", "2023-11-15")
    expect(cards).to_have_count(24)
    page.get_by_label("Find by id").fill(f"{1195:032x}")
    expect(cards).to_have_count(1)
    expect(first).to_have_text("Refused, number 1195")


@pytest.mark.parametrize(("width", "locale"), [(320, "zh-CN"), (320, "en-GB"), (768, "zh-CN")])
def test_narrow_screens_in_both_languages(open_console: Callable[..., Console], width: int, locale: str) -> None:
    console = open_console(width=width, height=700, locale=locale, has_touch=True)
    page = console.page

    def assert_fits(view: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        console.look(f"{view}-{width}-{locale}")

    page.goto(console.url)
    page.locator("#sign-in").wait_for()
    assert_fits("sign-in")
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png", SAMPLE / "lantern.png")
    expect(page.locator("#subjects .filled")).to_have_count(2)
    assert_fits("make")
    page.locator("#more summary").click()
    page.locator("#request summary").click()
    assert_fits("make-all")
    task_id = console.submit()
    expect(page.locator("#pictures")).to_be_visible()
    expect(page.locator("#make")).to_be_hidden()
    console.card(task_id, "succeed").locator(".shot").click()
    page.locator("#viewer .course").wait_for()
    assert_fits("viewer")
    if width == 320:
        console.assert_accessible(f"the viewer at {width} px")
    page.keyboard.press("Escape")
    assert_fits("pictures")
    is_chinese = locale == "zh-CN"
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if is_chinese else "en")
    expect(page.locator("#pictures-title")).to_have_text("图片" if is_chinese else "Pictures")
    page.locator("#language").click()
    expect(page.locator("#pictures-title")).to_have_text("Pictures" if is_chinese else "图片")
    page.reload()
    expect(page.locator("#pictures-title")).to_have_text("Pictures" if is_chinese else "图片")


def test_both_languages_have_every_text(console: Console) -> None:
    page = console.page
    page.goto(console.url)
    folder = page.locator("script[type=module]").get_attribute("src").rpartition("/")[0]
    en, zh = (
        page.evaluate(
            "async at => Object.entries((await import(at)).default).map(([name, text]) => [name, typeof text])",
            f"{console.url}{folder}/{name}.js",
        )
        for name in ("en", "zh")
    )
    assert en == zh
    names = page.evaluate(
        """[...document.querySelectorAll("*")].flatMap(
            ({dataset}) => [dataset.t, dataset.tLabel, dataset.tPlaceholder])"""
    )
    assert {name for name in names if name} <= {name for name, _ in en}


def test_the_theme_is_chosen_and_kept(console: Console) -> None:
    page = console.page
    page.goto(console.url)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.locator("#theme").click()
    dark = page.evaluate(paper)
    assert light != dark
    page.reload()
    assert page.evaluate(paper) == dark


def test_it_works_below_a_stage_as_on_aws(console: Console, stack: Stack) -> None:
    [api] = stack.clients.client("apigateway").get_rest_apis()["items"]
    console.url = f"{stack.description['aws_endpoint_url']}/_aws/execute-api/{api['id']}/live/"
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png")
    task_id = console.submit()
    image = console.card(task_id, "succeed").locator(".shot img")
    expect(image).to_have_class("here")
    assert image.get_attribute("src").startswith(console.url)


def test_nothing_is_asked_while_nobody_looks(
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
    # The task ends with the test: it would hold one of the two slots.
    wait_until(lambda: status(console, task_id) == "processing", "it is being generated")
    finish()
    wait_until(lambda: status(console, task_id) == "succeed", "it has ended")


def status(console: Console, task_id: str) -> str:
    """What the API says of a task."""
    told: str = console.api("GET", f"v1/images/multi-image2image/{task_id}")["task_status"]
    return told
