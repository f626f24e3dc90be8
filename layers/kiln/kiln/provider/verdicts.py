"""The provider's error table as verdicts: the meaning of each refusal for the task."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """The next step after a failed call."""

    RETRY = "retry"
    """Nothing happened at the provider; the same call may be made again soon."""

    WAIT = "wait"
    """The provider is full or is asked too often; nothing happened, back off."""

    ACCOUNT = "account"
    """Nothing can run until a person mends the account or its credentials; nothing happened, keep the task."""

    PERMANENT = "permanent"
    """This task will never be taken."""

    DUPLICATE = "duplicate"
    """The provider has a task of this external id: adopt it."""

    MISSING = "missing"
    """The provider has no task of this id."""

    UNKNOWN = "unknown"
    """The task may or may not have been made: look it up before making it again."""


class ProviderError(Exception):
    """A call to the provider that did not succeed.

    Attributes:
        verdict: What is to be done.
        code: The provider's business code, or 0 when there was no readable answer.
        reason: In words, for logs and for ``task_status_msg``; holds no secrets.
    """

    def __init__(self, verdict: Verdict, reason: str, code: int = 0) -> None:
        super().__init__(f"{reason} (code {code})" if code else reason)
        self.verdict = verdict
        self.code = code
        self.reason = reason


_VERDICTS = {
    1000: Verdict.ACCOUNT,
    1001: Verdict.ACCOUNT,
    1002: Verdict.ACCOUNT,
    1003: Verdict.ACCOUNT,
    1004: Verdict.ACCOUNT,
    1100: Verdict.ACCOUNT,
    1101: Verdict.ACCOUNT,
    1102: Verdict.ACCOUNT,
    1103: Verdict.PERMANENT,
    1200: Verdict.PERMANENT,
    1201: Verdict.PERMANENT,
    1202: Verdict.PERMANENT,
    1203: Verdict.MISSING,
    1300: Verdict.PERMANENT,
    1301: Verdict.PERMANENT,
    1302: Verdict.WAIT,
    1303: Verdict.WAIT,
    1304: Verdict.ACCOUNT,
}

MISSING_CODES = frozenset({1201, 1203})
"""The codes that say for certain that there is no such task. A 404 with another code may be a gateway's."""

FULL = 1303
"""The provider runs as many tasks as the resource pack allows."""

TOKEN_REFUSED = frozenset({1003, 1004})
"""The provider says that the token is not valid yet or has expired: sign again, once."""


def verdict_of(http_status: int, code: int, message: str, *, creates: bool) -> Verdict:
    """Returns the verdict for an answer that is not a success.

    Args:
        http_status: Of the answer.
        code: The business code in it.
        message: The words in it; the provider tells duplicates and missing tasks by them alone (1201).
        creates: Whether the call was a create, after whose internal errors the task may exist.
    """
    text = message.lower()
    if code == 1201 and "already exists" in text:
        return Verdict.DUPLICATE
    if code == 1201 and "not found" in text:
        return Verdict.MISSING
    if code == 1203 and creates:
        return Verdict.PERMANENT
    known = _VERDICTS.get(code)
    if known is not None:
        return known
    if http_status == 404 and not creates:
        return Verdict.MISSING
    if http_status == 429:
        return Verdict.WAIT
    if http_status in (401, 403):
        return Verdict.ACCOUNT
    if 400 <= http_status < 500:
        return Verdict.PERMANENT
    return Verdict.UNKNOWN if creates else Verdict.RETRY
