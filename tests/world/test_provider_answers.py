"""Odd answers of the provider, end to end: paid images are kept, and the reason is true."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.integration.client import NEVER, Client, wait_until
from tests.integration.driver import Deployment
from tests.world.conftest import FAULTS, about, ended
from tests.world.rows import IMAGES, PNG, ROWS, Row

NAMES = [row.name for row in ROWS]


def test_every_row_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_an_odd_answer_has_its_right_outcome(row: Row, crowd: dict[str, str], kiln: Deployment, client: Client) -> None:
    task = ended(client, crowd[row.name])
    assert task["task_status"] == row.status, task["task_status_msg"]
    assert task["task_status_msg"].startswith(row.message)
    assert bool(task["task_status_msg"]) is bool(row.message) or row.status == "failed"
    assert [image["index"] for image in task["task_result"]["images"]] == row.expected_indexes
    assert kiln.generations(crowd[row.name]) == 1
    for image in task["task_result"]["images"]:
        fetched = kiln.http.get(image["url"], follow_redirects=True)
        assert fetched.status_code == 200
        assert row.stored is None or fetched.content == row.stored
        assert not row.content_type or fetched.headers["content-type"] == row.content_type
    if row.status == "succeed":
        assert task["final_unit_deduction"] == str(16 * row.n)


@about("two of three images")
def test_the_event_says_how_many_images_are_missing(crowd: dict[str, str], kiln: Deployment, client: Client) -> None:
    task_id = crowd["two of three images"]
    ended(client, task_id)

    def ending() -> dict[str, object] | None:
        events = [each["detail"] for each in kiln.events(task_id) if each["detail-type"] == "Image Task Succeeded"]
        return events[0]["data"] if events else None

    assert wait_until(ending, "the event is there")["images_missing"] == 1


@about("fields that are new")
def test_additional_fields_are_passed_on(crowd: dict[str, str], kiln: Deployment, client: Client) -> None:
    task = ended(client, crowd["fields that are new"])
    assert task["final_balance_deduction"] == {"quota": "1.5", "list_price": 0.1}
    assert json.loads(kiln.item(task["task_id"])["provider_fields"]) == {"queue_ms": 7}


SIZED = [row.name for row in IMAGES if row.stored and row.name != "a HEIC"]


@about(*SIZED)
def test_a_picture_of_unusual_form_keeps_its_size(crowd: dict[str, str], kiln: Deployment, client: Client) -> None:
    for name in SIZED:
        ended(client, crowd[name])
        [image] = kiln.item(crowd[name])["result"]
        assert (image["width"], image["height"]) == (320, 200), name


@pytest.fixture
def answer_oddly(kiln: Deployment, client: Client, crowd: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Changes the provider's faults for one test, once the whole crowd has ended."""
    for task_id in crowd.values():
        ended(client, task_id)
    yield kiln.set_faults
    kiln.set_faults(**FAULTS)
    kiln.finish()


def test_the_reason_is_seen_while_an_image_is_awaited(client: Client, answer_oddly: Callable[..., None]) -> None:
    answer_oddly(**FAULTS, answers={"image_bytes": {"http_status": 410, "text": "Gone"}})
    task_id = client.create()

    def refusal() -> str:
        answer = client.send("GET", f"/v1/images/multi-image2image/{task_id}/progress").json()["data"]
        return answer["refusal"] if answer["stage"] == "collecting" else ""

    assert wait_until(refusal, "the reason is seen") == "image 0 of 1: the provider answered HTTP 410"
    answer_oddly(**FAULTS)
    client.wait_for(task_id, "succeed")


@pytest.fixture
def watermarked_url() -> Iterator[str]:
    """The address of an image with a watermark, somewhere else than the image without."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(PNG)))
            self.end_headers()
            self.wfile.write(PNG)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/watermarked"
        server.shutdown()


def test_a_watermarked_image_is_stored_as_an_image_of_its_own(
    kiln: Deployment, client: Client, answer_oddly: Callable[..., None], watermarked_url: str
) -> None:
    answer_oddly(**FAULTS, answers={"images": [{"watermark_url": watermarked_url}]})
    plain, marked = client.create(), client.create(watermark_info={"enabled": True})
    [image] = client.wait_for(marked, "succeed")["task_result"]["images"]
    assert kiln.http.get(image["watermark_url"], follow_redirects=True).content == PNG
    assert kiln.http.get(image["url"], follow_redirects=True).content != PNG
    [image] = client.wait_for(plain, "succeed")["task_result"]["images"]
    assert "watermark_url" not in image


def test_a_charge_is_absent_before_the_end(kiln: Deployment, client: Client, answer_oddly: Callable[..., None]) -> None:
    answer_oddly(task_seconds=NEVER)
    task_id = client.create()
    assert "final_unit_deduction" not in client.get(task_id)
    wait_until(lambda: kiln.generations(task_id), "the provider has it")
    kiln.finish()
    assert client.wait_for(task_id, "succeed")["final_unit_deduction"] == "16"
