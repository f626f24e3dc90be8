"""Says what is wrong with a request in one sentence: the field, the limit and what came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kiln.errors import InvalidRequest

if TYPE_CHECKING:
    from pydantic import ValidationError

_SHOWN_CHARACTERS = 80

_LIMITS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "enum": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be an integer",
    "int_parsing": "must be an integer",
    "int_type": "must be an integer",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "string_too_long": "must be at most {max_length} characters",
    "string_type": "must be a string",
    "too_long": "must have at most {max_length} elements",
    "too_short": "must have at least {min_length} element",
}


class AddressViolation(ValueError):
    """An address breaks a limit; ``str()`` is the limit, ``came`` is as much of it as may be shown."""

    def __init__(self, limit: str, url: str) -> None:
        super().__init__(limit)
        self.got = shown_address(url)


def shown_address(url: str) -> str:
    """An address that came, by scheme and host alone: what else there is may be a password, or as good as one."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    # The part before an @ may be a password. A slash in the password moves the @ out of the host's part.
    return shown(f"{parts.scheme}://{host}") if host and "@" not in url else f"a string of {len(url)} characters"


def shown(value: object) -> str:
    """A value as a message shows it: at most 80 characters, and never an image."""
    if isinstance(value, str):
        if len(value) > _SHOWN_CHARACTERS:
            return f"a string of {len(value)} characters"
        return f"'{value}'"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:_SHOWN_CHARACTERS]


def field_name(location: tuple[int | str, ...]) -> str:
    """A field's path as a caller writes it: ``subject_image_list[0].subject_image``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.lstrip(".") or "body"


def invalid_request(error: ValidationError) -> InvalidRequest:
    """The first violation of a model, as the error that a caller is answered with."""
    first = error.errors(include_url=False)[0]
    field = field_name(first["loc"])
    if first["type"] == "missing":
        return InvalidRequest(f"{field}: is required, got nothing")
    return InvalidRequest(f"{field}: {_limit(first)}, got {_got(first)}")


def _limit(violation: Any) -> str:
    template = _LIMITS.get(violation["type"])
    if template is not None:
        return template.format(**violation.get("ctx", {}))
    message: str = violation["msg"]
    return message.removeprefix("Value error, ")


def _got(violation: Any) -> str:
    context = violation.get("ctx", {})
    described = getattr(context.get("error"), "got", None)
    return described if described is not None else shown(violation["input"])
