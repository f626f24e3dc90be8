"""Reads, messages and memory are bounded, however much is dropped at once."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter

import pytest

from kiln.drops import folder
from kiln.drops.folder import JOBS_PER_MESSAGE, upwards
from kiln.drops.object_events import object_arrived
from kiln.drops.reader import InboxReader
from tests.support.images import picture
from tests.support.inbox import INBOX, arrived


def report(inbox, keys: list[str], *, batch: int = 10) -> None:
    """Reports objects as the queue does: ten to a batch."""
    for start in range(0, len(keys), batch):
        reader = InboxReader()
        for key in keys[start : start + batch]:
            object_arrived(INBOX, key, reader)


def drop(inbox, calls, keys: list[str], content: bytes) -> Counter[str]:
    """Puts files and reports them; returns the calls of the reports."""
    for key in keys:
        inbox.put(key, content)
    calls.clear()
    report(inbox, keys)
    return Counter(calls)


@pytest.fixture
def long_wait(monkeypatch) -> None:
    monkeypatch.setenv("DROP_WAIT_SECONDS", "900")


def test_100_images_in_a_folder_without_a_job_are_one_message(inbox, accepted, calls, long_wait):
    keys = [f"f/{number:03}.png" for number in range(100)]
    counts = drop(inbox, calls, keys, b"x")
    assert counts["sqs.SendMessage"] == 1
    assert not [call for call in counts if call.startswith("s3.")]
    assert counts["dynamodb.GetItem"] <= 10 + 100
    assert len(accepted) == 0


def test_images_at_the_top_are_two_reads_each_and_no_message(inbox, accepted, calls, long_wait):
    keys = [f"{number:03}.png" for number in range(20)]
    counts = drop(inbox, calls, keys, picture())
    assert len(accepted) == 20
    assert (counts["s3.HeadObject"], counts["s3.GetObject"], counts["s3.ListObjectsV2"]) == (20, 20, 0)
    assert counts["sqs.SendMessage"] == 0


def test_100_files_beside_a_job_are_read_as_the_job_names_them(inbox, accepted, calls, long_wait):
    keys = [f"f/{number:03}.png" for number in range(100)]
    job = {"subject_image_list": [{"subject_image": "099.png"}]}
    inbox.put("f/job.json", json.dumps(job).encode())
    arrived("f/job.json")
    counts = drop(inbox, calls, keys, picture())
    assert len(accepted) == 1
    assert sum(count for call, count in counts.items() if call.startswith("s3.")) <= 10 * 2 + 4


def test_100_files_beside_a_prompt_are_one_check(inbox, calls, long_wait, monkeypatch):
    monkeypatch.setenv("DROP_QUIET_SECONDS", "20")
    keys = [f"f/{number:03}.png" for number in range(100)]
    inbox.drop("f/prompt.txt", b"A cat")
    counts = drop(inbox, calls, keys, b"x")
    assert counts["sqs.SendMessage"] == 0
    assert not [call for call in counts if call.startswith("s3.")]


def test_a_key_449_folders_deep_is_nine_lookups(inbox, calls):
    key = "/".join(["d"] * 449) + "/x"
    inbox.put(key, b"x")
    calls.clear()
    arrived(key)
    assert not [call for call in calls if call.startswith("s3.")]
    assert Counter(calls)["dynamodb.GetItem"] <= 10


def test_upwards_is_the_folder_and_eight_above():
    assert upwards("a/b") == ["a/b", "a"]
    assert len(upwards("/".join("abcdefghijklmn"))) == 9


def test_40_jobs_are_begun_by_four_messages_of_ten(inbox, accepted, calls, monkeypatch):
    monkeypatch.setattr(folder, "JOBS_PER_MESSAGE", 10)
    jobs = [{"prompt": str(n), "subject_image_list": [{"subject_image": f"{n}.png"}]} for n in range(40)]
    inbox.put("f/job.json", json.dumps(jobs).encode())
    for number in range(40):
        inbox.put(f"f/{number}.png", picture())
    calls.clear()
    assert len(object_arrived(INBOX, "f/job.json")) == 10
    assert len([call for call in calls if call.startswith("s3.")]) == 2 + 2 * 10
    inbox.deliver()
    assert len(accepted) == 40


def test_100_jobs_with_defaults_of_1_mb_need_little_memory(inbox, accepted):
    jobs = [{"n": 1, "seed": n, "subject_image_list": [{"subject_image": "missing.png"}]} for n in range(100)]
    inbox.put("f/job.json", json.dumps(jobs).encode())
    inbox.put("f/defaults.json", json.dumps({"prompt": "x", "note": "猫" * 300_000}, ensure_ascii=False).encode())
    object_arrived(INBOX, "f/job.json")
    inbox.put("f/missing.png", picture())
    tracemalloc.start()
    made = object_arrived(INBOX, "f/missing.png")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(made) == JOBS_PER_MESSAGE
    assert peak < 32 * 1024 * 1024
