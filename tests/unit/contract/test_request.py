"""The create request: every field with its default and limits, what counts as absent, and how a refusal reads."""

from __future__ import annotations

import json

import pytest

from kiln.contract import AspectRatio, ModelName, named_images, parse_create_request
from kiln.contract.request import CreateRequest
from kiln.errors import InvalidRequest
from kiln.images.inputs import S3Image
from tests.support.images import in_base64, padded, picture
from tests.support.samples import SUBJECT_URL, create_body, create_request

SUBJECTS = [{"subject_image": SUBJECT_URL}]


def refusal(body) -> str:
    with pytest.raises(InvalidRequest) as refused:
        parse_create_request(body, {})
    assert (refused.value.code, refused.value.http_status) == (1201, 400)
    return refused.value.message


def test_the_one_required_field_is_enough_and_the_rest_has_the_defaults_of_the_contract():
    request = create_request()
    assert request.model_name is ModelName.KLING_V2
    assert request.prompt is None
    assert request.scene_image is None
    assert request.style_image is None
    assert request.n == 1
    assert request.aspect_ratio is AspectRatio.R16_9
    assert request.watermark_info.enabled is False
    assert request.callback_url is None
    assert request.external_task_id is None


@pytest.mark.parametrize("field", sorted(set(CreateRequest.model_fields) - {"subject_image_list"}))
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_optional_field_is_an_absent_one(field, empty):
    assert create_request(**{field: empty}) == create_request()


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("model_name", "one of 'kling-v2' or 'kling-v2-1'"),
        ("prompt", "a string"),
        ("subject_image_list", "a list"),
        ("scene_image", "an http(s) URL or a Base64 image"),
        ("n", "an integer"),
        ("callback_url", "a string"),
        ("external_task_id", "a string"),
    ],
)
def test_an_empty_object_is_as_wrong_as_any_other(field, limit):
    assert refusal(create_body(**{field: {}})) == f"{field}: must be {limit}, got an object"
    assert create_request(watermark_info={}) == create_request()


def test_everything_the_contract_names_is_read():
    request = create_request(
        model_name="kling-v2-1",
        prompt="A cat",
        subject_image_list=[{"subject_image": "https://a.test/1"}, {"subject_image": "http://a.test/2?sig=1&x"}],
        scene_image="https://a.test/scene.jpg",
        style_image="https://a.test/style.jpeg",
        n=9,
        aspect_ratio="21:9",
        watermark_info={"enabled": True},
        callback_url="https://caller.test/hook?token=1",
        external_task_id="mine",
    )
    assert request.model_name is ModelName.KLING_V2_1
    assert request.prompt == "A cat"
    assert request.n == 9
    assert request.aspect_ratio is AspectRatio.R21_9
    assert request.watermark_info.enabled is True
    assert request.callback_url == "https://caller.test/hook?token=1"
    assert request.external_task_id == "mine"
    assert [(field, image.url) for field, image in request.images()] == [
        ("subject_image_list[0].subject_image", "https://a.test/1"),
        ("subject_image_list[1].subject_image", "http://a.test/2?sig=1&x"),
        ("scene_image", "https://a.test/scene.jpg"),
        ("style_image", "https://a.test/style.jpeg"),
    ]


@pytest.mark.parametrize("model", ["kling-v2", "kling-v2-1"])
def test_every_model_is_taken(model):
    assert create_request(model_name=model).model_name == model


@pytest.mark.parametrize("ratio", ["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"])
def test_every_aspect_ratio_is_taken(ratio):
    assert create_request(aspect_ratio=ratio).aspect_ratio == ratio


@pytest.mark.parametrize("n", range(1, 10))
def test_every_number_of_images_from_1_to_9_is_taken(n):
    assert create_request(n=n).n == n


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_one_to_four_subjects_are_taken(count):
    assert len(create_request(subject_image_list=SUBJECTS * count).subject_image_list) == count


def test_a_prompt_is_counted_in_characters_not_bytes():
    assert create_request(prompt="猫" * 2_500).prompt == "猫" * 2_500
    assert refusal(create_body(prompt="猫" * 2_501)) == (
        "prompt: must be at most 2500 characters, got a string of 2501 characters"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"model_name": "kling-v9"},
            "model_name: must be one of 'kling-v2' or 'kling-v2-1', got 'kling-v9'",
        ),
        ({"prompt": 5}, "prompt: must be a string, got 5"),
        ({"n": 0}, "n: must be at least 1, got 0"),
        ({"n": -1}, "n: must be at least 1, got -1"),
        ({"n": 10}, "n: must be at most 9, got 10"),
        ({"n": "many"}, "n: must be an integer, got 'many'"),
        ({"n": 1.5}, "n: must be an integer, got 1.5"),
        ({"n": True}, "n: must be an integer, got true"),
        ({"n": [1]}, "n: must be an integer, got a list of 1"),
        (
            {"priority": "high"},
            "priority: must be one of 'normal' or 'low', got 'high'",
        ),
        (
            {"aspect_ratio": "5:4"},
            "aspect_ratio: must be one of '16:9', '9:16', '1:1', '4:3', '3:4', '3:2', '2:3' or '21:9', got '5:4'",
        ),
        ({"watermark_info": "true"}, "watermark_info: must be an object, got 'true'"),
        ({"watermark_info": 1}, "watermark_info: must be an object, got 1"),
        ({"watermark_info": {"enabled": "maybe"}}, "watermark_info.enabled: must be true or false, got 'maybe'"),
        ({"watermark_info": {"enabled": [1, 2]}}, "watermark_info.enabled: must be true or false, got a list of 2"),
        ({"callback_url": "ftp://caller.test"}, "callback_url: must be an http(s) URL, got 'ftp://caller.test'"),
        ({"callback_url": "caller.test/hook"}, "callback_url: must be an http(s) URL, got a string of 16 characters"),
        ({"callback_url": "https://"}, "callback_url: must be an http(s) URL, got a string of 8 characters"),
        ({"callback_url": "https://[::1"}, "callback_url: must be an http(s) URL, got a string of 12 characters"),
        ({"callback_url": "https://a.test/x y"}, "callback_url: must be an http(s) URL, got 'https://a.test'"),
        (
            {"callback_url": "https://a.test/" + "x" * 2_034},
            "callback_url: must be at most 2048 characters, got a string of 2049 characters",
        ),
        (
            {"external_task_id": "x" * 513},
            "external_task_id: must be at most 512 characters, got a string of 513 characters",
        ),
        ({"external_task_id": True}, "external_task_id: must be a string, got true"),
        ({"external_task_id": 1.5}, "external_task_id: must be a string, got 1.5"),
        ({"n": "1_0"}, "n: must be an integer, got '1_0'"),
        ({"n": "３"}, "n: must be an integer, got '３'"),
        ({"model": "kling-v9"}, "model_name: must be one of 'kling-v2' or 'kling-v2-1', got 'kling-v9'"),
        ({"subject_image_list": None}, "subject_image_list: is required, got nothing"),
        ({"subject_image_list": ""}, "subject_image_list: is required, got nothing"),
        ({"subject_image_list": []}, "subject_image_list: must have at least 1 element, got a list of 0"),
        ({"subject_image_list": SUBJECTS * 5}, "subject_image_list: must have at most 4 elements, got a list of 5"),
        ({"subject_image_list": SUBJECT_URL}, f"subject_image_list: must be a list, got '{SUBJECT_URL}'"),
        ({"subject_image_list": [{}]}, "subject_image_list[0].subject_image: is required, got nothing"),
        (
            {"subject_image_list": [*SUBJECTS, {"subject_image": None}, *SUBJECTS]},
            "subject_image_list[1].subject_image: must be an http(s) URL or a Base64 image, got null",
        ),
        (
            {"subject_image_list": [{"subject_image": 5}]},
            "subject_image_list[0].subject_image: must be an http(s) URL or a Base64 image, got 5",
        ),
        (
            {"subject_image_list": [{"subject_image": ""}]},
            "subject_image_list[0].subject_image: must be a jpg, jpeg or png image by its content, got an empty string",
        ),
        ({"scene_image": ["a"]}, "scene_image: must be an http(s) URL or a Base64 image, got a list of 1"),
        ({"scene_image": "cat.png"}, "scene_image: must be an http(s) URL or a Base64 image, got 'cat.png'"),
        ({"style_image": "file:///etc"}, "style_image: must be an http(s) URL or a Base64 image, got 'file:///etc'"),
    ],
)
def test_a_refusal_names_the_field_the_limit_and_what_came(change, message):
    assert refusal(create_body(**change)) == message
    assert refusal(json.dumps(create_body(**change))) == message


@pytest.mark.parametrize("field", ["scene_image", "style_image"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (picture(299, 320), "each side must be at least 300 px, got 299 x 320 px"),
        (picture(751, 300), "width to height must be from 1:2.5 to 2.5:1, got 751 x 300 px"),
        (picture(form="GIF"), "must be a jpg, jpeg or png image by its content, got a GIF: export it as JPEG"),
        (
            padded(picture(), 10_485_761),
            "must be at most 10 MB (10485760 bytes), got 10485761 bytes",
        ),
    ],
    ids=["299 px", "751:300", "GIF", "10 MB + 1"],
)
def test_the_limits_hold_for_every_image_field(field, content, message):
    assert refusal(create_body(**{field: in_base64(content)})) == f"{field}: {message}"
    subjects = [*SUBJECTS, {"subject_image": in_base64(content)}]
    assert refusal(create_body(subject_image_list=subjects)) == f"subject_image_list[1].subject_image: {message}"


def test_a_refusal_never_repeats_an_image():
    message = refusal(create_body(scene_image="A" * 5_000))
    assert len(message) < 200
    assert "AAAA" not in message


def test_an_image_field_may_name_an_offered_object():
    stored = S3Image("kiln-inbox", "job/a cat.png", "v1")
    request = parse_create_request(create_body(scene_image="a cat.png", style_image="a cat.png"), {"a cat.png": stored})
    assert request.scene_image is not None
    assert request.scene_image.stored is stored
    assert [field for field, image in request.images() if image.stored] == ["scene_image", "style_image"]


def test_nothing_secret_or_large_is_in_a_requests_repr():
    request = create_request(scene_image=in_base64(picture()))
    assert "scene_image" not in repr(request)
    assert SUBJECT_URL not in repr(request)


def test_file_names_are_distinguished_from_urls_and_base64():
    body = {
        "subject_image_list": [
            {"subject_image": "cat.png"},
            {"subject_image": "https://a.test/cat.png"},
            {"subject_image": in_base64(picture())},
            {"subject_image": "sub folder/猫.jpg"},
            {"subject_image": "cat.png"},
            "plain.png",
            5,
            {},
        ],
        "scence_image": "cat.png",
        "style_image": in_base64(picture(form="JPEG"), "data:image/jpeg;base64,"),
    }
    assert named_images(body) == ["cat.png", "sub folder/猫.jpg", "plain.png"]


@pytest.mark.parametrize("shape", [{}, {"subject_image_list": "cat.png"}, {"scene_image": 5, "style_image": ""}])
def test_named_images_passes_over_wrong_shapes(shape):
    assert named_images(shape) == []
