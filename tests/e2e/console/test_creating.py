"""From files to pictures: choosing pictures in every way, sending the request, viewing and saving the result."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Request, expect

from tests.e2e.console.conftest import SAMPLE, Console
from tests.integration.client import wait_until

IS_DRAWN = "image => image.complete && image.naturalWidth > 0"


def test_chosen_files_become_pictures_that_can_be_viewed_and_saved(console: Console) -> None:
    page = console.page
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png", SAMPLE / "lantern.png")
    console.choose("scene", SAMPLE / "scene.jpg")
    console.choose("style", SAMPLE / "style.png")
    page.fill("#prompt", "The cat watches over the harbour 🐈")
    expect(page.locator("#prompt-count")).to_have_text("34 of 2,500")
    page.locator("label[for=n-2]").click()
    page.locator("label[for=ratio-3-2]").click()
    page.locator("#request summary").click()
    expect(page.locator("#request-text")).to_contain_text('"n": 2')
    expect(page.locator("#request-text")).to_contain_text("Base64 (cat.png, 41 kB)")
    console.assert_accessible("a request")
    console.look("a-request")

    task_id = console.submit()
    expect(console.card(task_id).locator(".stage")).not_to_be_empty()
    console.look("working")
    shots = console.card(task_id, "succeed").locator(".shot")
    expect(shots).to_have_count(2)
    expect(page.locator("#toast")).to_have_text("2 pictures ready.")
    for image in shots.locator("img").all():
        wait_until(lambda each=image: each.evaluate(IS_DRAWN), "the picture is drawn")
    console.assert_accessible("done")
    console.look("done")

    look_at(console, task_id)
    save(console, task_id)
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    expect(shots.first).to_be_focused()
    page.wait_for_url(console.url)


def look_at(console: Console, task_id: str) -> None:
    """Opens a task of two pictures in the viewer, and checks its inputs, timeline and zoom."""
    page = console.page
    console.card(task_id).locator(".shot").first.click()
    viewer = page.locator("#viewer")
    wait_until(lambda: viewer.locator(".whole").evaluate(IS_DRAWN), "the picture is drawn in full")
    inputs = viewer.locator(".inputs img")
    expect(inputs).to_have_count(4)
    for image in inputs.all():
        wait_until(lambda each=image: each.evaluate(IS_DRAWN), "the input is drawn")
    expect(viewer.locator(".words")).to_have_text("The cat watches over the harbour 🐈")
    expect(viewer.locator(".timeline li")).to_have_count(5)
    # The browser of the tests writes dates in British English.
    expect(viewer.locator(".timeline time").first).to_have_text(re.compile(r"^\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:"))
    console.assert_accessible("a picture in full")
    console.look("viewer")
    page.keyboard.press("ArrowRight")
    expect(viewer.locator("h2 small")).to_have_text("2 / 2")
    page.keyboard.press("+")
    expect(viewer.locator(".canvas")).to_have_class("canvas actual")
    page.keyboard.press("0")
    expect(viewer.locator(".canvas")).to_have_class("canvas")


def _is_fetched(request: Request) -> bool:
    return request.resource_type == "fetch" and "/v1/results/" in request.url


def save(console: Console, task_id: str) -> None:
    """Saves the picture in the viewer, then all pictures of its task."""
    page = console.page
    viewer = page.locator("#viewer")
    with page.expect_request(_is_fetched) as asked, page.expect_download() as saved:
        viewer.get_by_label("Save this picture").click()
    # The <img> was loaded without CORS, so the browser's cached answer cannot be read by the page.
    assert asked.value.all_headers()["cache-control"] == "no-cache"
    assert saved.value.suggested_filename.startswith(f"{task_id}-1.")
    with Image.open(saved.value.path()) as image:
        image.load()
    with page.expect_download() as saved:
        viewer.get_by_label("Save all 2").click()
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 2
        for name in archive.namelist():
            with Image.open(io.BytesIO(archive.read(name))) as image:
                image.load()


def test_opened_picture_has_an_address_and_back_closes_it(console: Console) -> None:
    console.enter()
    console.drop("#make", SAMPLE / "cat.png")
    expect(console.page.locator("#subjects .filled")).to_have_count(1)
    task_id = console.submit()
    console.card(task_id, "succeed").locator(".shot").click()
    console.page.wait_for_url(f"**/#task={task_id}&image=0")
    console.page.go_back()
    expect(console.page.locator("#viewer")).to_be_hidden()
    console.page.go_forward()
    expect(console.page.locator("#viewer .whole")).to_be_visible()
    console.page.reload()
    expect(console.page.locator("#viewer .whole")).to_be_visible()


def test_dropped_and_pasted_pictures_fill_the_form_and_can_be_removed(console: Console) -> None:
    page = console.page
    console.enter()
    console.drop("#scene", SAMPLE / "scene.jpg")
    expect(page.locator("#scene img")).to_have_attribute("alt", "scene.jpg")
    console.drop("#subjects", SAMPLE / "cat.png", SAMPLE / "lantern.png")
    page.evaluate(
        """() => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", "https://pictures.example.com/dog.png");
            document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
        }"""
    )
    expect(page.locator("#subjects .filled")).to_have_count(3)
    expect(page.locator("#subjects .address")).to_have_text("pictures.example.com")
    console.drop("#subjects", SAMPLE / "style.png", SAMPLE / "cat.png")
    expect(page.locator("#subjects .filled")).to_have_count(4)
    expect(page.locator("#toast")).to_have_text("You can add up to four subjects.")
    page.get_by_label("Remove lantern.png").click()
    expect(page.locator("#subjects .filled")).to_have_count(3)
    page.locator("#request summary").click()
    expect(page.locator("#request-text")).to_contain_text("https://pictures.example.com/dog.png")


def test_picture_too_large_for_the_request_is_uploaded_first(console: Console, pictures: Path) -> None:
    console.enter()
    console.choose("subjects", pictures / "large.png")
    expect(console.page.locator("#subjects img")).to_be_visible()
    task_id = console.submit()
    expect(console.card(task_id, "succeed").locator(".shot")).to_have_count(1)
    kept = console.api("GET", f"v1/images/multi-image2image/{task_id}/request")
    # The task has its own copy of the upload.
    assert f"/{task_id}/" in kept["subject_image_list"][0]["subject_image"]


def test_copied_command_creates_the_same_request(
    open_console: Callable[..., Console], pictures: Path, tmp_path: Path
) -> None:
    console = open_console(permissions=["clipboard-read", "clipboard-write"])
    page = console.page
    console.enter()
    console.choose("subjects", pictures / "it's a cat.png", pictures / "large.png")
    prompt = 'She said: "it\'s $HOME, `ls` \\n or 猫"\nand left'
    page.fill("#prompt", prompt)
    page.locator("label[for=ratio-21-9]").click()
    page.locator("#request summary").click()
    page.locator("#copy-curl").click()
    expect(page.locator("#toast")).to_have_text("Copied.")
    command = page.evaluate("navigator.clipboard.readText()")
    assert console.caller.api_key not in command
    environment = {**os.environ, "KILN_KEY": console.caller.api_key, "NO_PROXY": "127.0.0.1"}
    ran = subprocess.run(
        ["sh", "-c", command], cwd=pictures, env=environment, capture_output=True, text=True, check=False
    )
    answer = json.loads(ran.stdout or "{}")
    assert answer.get("code") == 0, (command, ran.stdout, ran.stderr)
    kept = console.api("GET", f"v1/images/multi-image2image/{answer['data']['task_id']}/request")
    assert (kept["prompt"], kept["aspect_ratio"], len(kept["subject_image_list"])) == (prompt, "21:9", 2)


def test_keyboard_alone_creates_and_views_pictures(console: Console) -> None:
    page = console.page
    # Listen for dialogs from the start: a key is pressed sooner than a listener could be added.
    page.on("filechooser", lambda _: None)
    page.goto(console.url)
    page.keyboard.type(console.caller.api_key)
    page.keyboard.press("Enter")
    page.locator("#studio").wait_for()

    def tab_to(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {selector}")

    tab_to("#add-subjects")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([SAMPLE / "cat.png"])
    expect(page.locator("#subjects .filled")).to_have_count(1)
    page.locator("#main").focus()
    tab_to("#prompt")
    page.keyboard.type("A cat")
    tab_to("input[name=ratio]:checked")
    page.keyboard.press("ArrowRight")
    tab_to("input[name=n]:checked")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#submit")).to_have_text("Create 2 pictures")
    tab_to("#submit")
    page.keyboard.press("Enter")
    page.locator(".task.succeed").wait_for()
    tab_to(".shot")
    page.keyboard.press("Enter")
    expect(page.locator("#viewer .close")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer h2 small")).to_have_text("2 / 2")
    page.keyboard.press("Escape")
    expect(page.locator(".task.succeed .shot").first).to_be_focused()
    [task] = console.api("GET", "v1/images/multi-image2image")
    asked = console.api("GET", f"v1/images/multi-image2image/{task['task_id']}/request")
    assert (asked["aspect_ratio"], asked["n"], asked["prompt"]) == ("9:16", 2, "A cat")
