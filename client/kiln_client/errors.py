"""Everything that the client raises on purpose: one tree, from what was given to what the API said."""

from __future__ import annotations

from collections.abc import Sequence

from kiln_client.answers import Task


class KilnError(Exception):
    """The root of what the client raises."""


class NotConfigured(KilnError):
    """Nobody has said which Kiln to talk to, or with which key."""


class InvalidImage(KilnError):
    """An image that was given is not there, or is none that the API takes."""


class NotReachable(KilnError):
    """Nothing answers, also after several attempts."""


class NotListening(NotReachable):
    """Nobody listens at an address of this computer: nothing was sent, and waiting would not change that."""


class WaitTimedOut(KilnError):
    """A task has not ended within the time that was given; it goes on.

    Attributes:
        task_ids: The tasks that have not.
    """

    def __init__(self, task_ids: Sequence[str], seconds: float) -> None:
        super().__init__(f"not finished within {seconds:g} s: {', '.join(task_ids)}")
        self.task_ids = tuple(task_ids)


class NotFinished(KilnError):
    """The task has no images yet."""


class TaskFailed(KilnError):
    """A task has ended without images; the message is the provider's reason.

    Attributes:
        task: The task.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(f"task {task.task_id} failed: {task.task_status_msg or 'no reason was given'}")
        self.task = task


class WebhookRefused(KilnError):
    """A webhook that is not Kiln's, not whole, or too old."""


class Refused(KilnError):
    """The API has answered with a refusal.

    Attributes:
        http_status: Of the answer.
        code: The contract's business code; 0 when the answer was not the contract's.
        message: What was wrong.
        request_id: Identifies the request in Kiln's logs; empty when the answer was not the contract's.
        retry_after: Seconds after which it may be tried again, if the answer says so.
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
    """The key is not known (HTTP 401)."""


class NotFound(Refused):
    """No task of this caller has this id (HTTP 404)."""


class Conflict(Refused):
    """The task's state does not allow it: cancelling a running one, repeating an unfinished one (HTTP 409)."""


class TooManyRequests(Refused):
    """The caller's requests of this minute are used up (HTTP 429)."""


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
    """The class that an HTTP status is raised as."""
    return _KINDS.get(http_status, ServerFailed if http_status >= 500 else Refused)
