"""Problems and their sentences: pictures outside the contract, refused requests, failed tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.console.conftest import SAMPLE, Console

SENTENCES = [
    (
        "External_task_id shoot-000 already exists",
        "You already have a task with the ID shoot-000.",
        "您已有 ID 为 shoot-000 的任务。",
    ),
    (
        "subject_image_list[0].subject_image: the URL could not be fetched: [Errno -2] Name or service not known",
        "Subject 1: couldn’t download the picture; the address wasn’t found.",
        "主体图 1：无法下载图片，找不到该地址。",
    ),
    (
        "scene_image: the URL could not be fetched within 5 s",
        "Scene: couldn’t download the picture; the site took too long.",
        "场景图：无法下载图片，对方网站响应超时。",
    ),
    (
        "callback_url: must be an https URL, got 'http://caller.test'",
        "Webhook URL: Enter an address that starts with https://.",
        "Webhook 地址：请输入以 https:// 开头的地址。",
    ),
    (
        "the budget is used up: 100.5 of 100 units this month; the next month begins at 2027-01-01T00:00:00Z",
        "Your 100 units of this month are used up. You can start tasks again on 2027-01-01 (UTC).",
        "本月的 100 个计费单位已用完，2027-01-01（UTC）起可再次创建任务。",
    ),
    (
        "jobs: must be at most 60, the tasks of a minute, got 100",
        "You can start 60 tasks a minute. Remove some pictures.",
        "每分钟最多可开始 60 个任务，请移除部分图片。",
    ),
    ("The provider is full", "The provider is full", "The provider is full"),
]
"""Messages of the API, and their sentences in English and Chinese."""


def test_picture_outside_the_contract_shows_its_problem(console: Console, pictures: Path) -> None:
    console.enter()
    page = console.page
    page.locator("#submit").click()
    expect(page.locator("[data-field=subject_image_list] > .error")).to_have_text("Add at least one subject.")
    expect(page.locator("#add-subjects")).to_be_focused()
    for name, text in (
        ("small.png", "200 × 400 px; each side must be at least 300 px."),
        ("long.png", "1200 × 300 px; the aspect ratio can be at most 2.5 : 1."),
        ("text.png", "This isn’t a JPG or PNG picture."),
        ("phone.jpg", "This is a HEIC file. Save it as JPG or PNG first."),
        ("cut.jpg", "This picture is damaged. Choose another one."),
    ):
        console.choose("subjects", pictures / name)
        expect(page.locator("#subjects .wrong .error")).to_have_text(text)
        expect(page.locator("#toast")).to_have_text(f"{name}: {text}")
        page.locator("#submit").click()
        expect(page.locator("[data-field=subject_image_list] > .error")).to_contain_text("Replace or remove")
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
    expect(page.locator("#prompt-error")).to_have_text("The prompt is 1 character too long.")
    expect(page.locator("#prompt")).to_be_focused()


def test_refused_request_shows_the_reason_at_its_field(console: Console, pictures: Path) -> None:
    console.enter()
    page = console.page
    console.choose("subjects", SAMPLE / "cat.png", pictures / "torn.png")
    page.locator("#submit").click()
    expect(page.locator("#subjects .wrong .address")).to_have_text("torn.png")
    expect(page.locator("#subjects .wrong .error")).not_to_be_empty()
    page.get_by_label("Remove torn.png").click()
    expect(page.locator("#subjects .error")).to_have_count(0)

    page.locator("#advanced summary").click()
    page.fill("#callback", "nowhere")
    page.locator("#advanced summary").click()
    page.locator("#submit").click()
    expect(page.locator("#callback-error")).to_have_text("Enter an address that starts with http:// or https://.")
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
    expect(page.locator("#external-error")).to_have_text("You already have a task with the ID order-7.")


def test_failed_task_shows_its_reason_and_can_be_tried_again(console: Console, faults: Callable[..., None]) -> None:
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
    page.get_by_label("Remove cat.png").click()
    failed.get_by_role("button", name="Edit and resend").click()
    expect(page.locator("#subjects .filled img")).to_have_count(1)
    faults()
    failed.get_by_role("button", name="Try").click()
    again = page.locator(".task.succeed")
    expect(again.locator(".shot")).to_have_count(1)
    assert again.get_attribute("data-id") != task_id
    expect(failed).to_be_visible()


def test_message_of_the_api_becomes_a_sentence_in_the_chosen_language(console: Console) -> None:
    page = console.page
    page.goto(console.url)
    explain = "async ([at, messages]) => { const { explained } = await import(at); return messages.map(explained); }"
    messages, english, chinese = map(list, zip(*SENTENCES, strict=True))
    assert page.evaluate(explain, [console.source("messages.js"), messages]) == english
    page.locator("#language").click()
    assert page.evaluate(explain, [console.source("messages.js"), messages]) == chinese


def test_address_that_the_browser_cannot_parse_is_shown_as_it_is(console: Console) -> None:
    odd = "https://images.example:99999/cat.png"
    body = {"subject_image_list": [{"subject_image": odd}]}
    task_id = console.api("POST", "v1/images/multi-image2image", json=body)["task_id"]
    console.enter(f"&task={task_id}")
    expect(console.page.locator("#viewer .inputs .address")).to_have_text(odd)
