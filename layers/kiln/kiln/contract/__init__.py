"""The contract of *multi-image to image*, as models: what comes in and what goes out, with every limit and default."""

from kiln.contract.answers import (
    CallbackBody,
    CreatedTask,
    Envelope,
    FoundTask,
    ResultImage,
    TaskInfo,
    TaskResult,
    WatermarkInfo,
)
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
