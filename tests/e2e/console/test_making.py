"""From a key to pictures: signing in, giving pictures in every way, watching, looking, saving."""

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


def test_a_wrong_key_is_told_and_the_right_one_stays_in_the_tab(console: Console) -> None:
    page = console.page
    page.goto(console.url)
    expect(page.locator("#key")).to_be_focused()
    console.assert_accessible("sign-in")
    console.look("sign-in")
    for wrong in ("nobody", "ключ"):
        page.fill("#key", wrong)
        page.keyboard.press("Enter")
        expect(page.locator("#key-error")).to_have_text("Kiln does not know this key.")
        expect(page.locator("#key")).to_be_focused()
        page.fill("#key", "")
        page.locator("#sign-in-form button").click()
        expect(page.locator("#key-error")).to_have_text("Paste your key first.")
    page.fill("#key", console.caller.api_key)
    page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_contain_text("Nothing here yet")
    console.assert_accessible("nothing yet")
    console.look("empty")
    kept = page.evaluate("[JSON.stringify({...sessionStorage}), JSON.stringify({...localStorage}), document.cookie]")
    assert console.caller.api_key in kept[0]
    assert not any(console.caller.api_key in each for each in kept[1:])
    other_tab = page.context.new_page()
    other_tab.goto(console.url)
    expect(other_tab.locator("#sign-in")).to_be_visible()
    page.reload()
    expect(page.locator("#studio")).to_be_visible()
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_link_signs_in_and_leaves_no_key_in_the_address(console: Console) -> None:
    console.page.goto(f"{console.url}#key={console.caller.api_key}")
    console.page.locator("#studio").wait_for()
    assert console.page.url == console.url
    console.page.go_back()
    assert console.caller.api_key not in console.page.url


def test_a_key_that_is_taken_away_leads_back_to_the_sign_in(console: Console) -> None:
    console.page.goto(f"{console.url}#key=was-good-yesterday")
    expect(console.page.locator("#key-error")).to_contain_text("no longer takes the key")


def test_from_files_to_pictures(console: Console) -> None:
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
    expect(page.locator("#said")).to_have_text("2 pictures ready.")
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
    """Looks at the second picture of a task in full, and at what it was made from."""
    page = console.page
    console.card(task_id).locator(".shot").first.click()
    viewer = page.locator("#viewer")
    wait_until(lambda: viewer.locator(".whole").evaluate(IS_DRAWN), "the picture is drawn in full")
    inputs = viewer.locator(".inputs img")
    expect(inputs).to_have_count(4)
    for image in inputs.all():
        wait_until(lambda each=image: each.evaluate(IS_DRAWN), "the input is drawn")
    expect(viewer.locator(".words")).to_have_text("The cat watches over the harbour 🐈")
    expect(viewer.locator(".course li")).to_have_count(5)
    # As the British write it: the tests' browser is theirs.
    expect(viewer.locator(".course time").first).to_have_text(re.compile(r"^\d{1,2} [A-Z][a-z]+ \d{4}, \d\d:"))
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
    """Saves the picture that is looked at, and all of its task."""
    page = console.page
    viewer = page.locator("#viewer")
    with page.expect_request(_is_fetched) as asked, page.expect_download() as saved:
        viewer.get_by_label("Save this picture").click()
    # What is shown was fetched without CORS, and S3 says so only to who asks: what the browser keeps of it is no good.
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


def test_a_picture_has_an_address_and_back_closes_it(console: Console) -> None:
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


def test_pictures_are_dropped_pasted_and_taken_out(console: Console) -> None:
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
    expect(page.locator("#said")).to_have_text("There is room for four subjects.")
    page.get_by_label("Remove lantern.png").click()
    expect(page.locator("#subjects .filled")).to_have_count(3)
    page.locator("#request summary").click()
    expect(page.locator("#request-text")).to_contain_text("https://pictures.example.com/dog.png")


def test_a_picture_too_big_for_the_request_is_uploaded_ahead(console: Console, pictures: Path) -> None:
    console.enter()
    console.choose("subjects", pictures / "large.png")
    expect(console.page.locator("#subjects img")).to_be_visible()
    task_id = console.submit()
    expect(console.card(task_id, "succeed").locator(".shot")).to_have_count(1)
    kept = console.api("GET", f"v1/images/multi-image2image/{task_id}/request")
    # It is the task's own now, a copy of what was uploaded.
    assert f"/{task_id}/" in kept["subject_image_list"][0]["subject_image"]


def test_the_copied_command_makes_the_same_request(
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
    expect(page.locator("#said")).to_have_text("Copied.")
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


def test_by_keyboard_alone(console: Console) -> None:
    page = console.page
    # From here on the browser hands its dialogs over: a key is pressed sooner than that could be arranged.
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
    expect(page.locator("#submit")).to_have_text("Make 2 pictures")
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
