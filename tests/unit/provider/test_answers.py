"""Reading the provider's answers: every variant that was seen has one meaning, and no answer makes a reader raise."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from kiln.contract.vocabulary import TaskStatus
from kiln.provider.answers import ProviderTask, is_about, read_answer, read_task

CALLS = int(os.environ.get("KILN_FUZZ_CALLS", "2000"))
"""How many odd answers are read; KILN_FUZZ_CALLS=25000 before a release."""

OURS = {"task_id": "829", "task_info": {"external_task_id": "mine"}, "task_status": "submitted"}


def read(**fields: Any) -> ProviderTask:
    task = read_task({**OURS, **fields})
    assert task is not None
    return task


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (TaskStatus.SUBMITTED, ["NOT_START", "submitted", "queued", "pending", "Queued"]),
        (TaskStatus.PROCESSING, ["IN_PROGRESS", "processing", "running", "RUNNING"]),
        (TaskStatus.SUCCEED, ["completed", "succeed", "succeeded", "SUCCEED", "success", " Success ", "succeed\n"]),
        (TaskStatus.FAILED, ["failed", "fail", "FAILURE", "error", "canceled", "cancelled", "expired", "TIMEOUT"]),
        (None, ["warming_up", "succeed!", "完成", "3"]),
    ],
)
def test_a_status_word_has_one_meaning_whatever_its_case_and_spaces(status, words):
    assert {read(task_status=word).status for word in words} == {status}


def test_an_unknown_status_keeps_its_word():
    assert read(task_status=" Warming_Up ").status_word == "Warming_Up"
    assert read(task_status=7).status_word == "7"


@pytest.mark.parametrize("word", [None, "", "  ", [], {}, True, float("nan")])
def test_a_status_that_is_no_word_is_none(word):
    assert (read(task_status=word).status, read(task_status=word).status_word) == (None, "")


@pytest.mark.parametrize(
    ("indexes", "numbers"),
    [
        ([0, 1, 2], [0, 1, 2]),
        ([2, 0, 1], [0, 1, 2]),
        ([0, 2, 8], [0, 2, 8]),
        ([None, None, None], [0, 1, 2]),
        ([None, 2, 2], [0, 1, 2]),
        (["0", "1", "2"], [0, 1, 2]),
        ([0.0, 1.0, 2.0], [0, 1, 2]),
        ([-1, 0, 1], [0, 1, 2]),
        ([10**40, 0, 1], [0, 1, 2]),
        ([1, 2, 9], [0, 1, 2]),
        ([True, False, 2], [0, 1, 2]),
        ([0, 0, 0], [0, 1, 2]),
    ],
)
def test_images_are_numbered_by_their_index_or_all_by_their_place(indexes, numbers):
    images = [{"index": index, "url": f"https://cdn.test/{place}"} for place, index in enumerate(indexes)]
    found = read(task_result={"images": images}).images
    assert [image.index for image in found] == numbers
    by_index = indexes if sorted(indexes, key=str) == numbers else numbers
    assert [image.url for image in found] == [images[by_index.index(number)]["url"] for number in numbers]


def test_images_by_place_keep_their_order():
    images = [{"index": 1, "url": "https://b"}, {"index": "0", "url": "https://a"}]
    assert [(image.index, image.url) for image in read(task_result={"images": images}).images] == [
        (0, "https://b"),
        (1, "https://a"),
    ]


@pytest.mark.parametrize("url", [None, 7, [], {}, "", "   ", "u" * 9_000])
def test_an_image_without_a_usable_url_stays_among_the_others(url):
    images = [{"index": 0, "url": "https://a"}, {"index": 1, "url": url}, {"index": 2, "url": "https://c"}]
    assert [image.url for image in read(task_result={"images": images}).images] == ["https://a", "", "https://c"]


def test_element_that_is_no_image_is_left_out_and_keeps_its_place():
    found = read(task_result={"images": ["https://a", None, {"url": "https://c"}, 7]}).images
    assert [(image.index, image.url) for image in found] == [(0, "https://a"), (2, "https://c")]


def test_a_tenth_image_has_no_number():
    assert len(read(task_result={"images": [{"url": "https://a"}] * 12}).images) == 9
    sparse = [None] * 9 + [{"url": "https://a"}]
    assert [image.index for image in read(task_result={"images": sparse}).images] == [0]


@pytest.mark.parametrize(
    "result",
    [
        {"images": [{"url": "https://a"}]},
        {"images": {"index": 0, "url": "https://a"}},
        [{"images": [{"url": "https://a"}]}],
        [{"index": 0, "url": "https://a"}],
        ["https://a"],
    ],
)
def test_a_result_in_a_list_is_read(result):
    assert [(image.index, image.url) for image in read(task_result=result).images] == [(0, "https://a")]


@pytest.mark.parametrize("result", [None, {}, [], "images", 7, {"images": None}, {"images": "x"}, [[]], {"images": {}}])
def test_a_result_without_images_has_none(result):
    assert read(task_result=result).images == []


def test_data_as_a_list_of_one_is_that_one():
    assert read_task([OURS]) == read_task(OURS)
    assert read_task([None, OURS, 7]) == read_task(OURS)


def test_of_several_tasks_the_one_asked_for_is_read():
    other = {**OURS, "task_id": "830", "task_info": {"external_task_id": "yours"}}
    assert read_task([other, OURS], "829", "") == read_task(OURS)
    assert read_task([other, OURS], "mine") == read_task(OURS)
    assert read_task([other, OURS], "831") is None
    assert read_task([{"task_status": "succeed"}] * 2, "829", "") is None


@pytest.mark.parametrize("data", [None, [], "829", 7, True, [[OURS]], [None]])
def test_data_that_is_no_task_is_none(data):
    assert read_task(data) is None


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (829, "829"),
        (829_471_150_163_771_431, "829471150163771431"),
        (" 829 ", "829"),
        (8.29e17, ""),
        (True, ""),
        (None, ""),
        ("", ""),
        ("8" * 300, ""),
        ("8\n29", ""),
        ([829], ""),
    ],
)
def test_an_id_is_a_string_or_a_number_without_loss(value, read_as):
    assert read(task_id=value).task_id == read_as
    assert read(task_info={"external_task_id": value}).external_task_id == read_as


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"code": 0}', 0),
        ('{"code": "0"}', 0),
        ('{"code": " 1303 "}', 1303),
        ('{"code": 0.0}', 0),
        ('\ufeff{"code": 0}', 0),
        ('{"code": 0.5}', None),
        ('{"code": true}', None),
        ('{"code": "²"}', None),
        ('{"code": "-1"}', None),
        ('{"code": "12345678901"}', None),
        ('{"code": 12345678901}', None),
        ('{"code": NaN}', None),
        ('{"code": 1e999}', None),
        ('{"code": null}', None),
        ('{"code": []}', None),
        ("{}", None),
    ],
)
def test_a_code_is_a_number_or_one_in_a_string(body, code):
    answer = read_answer(body.encode())
    assert answer is not None
    assert answer.code == code


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b'"x"', b"\xff\xfe", b"[" * 200_000, b"9" * 5_000])
def test_answer_that_is_no_json_object_is_refused(body):
    assert read_answer(body) is None


def test_additional_fields_are_read_or_kept():
    task = read(
        final_unit_deduction=32,
        final_balance_deduction={"quota": "1.5", "list_price": 0.1},
        queue_seconds=7,
        trace={"node": "a"},
        task_result={"images": [{"url": "https://a", "watermark_url": "https://w"}]},
    )
    assert task.final_unit_deduction == "32"
    assert json.loads(task.final_balance_deduction) == {"quota": "1.5", "list_price": 0.1}
    assert json.loads(task.other) == {"queue_seconds": 7, "trace": {"node": "a"}}
    assert [image.watermark_url for image in task.images] == ["https://w"]
    assert read().other == read().final_balance_deduction == ""


def test_added_fields_are_kept_as_far_as_they_fit():
    task = read(large="x" * 5_000, small=1, **{f"field_{number}": "x" * 100 for number in range(100)})
    assert len(task.other) <= 4_096
    kept = json.loads(task.other)
    assert kept["small"] == 1
    assert "large" not in kept
    assert 30 < len(kept) < 40


def test_half_a_surrogate_pair_is_no_reason_to_fail():
    task = read(task_status_msg="why \ud800", new="\ud800", task_result={"images": [{"url": "https://\udfff"}]})
    assert task.task_status_msg == "why ?"
    assert task.images[0].url == "https://?"
    task.other.encode()


def test_nothing_secret_is_in_the_representation():
    images = [{"url": "https://cdn.test/?sig=1", "watermark_url": "https://cdn.test/?sig=2"}]
    assert "sig=" not in repr(read(task_result={"images": images}, other_link="https://cdn.test/?sig=3"))


@pytest.mark.parametrize(
    ("task_id", "external_id", "asked", "believed"),
    [
        ("829", "mine", ("829", "mine"), True),
        ("830", "mine", ("829", "mine"), True),
        ("829", "", ("829", "mine"), True),
        ("829", "x", ("829", "mine"), True),
        ("", "mine", ("829", "mine"), True),
        ("", "", ("829", "mine"), True),
        ("830", "", ("829", "mine"), False),
        ("830", "x", ("829", "mine"), False),
        ("", "x", ("829", "mine"), False),
        # A look-up by our own id: the provider's id is news.
        ("830", "", ("mine", ""), True),
        ("830", "", ("mine", "mine"), True),
        ("830", "mine", ("mine", ""), True),
        ("830", "x", ("mine", ""), False),
        ("", "", ("mine", ""), True),
    ],
)
def test_an_answer_about_another_task_is_known_by_its_ids(task_id, external_id, asked, believed):
    task = read(task_id=task_id, task_info={"external_task_id": external_id})
    assert is_about(task, *asked) is believed


ODD_TEXT = some.sampled_from(
    [
        *("succeed", "FAILED", "", " ", "²", "٣", "0", "1e999", "\ud800", "\x00", "https://a", "/a", "file:///etc"),
        "x" * 9_000,
    ]
) | some.text(max_size=12)
ODD_NUMBERS = some.integers() | some.floats() | some.sampled_from([10**40, 2**63, float("nan")])
ODD = some.recursive(
    some.none() | some.booleans() | ODD_NUMBERS | ODD_TEXT,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(ODD_TEXT, inner, max_size=4),
    max_leaves=8,
)
ODD_IMAGE = ODD | some.fixed_dictionaries({}, optional={"index": ODD, "url": ODD, "watermark_url": ODD})
ODD_RESULT = ODD | some.fixed_dictionaries({"images": ODD | some.lists(ODD_IMAGE, max_size=12)})
ODD_TASK = some.fixed_dictionaries(
    {},
    optional={
        "task_id": ODD,
        "task_info": ODD | some.fixed_dictionaries({"external_task_id": ODD}),
        "task_status": ODD,
        "task_status_msg": ODD,
        "task_result": ODD_RESULT | some.lists(ODD_RESULT, max_size=2),
        "final_unit_deduction": ODD,
        "final_balance_deduction": ODD,
        "something_new": ODD,
    },
)
ODD_DATA = ODD | ODD_TASK | some.lists(ODD_TASK, max_size=3)


@settings(max_examples=CALLS * 2 // 5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=ODD_DATA, asked=some.sampled_from(["829", "mine", ""]))
def test_no_data_makes_a_reader_raise(data, asked):
    task = read_task(data, asked)
    if task is None:
        return
    assert isinstance(is_about(task, asked, "mine"), bool)
    numbers = [image.index for image in task.images]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(9))
    for text in (task.task_id, task.external_task_id, task.task_status_msg, task.final_unit_deduction, task.other):
        assert len(text.encode()) <= 4 * 4_096
    for text in (task.other, task.final_balance_deduction):
        assert not text or isinstance(json.loads(text), dict)


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value).encode()
    except ValueError:  # An integer of more digits than Python writes.
        return b"{}"


@settings(max_examples=CALLS * 3 // 5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    body=some.binary(max_size=60)
    | ODD_DATA.map(lambda data: _json({"code": 0, "data": data}))
    | some.fixed_dictionaries({}, optional={"code": ODD, "message": ODD, "data": ODD_DATA}).map(_json),
    cut=some.integers(0, 40) | some.just(None),
)
def test_no_bytes_make_a_reader_raise(body, cut):
    answer = read_answer(body if cut is None else body[:cut])
    if answer is not None:
        assert answer.code is None or type(answer.code) is int
        read_task(answer.data, "829")


def test_a_number_of_more_digits_than_python_writes_is_none():
    huge = 10**5_000
    assert read(task_id=huge, task_status_msg=huge, new=huge, task_result={"images": [{"index": huge}]}).task_id == ""
