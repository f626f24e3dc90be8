"""The simulated provider's pictures: their shape, their variety, the links to them; they never fail to draw."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from functools import cache

import pytest
from PIL import Image

from kiln.contract import AspectRatio
from kiln.errors import InvalidRequest
from kiln.images.inspection import inspect, is_whole
from local.provider.images.composer import compose, picture_size
from local.provider.images.subjects import cut_out, open_materials
from local.provider.images.text import legible, wrapped
from local.provider.settings import FULL_HD_PIXELS
from local.provider.tasks.task import Order
from tests.support.provider_rig import make_job, picture, picture_bytes, provider

PIXELS = 30_000
ORDER = Order("kling-v2", "A cat by the sea", 3, AspectRatio.R16_9, False, None, "")
SUBJECT = "subject_image_list[{}].subject_image"


@cache
def _materials(subjects: int = 1, **others: bytes):
    return open_materials({SUBJECT.format(number): picture_bytes() for number in range(subjects)} | others)


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def test_size_is_about_two_megapixels_in_exactly_the_requested_ratio():
    assert picture_size("16:9", FULL_HD_PIXELS) == (1920, 1080)
    assert picture_size("9:16", FULL_HD_PIXELS) == (1080, 1920)
    for ratio in AspectRatio:
        across, down = (int(part) for part in ratio.split(":"))
        width, height = picture_size(ratio, FULL_HD_PIXELS)
        assert width * down == height * across
        assert width * height == pytest.approx(FULL_HD_PIXELS, rel=0.02)


@pytest.mark.parametrize("ratio", list(AspectRatio))
def test_every_ratio_is_drawn_with_every_input(ratio):
    materials = _materials(4, scene_image=picture_bytes(500, 300, "navy"), style_image=picture_bytes(colour="gold"))
    order = replace(ORDER, aspect_ratio=ratio, is_watermarked=True)
    content = compose(materials, order, "1", 0, PIXELS)
    facts = inspect(content)
    assert (facts.width, facts.height) == picture_size(ratio, PIXELS)
    assert is_whole(content, facts.content_type)


def test_pictures_of_a_task_differ_and_are_png_and_jpeg():
    materials = _materials(2)
    contents = [compose(materials, ORDER, "7", index, PIXELS) for index in range(3)]
    assert len(set(contents)) == 3
    assert {inspect(content).content_type for content in contents} == {"image/png", "image/jpeg"}
    assert compose(materials, ORDER, "7", 0, PIXELS) == contents[0]
    assert compose(materials, ORDER, "8", 0, PIXELS) != contents[0]


def test_scene_is_visible_and_style_tones_it():
    plain = _opened(compose(_materials(scene_image=picture_bytes(colour="blue")), ORDER, "1", 0, PIXELS))
    styled = _opened(
        compose(
            _materials(scene_image=picture_bytes(colour="blue"), style_image=picture_bytes(colour="orange")),
            ORDER,
            "1",
            0,
            PIXELS,
        )
    )
    red, _, blue = plain.getpixel((3, plain.height // 2))
    assert blue > 2 * red
    styled_red, _, styled_blue = styled.getpixel((3, styled.height // 2))
    assert styled_red > red
    assert styled_blue < blue


@pytest.mark.parametrize("change", [{"is_watermarked": True}, {"prompt": "Another prompt"}, {"prompt": ""}, {"n": 2}])
def test_requested_inputs_are_visible(change):
    materials = _materials()
    pixels = 200_000
    before = _opened(compose(materials, ORDER, "1", 0, pixels))
    after = _opened(compose(materials, replace(ORDER, **change), "1", 0, pixels))
    assert before.tobytes() != after.tobytes()


@pytest.mark.parametrize(
    "prompt", ["", " ", "x" * 2500, "猫和灯笼在夏夜的海港上" * 50, "🐈🏮", "a\nb\tc \x00", "مرحبا"]
)
def test_any_prompt_can_be_drawn(prompt):
    assert compose(_materials(), replace(ORDER, prompt=prompt), "1", 0, PIXELS)


def test_characters_without_a_glyph_are_named():
    prompt = "\U000107b2\U000107b1\U000107ba"  # letters hardly any font has; one that does may draw them
    text, _ = legible(prompt, 20)
    assert text == prompt or text.endswith("U+107B2 U+107B1 U+107BA")


def test_long_text_is_wrapped_and_ends_in_an_ellipsis():
    text, font = legible("several words that go on " * 30, 20)
    lines = wrapped(text, font, 300, most_lines=3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(font.getlength(line) <= 300 for line in lines)


def test_subject_on_plain_ground_is_cut_out_and_any_other_framed():
    on_plain = cut_out(_opened(picture_bytes()))
    assert on_plain.is_cut_out
    assert on_plain.image.size == pytest.approx((80, 80), abs=4)
    photo = Image.effect_noise((300, 300), 90).convert("RGB")
    framed = cut_out(photo)
    assert not framed.is_cut_out
    assert framed.image.width > 300


def test_broken_image_is_refused_by_field():
    with pytest.raises(InvalidRequest, match=r"^style_image: must be a readable image"):
        _materials(style_image=picture_bytes()[:200])


def test_result_links_need_no_credentials_and_cannot_be_forged():
    with provider() as rig:
        (url,) = rig.image_urls(make_job())
        path = url.partition("?")[0]
        assert url.startswith("http://provider.test/results/")
        assert "." not in path.rpartition("/")[2]
        whole = rig.client.get(url)
        assert whole.headers["content-type"] == inspect(whole.content).content_type
        assert int(whole.headers["content-length"]) == len(whole.content)
        asked = rig.client.request("HEAD", url)
        assert (asked.status_code, asked.content) == (200, b"")
        assert asked.headers["content-length"] == whole.headers["content-length"]
        assert rig.client.get(path).status_code == 403
        assert rig.client.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
        expires = url.partition("expires=")[2].partition("&")[0]
        assert rig.client.get(url.replace(expires, str(int(time.time()) + 10**8))).status_code == 403


def test_result_links_expire():
    with provider(result_seconds=-1) as rig:
        (url,) = rig.image_urls(make_job())
        assert rig.client.get(url).status_code == 403


def test_links_start_with_the_public_url():
    with provider(public_url="https://cdn.test/") as rig:
        (url,) = rig.image_urls(make_job())
        assert url.startswith("https://cdn.test/results/")


def test_oldest_results_are_deleted_beyond_the_limit():
    with provider(result_bytes=1) as rig:
        first, second = rig.image_urls(make_job()) + rig.image_urls(make_job(scene_image=picture()))
        assert rig.client.get(first).status_code == 404
        assert rig.client.get(second).status_code == 200
