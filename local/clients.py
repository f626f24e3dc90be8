"""AWS clients for the local AWS; they ignore the user's own AWS settings."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

REGION = "us-east-1"
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105 - the local AWS accepts no other


class AwsClients:
    """One client per service, created at its first use."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        # Profiles and config files could name another account, proxy or signature, so they are not read.
        nowhere: Any = {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
        self._session = boto3.Session(
            ACCESS_KEY_ID,
            SECRET_ACCESS_KEY,
            region_name=REGION,
            botocore_session=botocore.session.Session(session_vars=nowhere),
        )
        config = Config(proxies={}, retries={"total_max_attempts": 2}, s3={"addressing_style": "path"})
        self._how: dict[str, Any] = {"endpoint_url": endpoint_url, "config": config}

    def client(self, service: Any) -> Any:
        """A client for a service without a property here."""
        return self._session.client(service, **self._how)

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        return self._session.client("cloudformation", **self._how)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self._session.client("dynamodb", **self._how)

    @cached_property
    def events(self) -> EventBridgeClient:
        return self._session.client("events", **self._how)

    @cached_property
    def s3(self) -> S3Client:
        return self._session.client("s3", **self._how)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        return self._session.client("secretsmanager", **self._how)

    @cached_property
    def sqs(self) -> SQSClient:
        return self._session.client("sqs", **self._how)

    @cached_property
    def stepfunctions(self) -> SFNClient:
        return self._session.client("stepfunctions", **self._how)
