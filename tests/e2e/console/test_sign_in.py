"""Signing in: by key, by link, and after the key was revoked."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.console.conftest import Console


def test_wrong_key_shows_an_error_and_right_key_stays_in_the_tab(console: Console) -> None:
    page = console.page
    page.goto(console.url)
    expect(page.locator("#key")).to_be_focused()
    console.assert_accessible("sign-in")
    console.look("sign-in")
    for wrong in ("unknown", "ключ"):
        page.fill("#key", wrong)
        page.keyboard.press("Enter")
        expect(page.locator("#key-error")).to_have_text("Kiln doesn’t know this key. Check it and try again.")
        expect(page.locator("#key")).to_be_focused()
        page.fill("#key", "")
        page.locator("#sign-in-form button").click()
        expect(page.locator("#key-error")).to_have_text("Enter your key.")
    page.fill("#key", console.caller.api_key)
    page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_contain_text("No pictures yet")
    console.assert_accessible("nothing yet")
    console.look("empty")
    kept = page.evaluate("[JSON.stringify({...sessionStorage}), JSON.stringify({...localStorage}), document.cookie]")
    assert console.caller.api_key in kept[0]
    assert not any(console.caller.api_key in each for each in kept[1:])
    other_tab = page.context.new_page()
    other_tab.goto(console.url)
    expect(other_tab.locator("#sign-in")).to_be_visible()
    page.reload()
    expect(page.locator("#studio")).to_be_visible()
    page.locator("#sign-out").click()
    expect(page.locator("#sign-in")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_link_with_key_signs_in_and_leaves_no_key_in_the_address(console: Console) -> None:
    console.page.goto(f"{console.url}#key={console.caller.api_key}")
    console.page.locator("#studio").wait_for()
    assert console.page.url == console.url
    console.page.go_back()
    assert console.caller.api_key not in console.page.url


def test_revoked_key_leads_back_to_the_sign_in(console: Console) -> None:
    console.page.goto(f"{console.url}#key=was-good-yesterday")
    expect(console.page.locator("#key-error")).to_contain_text("your key is no longer valid")


def test_link_with_another_key_does_not_replace_the_key_that_is_signed_in(console: Console) -> None:
    console.enter()
    kept = console.page.evaluate("sessionStorage.getItem('kiln-key')")
    console.page.evaluate("location.hash = 'key=of-somebody-else'")
    expect(console.page.locator("#toast")).to_contain_text("You’re signed in with another key")
    assert console.page.evaluate("sessionStorage.getItem('kiln-key')") == kept
    assert "somebody" not in console.page.url
    expect(console.page.locator("#studio")).to_be_visible()
