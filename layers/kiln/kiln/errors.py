"""Every error Kiln answers with: one tree, each class knowing its ``code`` and HTTP status of the contract."""

from __future__ import annotations

from typing import ClassVar


class KilnError(Exception):
    """The root of what Kiln raises on purpose.

    Attributes:
        code: The provider's business code that a caller of the contract sees.
        http_status: The HTTP status that goes with it.
    """

    code: ClassVar[int] = 5000
    http_status: ClassVar[int] = 500

    @property
    def message(self) -> str:
        """The message for the caller."""
        return str(self)


class InvalidRequest(KilnError):
    """A field breaks a limit of the contract; the message names the field, the limit and what came (1201)."""

    code = 1201
    http_status = 400


class MalformedRequest(KilnError):
    """The body is not the JSON object that the contract asks for (1200)."""

    code = 1200
    http_status = 400


class DuplicateExternalTaskId(InvalidRequest):
    """The caller has already used this ``external_task_id``; refused as the provider does (1201)."""

    def __init__(self, external_task_id: str) -> None:
        super().__init__(f"External_task_id {external_task_id} already exists")


class DuplicateExternalBatchId(InvalidRequest):
    """The caller has already used this ``external_batch_id`` with another body (1201)."""

    def __init__(self, external_batch_id: str) -> None:
        super().__init__(f"External_batch_id {external_batch_id} already exists")


class TooManyRequests(KilnError):
    """The caller has used up its requests of this minute (1302); nothing has happened.

    Attributes:
        retry_after: Seconds until the next minute begins.
    """

    code = 1302
    http_status = 429

    limited = "tasks may be created"
    counter = ""
    """Counted apart from tasks under this name."""

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"too many requests: at most {limit} {self.limited} a minute")
        self.retry_after = retry_after


class TooManyUploads(TooManyRequests):
    """The caller has opened as many uploads in this minute as it may (1302)."""

    limited = "uploads may be created"
    counter = "uploads"


class TooManyWaits(TooManyRequests):
    """As many of the caller's queries wait for a change in this minute as may (1302)."""

    limited = "queries may wait"
    counter = "waits"


class TooManyWebhookTests(TooManyRequests):
    """The caller has tested as many webhooks in this minute as it may (1302)."""

    limited = "webhooks may be tested"
    counter = "webhook-tests"


class BudgetUsedUp(KilnError):
    """The caller's units of this month are used up (1102); nothing has happened, and a retry is refused too."""

    code = 1102
    http_status = 429


class BodyTooLarge(KilnError):
    """The body is larger than this route reads (1201); the message gives the limit (413)."""

    code = 1201
    http_status = 413


class IdempotencyKeyReused(KilnError):
    """The ``Idempotency-Key`` came before with another body (IETF draft: 422)."""

    code = 1201
    http_status = 422

    def __init__(self) -> None:
        super().__init__("Idempotency-Key: must be used with one body only, got another than the first time")


class CancelRefused(KilnError):
    """The task no longer waits in the queue, so it cannot be cancelled; the message says why (409)."""

    code = 1201
    http_status = 409


class DeleteRefused(KilnError):
    """The task has not ended, so it cannot be deleted (409)."""

    code = 1201
    http_status = 409


class RetryRefused(KilnError):
    """The task has not ended, or its images are no longer kept; the message says which (409)."""

    code = 1201
    http_status = 409


class OperationRefused(KilnError):
    """The operation is impossible for this task; the message says why (409)."""

    code = 1201
    http_status = 409


class TaskNotFound(KilnError):
    """No task of this caller has this id (1203)."""

    code = 1203
    http_status = 404

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task not found by id/external id: {task_id[:200]}")


class BatchNotFound(KilnError):
    """No batch of this caller has this id (1203)."""

    code = 1203
    http_status = 404

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"Batch not found by id/external id: {batch_id[:200]}")


class NoSuchRoute(KilnError):
    """The API has no such path, or not with this method (1202)."""

    code = 1202
    http_status = 404


class ResourceNotFound(KilnError):
    """There is nothing at this address, or the caller may not know that there is (1203)."""

    code = 1203
    http_status = 404


class AuthenticationFailed(KilnError):
    """The key is unknown, or the token's signature is wrong (1000)."""

    code = 1000
    http_status = 401


class AuthorizationEmpty(AuthenticationFailed):
    """There is no Authorization header (1001)."""

    code = 1001


class AuthorizationInvalid(AuthenticationFailed):
    """The Authorization header is not ``Bearer`` and a token (1002)."""

    code = 1002


class TokenNotYetValid(AuthenticationFailed):
    """The token's ``nbf`` lies in the future (1003)."""

    code = 1003


class TokenExpired(AuthenticationFailed):
    """The token's ``exp`` has passed (1004)."""

    code = 1004


class ConfigurationError(KilnError):
    """The environment or a secret lacks something; the message names it (5000)."""
