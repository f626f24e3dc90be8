"""The Python client of Kiln: ``Kiln`` and, for asyncio, ``AsyncKiln``."""

from __future__ import annotations

from kiln_client.answers import (
    Delivery,
    Image,
    Progress,
    Stage,
    Step,
    StoredRequest,
    Task,
    TaskStatus,
    Usage,
    WebhookTest,
)
from kiln_client.async_client import AsyncKiln
from kiln_client.batches import Batch
from kiln_client.bodies import BatchOptions, Job, TaskOptions
from kiln_client.client import Kiln
from kiln_client.errors import (
    AuthenticationFailed,
    Conflict,
    IgnoredFields,
    InvalidImage,
    InvalidRequest,
    InvalidSetting,
    KilnError,
    NotConfigured,
    NotFinished,
    NotFound,
    NotListening,
    NotReachable,
    Refused,
    ServerFailed,
    TaskFailed,
    TooManyRequests,
    WaitTimedOut,
    WebhookRefused,
)
from kiln_client.images import ImageSource
from kiln_client.operations import Filters
from kiln_client.webhooks import verify_batch_webhook, verify_webhook

__all__ = [
    "AsyncKiln",
    "AuthenticationFailed",
    "Batch",
    "BatchOptions",
    "Conflict",
    "Delivery",
    "Filters",
    "IgnoredFields",
    "Image",
    "ImageSource",
    "InvalidImage",
    "InvalidRequest",
    "InvalidSetting",
    "Job",
    "Kiln",
    "KilnError",
    "NotConfigured",
    "NotFinished",
    "NotFound",
    "NotListening",
    "NotReachable",
    "Progress",
    "Refused",
    "ServerFailed",
    "Stage",
    "Step",
    "StoredRequest",
    "Task",
    "TaskFailed",
    "TaskOptions",
    "TaskStatus",
    "TooManyRequests",
    "Usage",
    "WaitTimedOut",
    "WebhookRefused",
    "WebhookTest",
    "verify_batch_webhook",
    "verify_webhook",
]
