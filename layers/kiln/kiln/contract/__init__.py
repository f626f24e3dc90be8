"""The contract of *multi-image to image*, as models: what comes in and what goes out, with every limit and default."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kiln.contract.answers import (
        CallbackBody,
        CreatedTask,
        FoundTask,
        ResultImage,
        TaskInfo,
        TaskResult,
        WatermarkInfo,
    )
    from kiln.contract.envelope import Envelope
    from kiln.contract.listing import ListQuery
    from kiln.contract.request import CreateRequest, SubjectImage, named_images, parse_create_request
    from kiln.contract.vocabulary import AspectRatio, ModelName, TaskStatus

__all__ = [
    "AspectRatio",
    "CallbackBody",
    "CreateRequest",
    "CreatedTask",
    "Envelope",
    "FoundTask",
    "ListQuery",
    "ModelName",
    "ResultImage",
    "SubjectImage",
    "TaskInfo",
    "TaskResult",
    "TaskStatus",
    "WatermarkInfo",
    "named_images",
    "parse_create_request",
]

_HOMES = ("vocabulary", "envelope", "answers", "listing", "request")
"""Where the names are, the cheapest to import first."""


def __getattr__(name: str) -> Any:
    """Finds a name when it is asked for: models take time to make, and no function needs all of them."""
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"{__name__}.{home}")
            if name in vars(module):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
