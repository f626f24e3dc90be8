"""Harmless variants are read as what they mean, and fields without effect are named."""

from __future__ import annotations

import json

import pytest

from kiln.contract import parse_create_request
from tests.support.samples import SUBJECT_URL, create_body, create_request

SUBJECTS = [{"subject_image": SUBJECT_URL}]


@pytest.mark.parametrize("name", ["image_size", "resolution", "negative_prompt", "result_type", "user"])
@pytest.mark.parametrize("value", ["1k", 4, None, {"a": []}])
def test_field_of_another_product_is_ignored_without_a_word(name, value):
    assert create_request(**{name: value}) == create_request()


@pytest.mark.parametrize("value", ["1k", 4, {"a": []}, False])
def test_field_that_has_no_effect_is_named(value):
    assert create_request(promt=value, seed=value).ignored == ["promt", "seed"]


@pytest.mark.parametrize("value", [None, "", "  "])
def test_empty_field_that_has_no_effect_is_not_named(value):
    assert create_request(promt=value).ignored == []


def test_ignored_fields_inside_objects_are_named_with_their_place():
    request = create_request(
        subject_image_list=[{"subject_image": SUBJECT_URL, "name": "cat"}], watermark_info={"enable": True}
    )
    assert request.ignored == ["subject_image_list[0].name", "watermark_info.enable"]


def test_ignored_fields_are_bounded():
    request = create_request(**{f"{number:03}{'x' * 99}": 1 for number in range(99)})
    assert len(request.ignored) == 20
    assert {len(name) for name in request.ignored} == {64}


def test_a_field_named_ignored_is_ignored_as_any_other():
    assert create_request(ignored=["prompt"], _ignored=["n"]).ignored == ["ignored", "_ignored"]


def test_ignored_fields_are_kept_by_a_copy():
    request = create_request(promt="A cat", external_task_id="mine")
    assert request.model_copy(update={"external_task_id": None}).ignored == ["promt"]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"scence_image": SUBJECT_URL}, {"scene_image": SUBJECT_URL}),
        ({"model": "kling-v2-1"}, {"model_name": "kling-v2-1"}),
        ({"model": "kling-v2-1", "model_name": None}, {"model_name": "kling-v2-1"}),
        ({"model": "kling-v2-1", "model_name": "kling-v2-1"}, {"model_name": "kling-v2-1"}),
        ({"model_name": "KLING-V2-1"}, {"model_name": "kling-v2-1"}),
        ({"model_name": " kling-v2-1\n"}, {"model_name": "kling-v2-1"}),
        ({"aspect_ratio": " 2:3"}, {"aspect_ratio": "2:3"}),
        ({"prompt": "  A cat\n"}, {"prompt": "A cat"}),
        ({"prompt": " \n"}, {}),
        ({"callback_url": " https://caller.test/hook "}, {"callback_url": "https://caller.test/hook"}),
        ({"external_task_id": 7}, {"external_task_id": "7"}),
        ({"external_task_id": 10**20}, {"external_task_id": "100000000000000000000"}),
        ({"external_task_id": " mine "}, {"external_task_id": "mine"}),
        ({"n": "3"}, {"n": 3}),
        ({"n": " 3 "}, {"n": 3}),
        ({"n": 3.0}, {"n": 3}),
        ({"watermark_info": True}, {"watermark_info": {"enabled": True}}),
        ({"watermark_info": False}, {}),
        ({"watermark_info": {"enabled": "true"}}, {"watermark_info": {"enabled": True}}),
        ({"subject_image_list": [SUBJECT_URL]}, {}),
        ({"subject_image_list": [f" {SUBJECT_URL} "]}, {}),
        ({"subject_image_list": [*SUBJECTS, ""]}, {}),
        ({"subject_image_list": [*SUBJECTS, None, {}]}, {}),
        ({"subject_image_list": [*SUBJECTS, {"subject_image": ""}]}, {}),
        ({"subject_image_list": [*SUBJECTS, {"subject_image": None}]}, {}),
        ({"subject_image_list": [*SUBJECTS * 4, {"subject_image": " "}]}, {"subject_image_list": SUBJECTS * 4}),
    ],
)
def test_harmless_variant_is_read_as_what_it_means(sent, meant):
    assert create_request(**sent) == create_request(**meant)
    assert parse_create_request(json.dumps(create_body(**sent)), {}) == create_request(**meant)


@pytest.mark.parametrize(
    ("sent", "ignored"),
    [
        ({"model": "kling-v1", "model_name": "kling-v2-1"}, "model"),
        ({"scence_image": SUBJECT_URL, "scene_image": "https://images.test/scene.jpg"}, "scence_image"),
    ],
)
def test_contracts_name_wins_over_its_alias_which_is_then_named(sent, ignored):
    request = create_request(**sent)
    assert request.ignored == [ignored]
    assert request.scene_image is None or request.scene_image.url == "https://images.test/scene.jpg"
    assert request.model_name == sent.get("model_name", "kling-v2")
