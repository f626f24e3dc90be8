"""AWS clients. Each is made once per process, when it is first needed, even by several threads at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import cache, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_AMAZON_ROOTS = Path(__file__).with_name("amazon_roots.pem")
"""Made by the build; where there is none, all the roots that botocore knows are trusted."""

_DETERMINISTIC = frozenset(
    {"InvalidArn", "InvalidExecutionInput", "InvalidName", "ValidationException", "SerializationException"}
)
"""Error codes that AWS answers with to the same request every time. Permissions and limits can be mended."""

_Made = TypeVar("_Made")
_making = threading.RLock()


class _Once(Generic[_Made]):
    """Has something made by the first to ask; the others wait for it.

    A plain cache has every thread that asks meanwhile make one too: each is a hundred milliseconds of CPU, and a
    session must not be used by two of them at once.
    """

    def __init__(self, make: Callable[[], _Made]) -> None:
        self._make = cache(make)
        self.cache_clear = self._make.cache_clear
        update_wrapper(self, make)

    def is_made(self) -> bool:
        """Whether it has been made."""
        return self._make.cache_info().currsize > 0

    def __call__(self) -> _Made:
        with _making:
            return self._make()


@_Once
def dynamodb() -> DynamoDBClient:
    """The DynamoDB client; it leaves to DynamoDB to judge a request, which to judge here too is a tenth of its CPU."""
    client: DynamoDBClient = _client("dynamodb", parameter_validation=False)
    return client


@_Once
def s3() -> S3Client:
    """The S3 client; ``s3v4`` and virtual hosts, so that presigned links name the region's own host."""
    client: S3Client = _client("s3", signature_version="s3v4", s3={"addressing_style": "virtual"})
    return client


@_Once
def secrets_manager() -> SecretsManagerClient:
    """The Secrets Manager client."""
    client: SecretsManagerClient = _client("secretsmanager")
    return client


@_Once
def step_functions() -> SFNClient:
    """The Step Functions client."""
    client: SFNClient = _client("stepfunctions")
    return client


@_Once
def events() -> EventBridgeClient:
    """The EventBridge client."""
    client: EventBridgeClient = _client("events")
    return client


@_Once
def sqs() -> SQSClient:
    """The SQS client."""
    client: SQSClient = _client("sqs")
    return client


def error_code(error: Exception) -> str:
    """The code of a botocore ``ClientError``, or an empty text for any other exception."""
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"]) if isinstance(response, dict) and "Error" in response else ""


def may_pass(error: Exception) -> bool:
    """Whether a later attempt may succeed: AWS was asked and refused or did not answer. No other error passes."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - loaded with the first client

    if isinstance(error, ClientError):
        return error_code(error) not in _DETERMINISTIC
    return isinstance(error, BotoCoreError | OSError)


@cache
def _session() -> Session:
    from boto3.session import Session  # noqa: PLC0415 - loaded with the first client

    return Session()


def _client(service: str, **options: Any) -> Any:
    from botocore.config import Config  # noqa: PLC0415 - a function pays only for the clients it uses

    # Its name in CloudTrail. Botocore would join its own from thirty parts, twice for every request.
    config = Config(user_agent="kiln", **options)
    # The type of boto3's method has one overload for each service, by a literal name.
    make: Any = _session().client
    return make(service, config=config, verify=_trusted())


@cache
def _trusted() -> str | None:
    """The bundle for connections to AWS itself, or ``None`` for botocore's own choice.

    A bundle is read for every connection: the usual 120 roots take 17 ms of CPU each time, five of Amazon take one.
    They are Amazon's word for the commercial regions, and no word on any other endpoint.
    """
    is_elsewhere = any(name == "AWS_CA_BUNDLE" or name.startswith("AWS_ENDPOINT_URL") for name in os.environ)
    if is_elsewhere or not _AMAZON_ROOTS.exists():
        return None
    region = _session().region_name
    return str(_AMAZON_ROOTS) if region and _session().get_partition_for_region(region) == "aws" else None
