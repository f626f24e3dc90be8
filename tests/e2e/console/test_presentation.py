"""The page in both languages and themes, on narrow screens, and below a stage."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from local.stack import Stack
from tests.e2e.console.conftest import SAMPLE, Console


@pytest.mark.parametrize(("width", "locale"), [(320, "zh-CN"), (320, "en-GB"), (768, "zh-CN")])
def test_narrow_screen_shows_each_view_without_horizontal_scrolling(
    open_console: Callable[..., Console], width: int, locale: str
) -> None:
    console = open_console(width=width, height=700, locale=locale, has_touch=True)
    page = console.page

    def assert_fits(view: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        console.look(f"{view}-{width}-{locale}")

    page.goto(console.url)
    page.locator("#sign-in").wait_for()
    assert_fits("sign-in")
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png", SAMPLE / "lantern.png")
    expect(page.locator("#subjects .filled")).to_have_count(2)
    assert_fits("make")
    page.locator("#advanced summary").click()
    page.locator("#request summary").click()
    assert_fits("make-all")
    task_id = console.submit()
    expect(page.locator("#pictures")).to_be_visible()
    expect(page.locator("#make")).to_be_hidden()
    console.card(task_id, "succeed").locator(".shot").click()
    page.locator("#viewer .timeline").wait_for()
    assert_fits("viewer")
    if width == 320:
        console.assert_accessible(f"the viewer at {width} px")
    page.keyboard.press("Escape")
    assert_fits("pictures")
    for shown in ("#docs", "#simulated", "#language", "#theme", "#sign-out"):
        expect(page.locator(shown)).to_be_in_viewport(ratio=1)
    page.locator("[data-view-name=usage]").click()
    page.locator("#usage table").wait_for()
    assert_fits("usage")
    page.locator("[data-view-name=pictures]").click()
    is_chinese = locale == "zh-CN"
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if is_chinese else "en")
    expect(page.locator("#pictures-title")).to_have_text("图库" if is_chinese else "Gallery")
    page.locator("#language").click()
    expect(page.locator("#pictures-title")).to_have_text("Gallery" if is_chinese else "图库")
    page.reload()
    expect(page.locator("#pictures-title")).to_have_text("Gallery" if is_chinese else "图库")


def test_both_languages_have_the_same_sentences(console: Console) -> None:
    page = console.page
    page.goto(console.url)
    en, zh = (
        page.evaluate(
            "async at => Object.entries((await import(at)).default).map(([name, text]) => [name, typeof text])",
            console.source(f"{name}.js"),
        )
        for name in ("en", "zh")
    )
    assert en == zh
    names = page.evaluate(
        """[...document.querySelectorAll("*")].flatMap(
            ({dataset}) => [dataset.t, dataset.tLabel, dataset.tPlaceholder])"""
    )
    assert {name for name in names if name} <= {name for name, _ in en}


def test_chosen_theme_is_kept_after_a_reload(console: Console) -> None:
    page = console.page
    page.goto(console.url)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.locator("#theme").click()
    dark = page.evaluate(paper)
    assert light != dark
    page.reload()
    assert page.evaluate(paper) == dark


def test_page_below_a_stage_loads_pictures_from_that_stage(console: Console, stack: Stack) -> None:
    [api] = stack.clients.client("apigateway").get_rest_apis()["items"]
    console.url = f"{stack.description['aws_endpoint_url']}/_aws/execute-api/{api['id']}/live/"
    console.enter()
    console.choose("subjects", SAMPLE / "cat.png")
    task_id = console.submit()
    image = console.card(task_id, "succeed").locator(".shot img")
    expect(image).to_have_class("here")
    assert image.get_attribute("src").startswith(console.url)
