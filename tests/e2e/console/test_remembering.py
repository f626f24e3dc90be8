"""The page remembers and finds: the draft, a task's request, the prompt, favourites, links."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import expect

from local.receiver import Receiver
from tests.e2e.console.conftest import DROPPER, SAMPLE, Console
from tests.integration.client import wait_until

PROMPT = "The cat watches over the harbour"
DROP = {"prompt": "A dropped cat", "subject_image_list": [{"subject_image": "cat.png"}]}


def test_draft_and_requests_come_back(open_console: Callable[..., Console]) -> None:
    console = open_console(permissions=["clipboard-read", "clipboard-write"])
    page = console.page
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png", SAMPLE / "lantern.png")
    console.choose("style", SAMPLE / "style.png")
    page.fill("#prompt", PROMPT)
    page.locator("label[for=n-2]").click()
    page.locator("label[for=ratio-3-2]").click()
    console.wait_for_draft(subjects=2, style=1, prompt=PROMPT, n=2, ratio="3:2")
    page.reload()
    expect(page.locator("#subjects .filled")).to_have_count(2)
    expect(page.locator("#style img")).to_have_attribute("alt", "style.png")
    expect(page.locator("#prompt")).to_have_value(PROMPT)
    expect(page.locator("#submit")).to_have_text("Create 2 pictures")

    task_id = console.submit()
    card = console.card(task_id, "succeed")
    expect(card.locator(".prompt")).to_have_text(PROMPT)
    expect(card.locator(".shot .here")).to_have_count(2)
    assert "-preview.webp" in (card.locator(".shot .here").first.get_attribute("src") or "")
    page.fill("#prompt", "")
    page.get_by_label("Remove cat.png").click()
    card.get_by_role("button", name="Use the pictures and prompt").click()
    expect(page.locator("#prompt")).to_have_value(PROMPT)
    expect(page.locator("#subjects .filled img")).to_have_count(2)
    expect(page.locator("#style .filled img")).to_have_count(1)
    console.look("used-again")

    find(console, task_id)
    card.locator(".shot").first.click()
    page.locator("#viewer .timeline").wait_for()
    see_copies(console, task_id)
    console.assert_accessible("a picture to copy")
    console.look("viewer-deeds")
    page.keyboard.press("Escape")

    see_deliveries(console)
    gone = "0" * 32
    page.goto(f"{console.url}#task={gone}")
    page.reload()
    expect(page.locator("#lost")).to_contain_text(f"There is no task {gone}")
    page.get_by_label("Sign out").click()
    page.locator("#sign-in").wait_for()
    console.enter()
    expect(page.locator("#empty, .task").first).to_be_attached()
    expect(page.locator("#prompt")).to_have_value("")


def see_copies(console: Console, task_id: str) -> None:
    """Copies the link and the picture that the viewer shows."""
    page = console.page
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#toast")).to_have_text("Link copied.")
    # The viewer draws itself again, and keeps the place of sentences.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#viewer #toast")).to_have_count(1)
    assert f"/v1/results/{task_id}/" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy picture").click()
    expect(page.locator("#toast")).to_have_text("Picture copied.")
    assert page.evaluate("navigator.clipboard.read().then(([item]) => item.types)") == ["image/png"]


def see_deliveries(console: Console) -> None:
    """Sends the request with a webhook URL, and sees its deliveries in the viewer."""
    page = console.page
    with Receiver() as receiver:
        page.locator("#advanced summary").click()
        page.fill("#callback", receiver.url)
        card = console.card(console.submit(), "succeed")
        card.locator(".shot").first.click()
        wait_until(lambda: len(receiver.received) == 3, "every status is delivered")
    page.keyboard.press("Escape")
    card.locator(".shot").first.click()
    expect(page.locator("#viewer .side")).to_contain_text("Done: delivered (HTTP 200)")
    page.keyboard.press("Escape")


def test_dropped_task_is_used_again(open_console: Callable[..., Console]) -> None:
    console = open_console(caller=DROPPER)
    bucket = console.stack.description["inbox_bucket"]
    content = {"cat.png": (SAMPLE / "cat.png").read_bytes(), "job.json": json.dumps(DROP).encode()}
    for name, body in content.items():
        console.stack.clients.s3.put_object(Bucket=bucket, Key=f"for-the-console/{name}", Body=body)
    console.enter()
    card = console.page.locator(".task")
    wait_until(lambda: console.api("GET", "v1/images/multi-image2image"), "the drop is a task")
    console.page.reload()
    card.get_by_role("button", name="Use the pictures and prompt").click()
    expect(console.page.locator("#prompt")).to_have_value(str(DROP["prompt"]))
    expect(console.page.locator("#subjects .filled img")).to_have_count(1)
    console.page.locator("#request summary").click()
    expect(console.page.locator("#request-text")).to_contain_text("Base64 (Subject 1.png, 41 kB)")


def find(console: Console, task_id: str) -> None:
    """Finds a task by words, by the beginning of its id and as a favourite."""
    page = console.page
    search = page.get_by_label("Search prompts and IDs")
    search.fill("no such words")
    expect(page.locator("#empty")).to_contain_text("No tasks match.")
    search.fill("harbour CAT")
    expect(console.card(task_id)).to_be_visible()
    search.fill(task_id[:6])
    expect(console.card(task_id)).to_be_visible()
    page.select_option("#by-status", "favourites")
    expect(page.locator("#empty")).to_contain_text("No tasks match.")
    page.get_by_role("button", name="Clear filters").click()
    console.card(task_id).get_by_role("button", name="Favourite").click()
    page.select_option("#by-status", "favourites")
    expect(console.card(task_id)).to_be_visible()
    expect(console.card(task_id).get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    console.look("favourites")
    page.select_option("#by-status", "")


def test_picture_by_its_address_is_added(console: Console) -> None:
    page = console.page
    console.enter()
    page.get_by_text("Add a picture from a URL").click()
    page.fill("#address", "pictures.example.com/dog.png")
    page.locator("#add-address").click()
    expect(page.locator("#address-error")).to_have_text("Enter an address that starts with http:// or https://.")
    page.fill("#address", "https://pictures.example.com/dog.png")
    page.select_option("#address-place", "scene")
    page.locator("#address").press("Enter")
    expect(page.locator("#scene .address")).to_have_text("pictures.example.com")
    console.assert_accessible("a picture by its address")
    console.look("from-address")
