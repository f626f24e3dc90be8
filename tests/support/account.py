"""The environment and the AWS account that unit tests play in: the template's own table, buckets, a queue, secrets."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from moto.backends import get_backend
from samtranslator.yaml_helper import yaml_parse

from kiln import aws, secrets, settings
from kiln.images import storage
from kiln.provider import accounts, credentials
from kiln.provider import client as provider_client
from kiln.tasks import admission, estimates, queue
from kiln.webhooks import delivery
from tests.support.fakes import client_error
from tests.support.quick_dynamodb import quicken_dynamodb
from tests.support.short_way import shorten_dynamodb, shorten_s3, shorten_secrets_manager, shorten_sqs

ROOT = Path(__file__).parents[2]

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_SERVICE_NAME": "kiln",
    "POWERTOOLS_METRICS_NAMESPACE": "Kiln",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "TABLE_NAME": "kiln-table",
    "INBOX_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/kiln-inbox",
    "INBOX_DEAD_LETTERS_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/kiln-dead-letters",
    "INPUTS_BUCKET": "kiln-inputs",
    "OUTBOX_BUCKET": "kiln-outbox",
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:kiln-task",
    "EVENT_BUS": "kiln",
    "PROVIDER_URL": "https://provider.test",
    "PROVIDER_SECRET_ARN": "kiln-provider",
    "PROVIDER_SLOTS": "9",
    "CALLERS_SECRET_ARN": "kiln-callers",
    "SIGNING_SECRET_ARN": "kiln-signing",
    "PUBLIC_URL": "https://kiln.test",
    "DROP_PROMPT": "Make a new picture of this subject.",
}
FOREIGN = ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "LOG_LEVEL", "POWERTOOLS_DEV")

SECRETS = {
    "kiln-provider": {"access_key": "provider-access-key", "secret_key": "provider-secret-key-of-32-characters"},
    "kiln-callers": {
        "callers": [
            {
                "name": "ada",
                "access_key": "ada-access-key",
                "secret_key": "ada-secret-key-of-32-characters-",
                "api_keys": ["ada-plain-key"],
                "webhook_secret": "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=",
            },
            {
                "name": "bob",
                "access_key": "bob-access-key",
                "secret_key": "bob-secret-key-of-32-characters-",
                "api_keys": ["bob-plain-key"],
            },
        ]
    },
    "kiln-signing": {"key": "signing-key-of-the-unit-tests-that-is-long-enough"},
}

ACCOUNT = "123456789012"
QUEUES = ("kiln-inbox", "kiln-dead-letters")
BUCKETS = ("kiln-inbox", "kiln-inputs", "kiln-outbox")
MADE_ONCE = (
    settings.load,
    provider_client.shared_provider,
    storage.http,
    admission._virtual_time_of,
    queue._turns_of,
    estimates._recent_of,
    delivery._client,
)
CLIENTS = (
    *(aws.dynamodb, aws.events, aws.s3, aws.secrets_manager, aws.sqs, aws.step_functions),
    *(aws._session, aws._trusted),
)

_secrets_changed: set[str] = set()


def forget() -> None:
    """Clears what the layer keeps in the process, except for the clients, which are dear to make."""
    for made_once in MADE_ONCE:
        made_once.cache_clear()
    secrets.forget()
    accounts._last_read.clear()
    accounts._failed_at = float("-inf")
    credentials._asked_at = float("-inf")


def forget_clients() -> None:
    """Clears the clients as well."""
    for client in CLIENTS:
        client.cache_clear()


@cache
def template() -> dict[str, Any]:
    """``template.yaml``, parsed: the one place that says what the table is."""
    parsed: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    return parsed


def furnish() -> None:
    """Makes everything that the functions find in an account that the template was deployed to."""
    properties = template()["Resources"]["Table"]["Properties"]
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    aws.dynamodb().meta.events.register("provide-client-params.dynamodb.*", _check_key, unique_id="check-key")
    quicken_dynamodb()
    shorten_dynamodb(aws.dynamodb(), ACCOUNT, ENVIRONMENT["AWS_DEFAULT_REGION"])
    shorten_s3(aws.s3())
    shorten_sqs(aws.sqs())
    shorten_secrets_manager(aws.secrets_manager())
    aws.dynamodb().create_table(TableName=ENVIRONMENT["TABLE_NAME"], **{name: properties[name] for name in names})
    for bucket in BUCKETS:
        aws.s3().create_bucket(Bucket=bucket)
    aws.s3().put_bucket_versioning(Bucket="kiln-inbox", VersioningConfiguration={"Status": "Enabled"})
    for queue_name in QUEUES:
        aws.sqs().create_queue(QueueName=queue_name)
    for name, secret in SECRETS.items():
        aws.secrets_manager().create_secret(Name=name, SecretString=json.dumps(secret))
    _secrets_changed.clear()


def empty() -> None:
    """Takes out what a test has put in; behind the API, as to ask for it politely takes longer than most tests do."""
    get_backend("dynamodb")[ACCOUNT]["us-east-1"].tables[ENVIRONMENT["TABLE_NAME"]].items.clear()
    for bucket in BUCKETS:
        get_backend("s3")[ACCOUNT]["aws"].buckets[bucket].keys.clear()
    for queue_name in QUEUES:
        held = get_backend("sqs")[ACCOUNT]["us-east-1"].queues[queue_name]
        held._messages.clear()
        held._pending_messages.clear()
    for name in _secrets_changed & SECRETS.keys():
        put_secret(name, SECRETS[name])
    _secrets_changed.clear()


def put_secret(name: str, content: Any) -> None:
    """Makes a secret, or replaces what is in it."""
    _secrets_changed.add(name)
    client = aws.secrets_manager()
    text = content if isinstance(content, str) else json.dumps(content)
    try:
        client.put_secret_value(SecretId=name, SecretString=text)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=name, SecretString=text)


def _check_key(params: dict[str, Any], **_: Any) -> None:
    """DynamoDB refuses a key of more than 2 KB; its double does not."""
    key = params.get("Key", params.get("Item", {})).get("pk", {}).get("S", "x")
    if not 0 < len(key.encode()) <= 2_048:
        raise client_error("ValidationException")
