"""Many pictures at once: the question, one task for each of them, and one for all."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.console.conftest import SAMPLE, Console
from tests.integration.client import picture

REFUSED = {
    "code": 0,
    "message": "SUCCEED",
    "data": {
        "batch_id": "0" * 32,
        "tasks": [{"job": 1, "task_id": "1" * 32}],
        "refused": [
            {
                "job": 2,
                "code": 1201,
                "message": "subject_image_list[0].subject_image: must be a whole, undamaged image, got a cut one",
            }
        ],
    },
}


def drop_folder(console: Console, folder: Path) -> None:
    """Drops a folder on the form, as the system's file manager does it."""
    cdp = console.page.context.new_cdp_session(console.page)
    box = console.page.locator("#subjects").bounding_box()
    assert box
    for kind in ("dragEnter", "dragOver", "drop"):
        cdp.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + 20,
                "y": box["y"] + 20,
                "data": {"items": [], "files": [str(folder)], "dragOperationsMask": 1},
            },
        )


def test_folder_of_pictures_becomes_a_task_for_each(console: Console, tmp_path: Path) -> None:
    folder = tmp_path / "cats"
    (folder / "more").mkdir(parents=True)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(picture())
    (folder / "2.png").write_bytes(picture(400, 400))
    (folder / "10.png").write_bytes(picture(400, 400, "navy"))
    (folder / "more" / "small.png").write_bytes(picture(200, 200))
    page = console.page
    console.enter()
    page.fill("#prompt", "Each in the snow")
    drop_folder(console, folder)
    expect(page.locator("#ask h2")).to_have_text("3 pictures: one task per picture, or together?")
    console.assert_accessible("the question about many pictures")
    console.look("each-or-together")
    page.get_by_role("button", name="One task per picture").click()
    tiles = page.locator("#subjects .filled img")
    expect(tiles).to_have_count(3)
    assert [tile.get_attribute("alt") for tile in tiles.all()] == ["2.png", "10.png", "small.png"]
    page.locator("#submit").click()
    expect(page.locator("[data-field=subject_image_list] > .error")).to_contain_text("Replace or remove")
    page.get_by_label("Remove small.png").click()
    expect(page.locator("#submit")).to_have_text("Start 2 tasks")
    page.locator("#request summary").click()
    expect(page.locator("#request-text")).to_contain_text("/v1/batches")
    console.wait_for_draft(subjects=2, isEach=True, prompt="Each in the snow")
    page.reload()
    expect(page.locator("#each")).to_contain_text("2 pictures, one task each")
    console.assert_accessible("a batch")
    console.look("a-batch")
    page.route("**/v1/batches", lambda route: route.fulfill(json=REFUSED))
    page.locator("#submit").click()
    expect(page.locator("#toast")).to_contain_text("1 task started. 1 picture was refused and is still in the form.")
    expect(page.locator("#subjects .wrong .error")).to_have_text("This picture is damaged. Choose another one.")
    page.unroute("**/v1/batches")
    expect(page.locator("#submit")).to_have_text("Start 1 task")
    page.locator("#submit").click()
    expect(page.locator("#toast")).to_have_text("1 task started. It’s in your gallery.")
    expect(page.locator(".task.succeed .here")).to_have_count(1)
    expect(page.locator(".task .prompt")).to_have_text("Each in the snow")
    [task] = console.api("GET", "v1/images/multi-image2image")
    assert task["batch_id"]

    page.get_by_role("button", name="Remove all").click()
    many = [SAMPLE / "cat.png", SAMPLE / "lantern.png", SAMPLE / "style.png", folder / "2.png", folder / "10.png"]
    console.drop("#subjects", *many)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#subjects .filled")).to_have_count(0)
    console.drop("#subjects", *many)
    page.get_by_role("button", name="Together").click()
    expect(page.locator("#subjects .filled")).to_have_count(4)
    expect(page.locator("#submit")).to_have_text("Create 1 picture")
