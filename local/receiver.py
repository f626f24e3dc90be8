"""A webhook receiver for tests: it answers with the statuses that a test sets."""

from __future__ import annotations

from kiln_cli.acceptance import receiver
from kiln_cli.acceptance.receiver import Webhook


class Receiver(receiver.Receiver):
    """A server on this computer inside a ``with`` block.

    Attributes:
        refusals: By task status, the HTTP statuses of the next answers; the answers after them are 200.
        refusal_headers: The headers of those answers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refusals: dict[str, list[int]] = {}
        self.refusal_headers: dict[str, str] = {}

    def answer(self, webhook: Webhook) -> tuple[int, dict[str, str]]:
        """The next status that the test has set for the task's status, or 200; a batch has no status."""
        refusals = self.refusals.get(webhook.json().get("task_status", ""))
        return (refusals.pop(0), self.refusal_headers) if refusals else (200, {})
