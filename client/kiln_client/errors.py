"""The errors that the client raises on purpose, as one tree."""

from __future__ import annotations

from collections.abc import Sequence

from kiln_client.answers import Task


class KilnError(Exception):
    """The root of the client's errors."""


class NotConfigured(KilnError):
    """The address of Kiln or the key is missing."""


class InvalidSetting(NotConfigured):
    """The address, the key or the profile cannot be used as given."""


class InvalidImage(KilnError):
    """An image does not exist, or is not a JPEG or PNG that the API accepts."""


class IgnoredFields(UserWarning):
    """The API has accepted a request, but a field of it has no effect."""


class NotReachable(KilnError):
    """The API does not answer, also after several attempts."""


class NotListening(NotReachable):
    """No program listens at this address of this computer: nothing was sent, and waiting does not help."""


class WaitTimedOut(KilnError):
    """A task has not ended within the timeout; it keeps running.

    Attributes:
        task_ids: The tasks that have not ended.
    """

    def __init__(self, task_ids: Sequence[str], seconds: float) -> None:
        super().__init__(f"not finished within {seconds:g} s: {', '.join(task_ids)}")
        self.task_ids = tuple(task_ids)


class NotFinished(KilnError):
    """The task has no images yet."""


class TaskFailed(KilnError):
    """A task has ended without images; the message has the provider's reason.

    Attributes:
        task: The failed task.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(f"task {task.task_id} failed: {task.task_status_msg or 'no reason given'}")
        self.task = task


class WebhookRefused(KilnError):
    """A webhook that Kiln did not send, that was changed, or that is too old."""


class Refused(KilnError):
    """The API has refused a request.

    Attributes:
        http_status: The answer's status.
        code: The contract's business code; 0 if the answer does not follow the contract.
        message: The reason.
        request_id: Identifies the request in Kiln's logs; empty if the answer does not follow the contract.
        retry_after: Seconds after which another attempt may succeed, if the answer says so.
    """

    def __init__(
        self, http_status: int, code: int, message: str, request_id: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        where = f", request {self.request_id}" if self.request_id else ""
        return f"{self.message} (HTTP {self.http_status}, code {self.code}{where})"


class InvalidRequest(Refused):
    """A field breaks a limit of the contract (HTTP 400, 413 and 422)."""


class AuthenticationFailed(Refused):
    """The key is unknown (HTTP 401)."""


class NotFound(Refused):
    """This caller has no task with this id (HTTP 404)."""


class Conflict(Refused):
    """The task's state does not allow it, such as cancelling a task that already runs (HTTP 409)."""


class TooManyRequests(Refused):
    """The caller has used up its requests of this minute, or its units of this month (code 1102) (HTTP 429)."""


class ServerFailed(Refused):
    """Kiln could not answer (HTTP 5xx)."""


_KINDS: dict[int, type[Refused]] = {
    400: InvalidRequest,
    401: AuthenticationFailed,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    422: InvalidRequest,
    429: TooManyRequests,
}


def refusal_of(http_status: int) -> type[Refused]:
    """The class of error for an HTTP status."""
    return _KINDS.get(http_status, ServerFailed if http_status >= 500 else Refused)
