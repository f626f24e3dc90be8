"""More than a thousand tasks: pages, filters and ids."""

from __future__ import annotations

from playwright.sync_api import expect

from local.stack import Stack
from tests.e2e.console.conftest import Console

SEEDED = 1_200


def seed(stack: Stack, caller: str) -> None:
    """Writes 1,200 tasks of a caller to the table, as the list's index has them; no workflow starts for them."""
    client, table = stack.clients.dynamodb, stack.description["table"]

    def item(number: int) -> dict[str, dict[str, str]]:
        texts = {
            "pk": f"SEEDED#{caller}#{number}",
            "task_id": f"{number:032x}",
            "run_id": f"{number:032x}_1",
            "caller": caller,
            "listed": f"{caller}#failed",
            "task_status": "failed",
            "task_status_msg": f"Refused, number {number}",
            "model_name": "kling-v2",
            "aspect_ratio": "1:1",
        }
        numbers = {
            "sequence": number,
            "n": 1,
            "created_at": 1_700_000_000_000 + number,
            "updated_at": 1_700_000_000_000,
        }
        return {name: {"S": text} for name, text in texts.items()} | {
            name: {"N": str(value)} for name, value in numbers.items()
        }

    for first in range(1, SEEDED + 1, 25):
        puts = [{"PutRequest": {"Item": item(number)}} for number in range(first, first + 25)]
        client.batch_write_item(RequestItems={table: puts})  # type: ignore[dict-item]
    client.put_item(TableName=table, Item={"pk": {"S": f"CALLER#{caller}"}, "tasks": {"N": str(SEEDED)}})


def test_thousand_tasks_are_paged_and_filtered(console: Console, stack: Stack) -> None:
    seed(stack, console.caller.name)
    console.enter()
    page = console.page
    cards, number, first = page.locator(".task"), page.locator("#page"), page.locator(".task .failure p").first
    expect(cards).to_have_count(24)
    expect(first).to_have_text(f"Refused, number {SEEDED}")
    elements = page.evaluate("document.querySelectorAll('*').length")
    page.locator("#older").click()
    expect(first).to_have_text(f"Refused, number {SEEDED - 24}")
    number.fill("40")
    number.press("Enter")
    expect(first).to_have_text(f"Refused, number {SEEDED - 39 * 24}")
    assert "page=40" in page.url
    # The page holds one page of tasks, whichever page it is.
    assert page.evaluate("document.querySelectorAll('*').length") <= elements
    page.go_back()
    expect(first).to_have_text(f"Refused, number {SEEDED - 24}")
    page.reload()
    expect(first).to_have_text(f"Refused, number {SEEDED - 24}")
    number.fill("51")
    number.press("Enter")
    expect(page.locator("#empty")).to_contain_text("no tasks on this page")
    expect(page.locator("#older")).to_be_disabled()
    page.locator("#newer").click()
    expect(cards).to_have_count(24)
    expect(cards.last.locator(".failure p")).to_have_text("Refused, number 1")
    console.look("last-page")

    page.select_option("#by-status", "succeed")
    expect(page.locator("#empty")).to_contain_text("No tasks match.")
    page.get_by_role("button", name="Clear filters").click()
    expect(first).to_have_text(f"Refused, number {SEEDED}")
    page.select_option("#by-time", "last_hour")
    expect(page.locator("#empty")).to_contain_text("No tasks match.")
    page.select_option("#by-time", "between")
    page.fill("#from", "2023-11-14")
    page.fill("#until", "2023-11-15")
    expect(cards).to_have_count(24)
    page.get_by_label("Search prompts and IDs").fill(f"{1195:032x}")
    expect(cards).to_have_count(1)
    expect(first).to_have_text("Refused, number 1195")
