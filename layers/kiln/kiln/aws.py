"""AWS clients, each made once per process and only when first asked for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


@cache
def dynamodb() -> DynamoDBClient:
    """The DynamoDB client."""
    import boto3  # noqa: PLC0415 - a function pays only for the clients it uses

    return boto3.client("dynamodb")


@cache
def s3() -> S3Client:
    """The S3 client; ``s3v4`` and virtual hosts, so that presigned links name the region's own host."""
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


@cache
def step_functions() -> SFNClient:
    """The Step Functions client."""
    import boto3  # noqa: PLC0415

    return boto3.client("stepfunctions")


@cache
def events() -> EventBridgeClient:
    """The EventBridge client."""
    import boto3  # noqa: PLC0415

    return boto3.client("events")


@cache
def sqs() -> SQSClient:
    """The SQS client."""
    import boto3  # noqa: PLC0415

    return boto3.client("sqs")


def error_code(error: Exception) -> str:
    """The code of a botocore ``ClientError``, or an empty text for any other exception."""
    response = getattr(error, "response", None)
    return str(response["Error"]["Code"]) if isinstance(response, dict) and "Error" in response else ""
