"""The pictures of the gallery: when they are loaded, and how they are shown: tall, alone, not loaded yet, missing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Response, Route, expect

from kiln.images.previews import make_preview
from tests.e2e.console.conftest import SAMPLE, Console
from tests.integration.client import picture, wait_until
from tests.support.images import photograph

NEAR_PX = 300
"""Pictures are loaded up to this distance below the window."""

RESULTS = "**/v1/results/**"
PAGE_BYTES = 700_000
HEADER_BYTES = 1_500
"""Of an answer and of the redirect before it."""


def task(console: Console, number: int, images: int) -> dict[str, Any]:
    """A task as the API lists it."""
    task_id = f"{number:032x}"
    addresses = [f"{console.url}v1/results/{task_id}/token/{at}.png" for at in range(images)]
    return {
        "task_id": task_id,
        "task_info": {"external_task_id": ""},
        "task_status": "succeed",
        "task_status_msg": "",
        "final_unit_deduction": "1",
        "watermark_info": {"enabled": False},
        "task_result": {"images": [{"index": at, "url": url} for at, url in enumerate(addresses)]},
        "created_at": 1_700_000_000_000,
        "updated_at": 1_700_000_000_000,
    }


def list_tasks(
    console: Console, numbers: list[int], shape: tuple[int, int] = (400, 300), drawn: bytes = b""
) -> list[str]:
    """Makes the API list tasks with these numbers of pictures, all the same. Returns the links that are loaded."""
    tasks = [task(console, number, images) for number, images in enumerate(numbers)]
    asked: list[str] = []
    drawn = drawn or picture(*shape)

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(content_type="image/png", body=drawn)

    listed = json.dumps({"code": 0, "message": "SUCCEED", "request_id": "1", "data": tasks})
    console.page.route("**/v1/images/multi-image2image?*", lambda route: route.fulfill(body=listed))
    console.page.route(RESULTS, answer)
    return asked


def test_page_of_24_photographs_transfers_at_most_700_kb(console: Console) -> None:
    list_tasks(console, [1] * 24, drawn=make_preview(photograph()))
    answers: list[Response] = []
    console.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - Playwright marks the handler
    console.enter()
    for number in range(24):
        console.page.locator(".shot").nth(number).scroll_into_view_if_needed()
    expect(console.page.locator(".shot .here")).to_have_count(24)
    console.page.wait_for_load_state("networkidle")
    console.look("24-photographs")
    sizes = {answer.url: transferred(answer) for answer in answers}
    assert len([url for url in sizes if "/v1/results/" in url]) == 24
    assert sum(sizes.values()) <= PAGE_BYTES, sizes


def transferred(answer: Response) -> int:
    """The bytes of an answer and its headers; text is compressed, as API Gateway does it and the local AWS does not."""
    body = answer.body()
    is_image = answer.headers.get("content-type", "").startswith("image/")
    return HEADER_BYTES + len(body if is_image else gzip.compress(body))


def test_picture_is_loaded_when_it_is_scrolled_to(console: Console) -> None:
    asked = list_tasks(console, [3] * 24, (400, 300))
    console.enter()
    page = console.page
    expect(page.locator(".shot")).to_have_count(72)
    near = page.evaluate(
        """px => [...document.querySelectorAll(".shot")].filter(
            shot => shot.getBoundingClientRect().top < innerHeight + px).length""",
        NEAR_PX,
    )
    assert 0 < near < 72
    expect(page.locator(".shot .here")).to_have_count(near)
    assert len(asked) == near
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator(".shot .here")).to_have_count(72)
    page.locator("#language").click()
    expect(page.locator("#pictures-title")).to_have_text("图库")
    assert len(asked) == len(set(asked)) == 72


@pytest.mark.parametrize(
    ("name", "shape", "numbers"), [("tall", (360, 640), [2, 3, 4, 5, 6, 7, 8, 9]), ("wide", (640, 360), [3, 4, 6, 9])]
)
def test_tall_or_wide_pictures_are_laid_out_in_cells_of_their_shape(
    console: Console, name: str, shape: tuple[int, int], numbers: list[int]
) -> None:
    list_tasks(console, numbers, shape)
    console.enter()
    page = console.page
    expect(page.locator(".shot .here")).to_have_count(sum(numbers))
    expect(page.locator(f".frame.{name}")).to_have_count(len(numbers))
    shown = page.evaluate(
        """shape => [...document.querySelectorAll(".shot")].map(shot => {
            const ratio = shot.clientWidth / shot.clientHeight / shape;
            return Math.min(ratio, 1 / ratio);
        })""",
        shape[0] / shape[1],
    )
    assert min(shown) > 0.6, "three fifths of each picture are visible"
    console.look(f"{name}-pictures")


@pytest.mark.parametrize("shape", [(360, 640), (720, 310)])
def test_single_picture_that_does_not_fit_is_shown_whole(console: Console, shape: tuple[int, int]) -> None:
    list_tasks(console, [1], shape)
    console.enter()
    expect(console.page.locator(".shot .here")).to_have_css("object-fit", "contain")
    expect(console.page.locator(".haze")).to_have_count(1)
    console.assert_accessible("a picture shown whole")


def test_single_square_picture_fills_its_card(console: Console) -> None:
    list_tasks(console, [1], (400, 400))
    console.enter()
    image = console.page.locator(".shot .here")
    expect(image).to_have_css("object-fit", "cover")
    expect(console.page.locator(".haze")).to_have_count(0)


def test_card_glows_until_its_pictures_are_loaded(console: Console) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    console.page.route(RESULTS, hold)
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png")
    card = console.card(console.submit(), "succeed")
    expect(card.locator(".shot")).to_have_count(1)
    # Playwright reports the browser's requests only while it waits for the browser.
    wait_until(lambda: card.locator(".glow").is_visible() and held, "the picture is requested while the card glows")
    console.look("glowing")
    held.pop().continue_()
    expect(card.locator(".shot .here")).to_have_count(1)
    expect(card.locator(".glow")).to_have_count(0)


def test_missing_picture_is_replaced_by_an_icon(console: Console) -> None:
    list_tasks(console, [2], (400, 300))
    console.page.route("**/1.png", lambda route: route.fulfill(status=404))
    console.enter()
    expect(console.page.locator(".shot .here")).to_have_count(1)
    expect(console.page.locator(".shot .drawn")).to_have_count(1)


def test_phone_shows_no_toast_over_the_heading_and_details_in_two_columns(
    open_console: Callable[..., Console],
) -> None:
    console = open_console(width=390, height=844, has_touch=True)
    page = console.page
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png")
    overlaps = """heading => {
        const [one, other] = [heading, document.getElementById("toast")].map(each => each.getBoundingClientRect());
        return one.bottom > other.top && other.bottom > one.top;
    }"""
    expect(page.locator("#toast")).to_have_text("cat.png added")
    assert not page.locator("#make-title").evaluate(overlaps)
    assert not page.locator("#submit").evaluate(overlaps)
    task_id = console.submit()
    expect(page.locator("#toast")).not_to_be_empty()
    assert not page.locator("#pictures-title").evaluate(overlaps)
    console.card(task_id, "succeed").locator(".shot").click()
    page.locator("#viewer .timeline").wait_for()
    assert page.locator(".details code").first.evaluate("code => code.getClientRects().length") == 1
    [named, value] = [page.locator(f".details {tag}").first.bounding_box() for tag in ("dt", "dd")]
    assert named
    assert value
    assert named["x"] + named["width"] <= value["x"]
    page.locator("#viewer .side").scroll_into_view_if_needed()
    console.look("facts-390")
