"""Result links: below Kiln's own address, named by content, worth nothing when anything in them is changed."""

from __future__ import annotations

import re

import pytest

from kiln import links

pytestmark = pytest.mark.usefixtures("cloud")


def parts(link: str) -> tuple[str, str, str]:
    found = re.fullmatch(r"https://kiln\.test/v1/results/([^/]+)/([^/]+)/([^/]+)", link)
    assert found
    return found[1], found[2], found[3]


@pytest.mark.parametrize(("content_type", "extension"), [("image/png", "png"), ("image/jpeg", "jpg")])
@pytest.mark.parametrize("index", range(9))
def test_a_link_leads_back_to_its_image(index, content_type, extension):
    task_id, token, file = parts(links.result_link("https://kiln.test", "task-1", index, content_type))
    assert (task_id, file) == ("task-1", f"{index}.{extension}")
    assert links.result_index(task_id, token, file) == (index, "")


def test_the_link_of_a_watermarked_image_is_another():
    task_id, token, file = parts(links.watermark_link("https://kiln.test", "task-1", 3, "image/webp"))
    assert (task_id, file) == ("task-1", "3-watermark.webp")
    assert links.result_index(task_id, token, file) == (3, links.WATERMARK)
    assert links.result_index(task_id, token, "3.webp") is None


def test_preview_has_its_own_link():
    task_id, token, file = parts(links.preview_link("https://kiln.test", "task-1", 3, "image/webp"))
    assert (task_id, file) == ("task-1", "3-preview.webp")
    assert links.result_index(task_id, token, file) == (3, links.PREVIEW)
    assert links.result_index(task_id, token, "3.webp") is None


def test_a_link_is_for_one_image_of_one_task():
    task_id, token, _ = parts(links.result_link("https://kiln.test", "task-1", 0, "image/png"))
    assert links.result_index("task-2", token, "0.png") is None
    assert links.result_index(task_id, token, "1.png") is None
    assert links.result_index(task_id, token[:-1], "0.png") is None
    assert links.result_index(task_id, "", "0.png") is None


@pytest.mark.parametrize(
    "file",
    ["", "0", "0.bmp", "0-water.png", "-watermark.png", "00.png", "0.png\n", "../0.png", "0.png/", "-1.png", "٠.png"],
)
def test_a_name_that_kiln_does_not_make_is_no_image(file):
    task_id, token, _ = parts(links.result_link("https://kiln.test", "task-1", 0, "image/png"))
    assert links.result_index(task_id, token, file) is None
