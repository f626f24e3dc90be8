"""Reading the provider's answers: every variant that was seen has one meaning, and no answer makes a reader raise."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from typing import Any

import pytest

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


TEXTS = ["succeed", "FAILED", "", " ", "²", "٣", "0", "1e999", "\ud800", "\x00", "https://a", "/a", "file:///etc"]
NUMBERS = [10**40, 2**63, float("nan"), float("inf"), -1, 0, 0.5, 7]
FIELDS = [*OURS, "task_status_msg", "task_result", "final_unit_deduction", "final_balance_deduction", "something_new"]


class Odd:
    """Makes odd values from a seed. Hypothesis took 50 times as long for as many."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.choice = self._random.choice

    def text(self) -> str:
        drawn = "".join(chr(self._random.randrange(0x11_0000)) for _ in range(self._random.randrange(12)))
        return self.choice([*TEXTS, "x" * 9_000, drawn, drawn, drawn])

    def list_of(self, make: Callable[[], Any], size: int) -> list[Any]:
        return [make() for _ in range(self._random.randrange(size + 1))]

    def some_of(self, **makers: Callable[[], Any]) -> dict[str, Any]:
        return {name: make() for name, make in makers.items() if self._random.random() < 0.7}

    def value(self, depth: int = 3) -> Any:
        def inner() -> Any:
            return self.value(depth - 1)

        kind = self._random.randrange(8 if depth else 6)
        if kind == 6:
            return self.list_of(inner, 4)
        if kind == 7:
            return {self.text(): inner() for _ in range(self._random.randrange(5))}
        drawn = [self._random.randint(-(10**12), 10**12), self._random.uniform(-1e300, 1e300), *NUMBERS]
        return self.choice([None, self.choice([True, False]), self.choice(drawn), *[self.text()] * 3])

    def image(self) -> Any:
        return self.choice(
            [self.value, lambda: self.some_of(index=self.value, url=self.text, watermark_url=self.value)]
        )()

    def result(self) -> Any:
        images = self.choice([self.value, lambda: self.list_of(self.image, 12)])
        return self.choice([self.value, lambda: {"images": images()}])()

    def task(self) -> dict[str, Any]:
        info = self.choice([self.value, lambda: {"external_task_id": self.choice([self.value, lambda: "mine"])()}])
        results = self.choice([self.result, lambda: self.list_of(self.result, 2)])
        return self.some_of(**dict.fromkeys(FIELDS, self.value) | {"task_info": info, "task_result": results})

    def data(self) -> Any:
        return self.choice([self.value, self.task, self.task, lambda: self.list_of(self.task, 3)])()

    def body(self) -> bytes:
        answer = self.some_of(code=lambda: self.choice([0, self.value()]), message=self.value, data=self.data)
        body = self.choice([self._random.randbytes(self._random.randrange(60)), *[_json(answer)] * 3])
        return self.choice([body, body[: self._random.randrange(40)], body])


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value).encode()
    except ValueError:  # An integer of more digits than Python writes.
        return b"{}"


@pytest.mark.parametrize("part", range(4))
def test_no_data_makes_a_reader_raise(part):
    for seed in range(part, CALLS, 4):
        odd = Odd(seed)
        data, asked = odd.data(), odd.choice(["829", "mine", ""])
        task = read_task(data, asked)
        if task is None:
            continue
        assert isinstance(is_about(task, asked, "mine"), bool)
        numbers = [image.index for image in task.images]
        assert numbers == sorted(set(numbers)), seed
        assert set(numbers) <= set(range(9)), seed
        for text in (task.task_id, task.external_task_id, task.task_status_msg, task.final_unit_deduction, task.other):
            assert len(text.encode()) <= 4 * 4_096, seed
        for text in (task.other, task.final_balance_deduction):
            assert not text or isinstance(json.loads(text), dict), seed


def test_odd_data_is_often_a_task_with_images():
    tasks = [task for seed in range(400) if (task := read_task(Odd(seed).data())) is not None]
    assert len(tasks) > 100
    assert sum(bool(task.images) for task in tasks) > 50


@pytest.mark.parametrize("part", range(4))
def test_no_bytes_make_a_reader_raise(part):
    for seed in range(part, CALLS, 4):
        answer = read_answer(Odd(seed).body())
        if answer is not None:
            assert answer.code is None or type(answer.code) is int, seed
            read_task(answer.data, "829")


def test_a_number_of_more_digits_than_python_writes_is_none():
    huge = 10**5_000
    assert read(task_id=huge, task_status_msg=huge, new=huge, task_result={"images": [{"index": huge}]}).task_id == ""
