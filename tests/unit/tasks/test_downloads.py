"""A result link is resolved to a signed S3 link of a few minutes, for the method that is asked with."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from kiln import links
from kiln.errors import ResourceNotFound
from kiln.images.stored import PreviewFile
from kiln.tasks.downloads import download_address
from kiln.tasks.store import TaskStore
from tests.support.samples import add_task, stored_image

pytestmark = pytest.mark.usefixtures("cloud")


def token(index: int, task_id: str = "task-1") -> str:
    return links._token("result", task_id, str(index))


@pytest.fixture(autouse=True)
def _finished_task(cloud) -> None:
    store = TaskStore()
    task = add_task(n=2)
    store.succeed(task, [stored_image(0), stored_image(1, key="tasks/task-1/1.jpg", content_type="image/jpeg")], "16")


@pytest.mark.parametrize(("index", "file"), [(0, "0.png"), (1, "1.jpg")])
def test_download_link_is_short_lived_and_for_one_image(index, file):
    link = urlsplit(download_address("task-1", token(index), file, method="GET"))
    assert link.path.endswith(f"/tasks/task-1/{file}")
    assert "kiln-outbox" in link.netloc + link.path
    query = parse_qs(link.query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["900"]


def test_get_and_head_have_separate_links():
    signed = {method: download_address("task-1", token(0), "0.png", method=method) for method in ("GET", "HEAD")}
    assert len({parse_qs(urlsplit(link).query)["X-Amz-Signature"][0] for link in signed.values()}) == 2


def test_link_of_a_preview_leads_to_the_preview():
    preview = PreviewFile(key="tasks/task-2/0-preview.webp", size=9, content_type="image/webp")
    TaskStore().succeed(add_task("task-2"), [stored_image(0, preview=preview), stored_image(1)], "16")
    for index, found in ((0, True), (1, False)):
        _, _, task_id, token, file = links.preview_link("", "task-2", index, "image/webp").rsplit("/", 4)
        if found:
            assert "/tasks/task-2/0-preview.webp?" in download_address(task_id, token, file, method="GET")
        else:
            with pytest.raises(ResourceNotFound):
                download_address(task_id, token, file, method="GET")


@pytest.mark.parametrize(
    ("task_id", "presented", "file"),
    [
        ("task-1", "forged", "0.png"),
        ("task-1", None, "2.png"),  # Its token is right, but there is no such image.
        ("task-gone", None, "0.png"),
    ],
)
def test_unknown_image_is_not_found(task_id, presented, file):
    with pytest.raises(ResourceNotFound):
        download_address(task_id, presented or token(int(file[0]), task_id), file, method="GET")
