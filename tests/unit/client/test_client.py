"""The operations of both clients."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

import kiln_client
from kiln_client import InvalidImage, Job, Kiln, TaskFailed
from tests.support.fake_api import TASKS, FakeApi, refusal, success
from tests.support.images import padded, picture

PNG = picture()
MEGABYTE = 1024 * 1024


def test_create_without_options_sends_only_images(kiln: Any, api: FakeApi) -> None:
    task = kiln.create(PNG)
    assert task.task_id == "task-1"
    assert api.created() == [{"subject_image_list": [{"subject_image": base64.b64encode(PNG).decode()}]}]


def test_usage_is_read_as_days_and_decimals(kiln: Any, api: FakeApi) -> None:
    first, second = kiln.usage(date(2026, 11, 1))
    assert (first.day, first.units, first.failures) == (date(2026, 11, 27), Decimal("16.5"), 1)
    assert first.units + second.units == Decimal("24.5")
    assert dict(api.requests[-1].url.params) == {"by": "day", "from": "2026-11-01"}


def test_create_sends_every_option(kiln: Any, api: FakeApi, tmp_path: Path) -> None:
    scene = tmp_path / "scene.jpg"
    scene.write_bytes(picture(form="JPEG"))
    kiln.create(
        "https://example.com/cat.png",
        "kiln-upload://earlier",
        scene_image=scene,
        style_image=str(scene),
        prompt="A cat",
        n=3,
        aspect_ratio="1:1",
        model_name="kling-v2-1",
        watermark=False,
        callback_url="https://example.com/hook",
        callback_statuses=["failed"],
        external_task_id="order-1",
        idempotency_key="mine",
    )
    in_body = base64.b64encode(scene.read_bytes()).decode()
    assert api.created() == [
        {
            "subject_image_list": [
                {"subject_image": "https://example.com/cat.png"},
                {"subject_image": "kiln-upload://earlier"},
            ],
            "scene_image": in_body,
            "style_image": in_body,
            "prompt": "A cat",
            "n": 3,
            "aspect_ratio": "1:1",
            "model_name": "kling-v2-1",
            "watermark_info": {"enabled": False},
            "callback_url": "https://example.com/hook",
            "callback_statuses": ["failed"],
            "external_task_id": "order-1",
        }
    ]
    assert api.received("POST", TASKS)[0].headers["Idempotency-Key"] == "mine"


def test_images_too_large_for_a_request_are_uploaded(kiln: Any, api: FakeApi) -> None:
    small, large = padded(PNG, MEGABYTE), padded(PNG, 3 * MEGABYTE)
    kiln.create(large, small, scene_image=padded(PNG, 10 * MEGABYTE))
    body = api.created()[0]
    sent = [each["subject_image"] for each in body["subject_image_list"]]
    assert sent == ["kiln-upload://0", base64.b64encode(small).decode()]
    assert body["scene_image"] == "kiln-upload://1"
    assert large in api.uploads["kiln-upload://0"]
    assert len(api.received("POST", TASKS)[0].content) < 5 * MEGABYTE


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("nowhere.png", "nowhere.png: no such file"),
        (b"GIF89a", "image: must be a JPEG or PNG image, got a GIF; export it as JPEG"),
        (b"", "image: must be a JPEG or PNG image, got an empty file"),
        (padded(PNG, 10 * MEGABYTE + 1), "image: must be at most 10 MB, got 10.0 MB"),
    ],
)
def test_unusable_image_is_refused_before_any_request(kiln: Any, api: FakeApi, source: Any, complaint: str) -> None:
    with pytest.raises(InvalidImage, match=complaint):
        kiln.create(PNG, source)
    assert api.requests == []


def test_external_id_with_odd_characters_is_quoted(kiln: Any, api: FakeApi) -> None:
    api.add("order 7/8?ä")
    assert kiln.get("order 7/8?ä").has_succeeded


def test_unknown_fields_are_in_answer(kiln: Any, api: FakeApi) -> None:
    api.add("task-1")
    assert kiln.get("task-1").answer["something_new"] is True


def test_list_reads_all_pages(kiln: Any, api: FakeApi) -> None:
    api.add(*[f"t{number}" for number in range(5)])
    assert [task.task_id for task in kiln.list(page_size=2)] == ["t4", "t3", "t2", "t1", "t0"]
    assert len(api.requests) == 4  # Only an empty page is the end.


def test_short_page_is_not_the_last(kiln: Any, api: FakeApi) -> None:
    api.add(*[f"t{number}" for number in range(5)])

    def with_a_hole(_: httpx.Request) -> httpx.Response:
        first = api._list(httpx.QueryParams(pageNum=1, pageSize=2)).json()
        return success(first["data"][:1])

    api.first = [with_a_hole]
    assert [task.task_id for task in kiln.list(page_size=2)] == ["t4", "t2", "t1", "t0"]


def test_task_on_two_pages_is_found_once(kiln: Any, api: FakeApi) -> None:
    api.add(*[f"t{number}" for number in range(4)])

    def one_more(_: httpx.Request) -> httpx.Response:
        answer = api._list(httpx.QueryParams(pageNum=1, pageSize=2))
        api.add("t4")
        return answer

    api.first = [one_more]
    assert [task.task_id for task in kiln.list(page_size=2)] == ["t3", "t2", "t1", "t0"]


def test_list_sends_filters(kiln: Any, api: FakeApi) -> None:
    api.add("bad", stages=("failed",))
    api.add("good")
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    assert [task.task_id for task in kiln.list(status="failed", created_after=moment)] == ["bad"]
    assert api.requests[0].url.params["created_after"] == str(int(moment.timestamp() * 1_000))


def test_list_requests_a_page_when_it_is_needed(api: FakeApi) -> None:
    api.add(*[f"t{number}" for number in range(9)])
    with Kiln("https://kiln.example/live", "key-of-mine", transport=api.transport()) as kiln:
        assert [task.task_id for task in islice(kiln.list(page_size=3), 2)] == ["t8", "t7"]
    assert len(api.requests) == 1


def test_generate_returns_the_images(kiln: Any, api: FakeApi, pauses: list[float]) -> None:
    task = kiln.generate(PNG, n=2)
    assert [image.index for image in task.images] == [0, 1]
    assert pauses
    assert max(pauses) <= 4


def test_wait_for_a_failing_task_raises(kiln: Any, api: FakeApi) -> None:
    api.add("bad", stages=("generating", "failed"))
    with pytest.raises(TaskFailed, match="risk control") as failed:
        kiln.wait("bad")
    assert failed.value.task.task_id == "bad"


def test_wait_survives_an_outage(kiln: Any, api: FakeApi) -> None:
    api.add("good", stages=("generating", "succeed"))
    api.first = [httpx.ReadTimeout("slow"), refusal(500, 5000, "internal error")]
    assert kiln.wait("good").has_succeeded


def test_wait_beyond_the_timeout_raises(kiln: Any, api: FakeApi, pauses: list[float]) -> None:
    api.add("slow", stages=("generating",))
    with pytest.raises(kiln_client.WaitTimedOut) as late:
        kiln.wait("slow", timeout=0.1)
    assert (late.value.task_ids, pauses) == (("slow",), [])


def test_follow_finds_every_change_of_every_task(kiln: Any, api: FakeApi) -> None:
    api.add("one", stages=("waiting", "waiting", "generating", "succeed"))
    api.add("two", stages=("generating", "failed"))
    seen = [(each.task_id, each.stage) for each in kiln.follow("one", "two", "one")]
    assert [stage for task_id, stage in seen if task_id == "one"] == ["waiting", "generating", "succeed"]
    assert [stage for task_id, stage in seen if task_id == "two"] == ["generating", "failed"]


def test_save_names_files_by_their_content(kiln: Any, api: FakeApi, tmp_path: Path) -> None:
    api.add("good", n=2)
    paths = kiln.save("good", tmp_path / "new")
    assert paths == [tmp_path / "new" / "good-0.png", tmp_path / "new" / "good-1.jpg"]
    for path in paths:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
    assert sorted((tmp_path / "new").iterdir()) == paths


def test_key_is_sent_only_to_the_api(kiln: Any, api: FakeApi, tmp_path: Path) -> None:
    api.add("good")
    kiln.save("good", tmp_path)
    elsewhere = [each for each in api.requests if not each.url.path.startswith(TASKS)]
    assert [each.url.host for each in elsewhere] == ["kiln.example", "bucket.example"]
    assert not any("Authorization" in each.headers for each in elsewhere)


def test_save_of_an_unfinished_task_raises(kiln: Any, api: FakeApi, tmp_path: Path) -> None:
    api.add("slow", stages=("generating",))
    with pytest.raises(kiln_client.NotFinished, match="its status is processing"):
        kiln.save("slow", tmp_path)


def test_other_operations_return_their_answers(kiln: Any, api: FakeApi) -> None:
    api.add("first", stages=("waiting",), prompt="A cat", scene_image="https://example.com/scene.png")
    assert kiln.progress("first").queue_position == 2
    assert kiln.request("first").scene_image == "https://example.com/scene.png"
    assert kiln.deliveries("first")[0].outcome == "delivered"
    assert kiln.cancel("first").task_status == "failed"
    again = kiln.retry("first", idempotency_key="again")
    assert again.task_id == kiln.retry("first", idempotency_key="again").task_id
    assert kiln.upload(PNG) == "kiln-upload://0"


def test_missing_url_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILN_URL", raising=False)
    monkeypatch.setenv("KILN_KEY", "key-of-mine")
    with pytest.raises(kiln_client.NotConfigured, match="KILN_URL"):
        Kiln()
    monkeypatch.setenv("KILN_URL", "https://kiln.example/")
    Kiln().close()


def test_key_is_not_in_the_repr() -> None:
    with Kiln("https://kiln.example", "key-of-mine") as kiln:
        assert "key-of-mine" not in repr(vars(kiln._operations))


def test_get_asks_to_wait_for_a_change(kiln: Any, api: FakeApi) -> None:
    api.add("task-1")
    kiln.get("task-1", wait=20)
    kiln.get("task-1")
    assert [each.headers.get("Prefer") for each in api.requests] == ["wait=20", None]


def test_batch_sends_an_image_of_several_jobs_once(kiln: Any, api: FakeApi) -> None:
    large = padded(PNG, 4 * MEGABYTE)
    batch = kiln.create_batch(
        [Job(large, prompt="One"), Job(large, "https://x/cat.png", n=2, watermark=True)],
        external_batch_id="order-7",
        callback_url="https://x/hook",
        idempotency_key="mine",
    )
    assert len(api.uploads) == 1
    [sent] = api.received("POST", "/live/v1/batches")
    assert sent.headers["Idempotency-Key"] == "mine"
    assert json.loads(sent.content) == {
        "external_batch_id": "order-7",
        "callback_url": "https://x/hook",
        "jobs": [
            {"subject_image_list": [{"subject_image": "kiln-upload://0"}], "prompt": "One"},
            {
                "subject_image_list": [
                    {"subject_image": "kiln-upload://0"},
                    {"subject_image": "https://x/cat.png"},
                ],
                "n": 2,
                "watermark_info": {"enabled": True},
            },
        ],
    }
    assert (batch.batch_id, batch.task_ids) == ("batch-1", ("job-1", "job-2"))


def test_batch_is_followed_to_its_end(kiln: Any, api: FakeApi) -> None:
    kiln.create_batch([Job(PNG), Job(PNG)])
    seen = list(kiln.follow_batch("batch-1"))
    assert seen[-1].is_finished
    assert seen[-1].counts["succeed"] == 2
    assert [task.has_succeeded for task in seen[-1].tasks] == [True, True]
    assert kiln.cancel_batch("batch-1").batch_id == "batch-1"


def test_misspelt_option_of_a_job_is_an_error(kiln: Any) -> None:
    with pytest.raises(TypeError, match="no such option: promt"):
        kiln.create_batch([Job(PNG, promt="A cat")])  # type: ignore[call-arg]
