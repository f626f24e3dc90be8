"""Checks of the buckets: uploads and S3's own limits for them, and TLS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from kiln_cli.acceptance.findings import Finding, row, skipped
from kiln_cli.acceptance.trial import Trial, data, png, said

_LARGEST_UPLOAD = 10 * 1024 * 1024


def uploads(trial: Trial) -> Iterator[Finding]:
    """S3 accepts an upload within the limits and refuses all others."""
    area = "uploads"
    answer = trial.send("POST", "/v1/uploads")
    yield row(area, "create an upload", "200/0", said(answer))
    upload = data(answer)
    if not upload:
        return
    fields: dict[str, str] = upload["fields"]
    bucket = trial.installation.output("InputsBucketName")
    trial.undo.callback(_remove, trial, bucket, fields["key"])
    forged = {**fields, "x-amz-signature": "0" * 64}
    if trial.installation.is_local:
        yield skipped(area, "a forged signature is refused", "the local AWS does not check the signature of a form")
    for check, sent, content, is_well in (
        ("11 MB are refused", fields, b"x" * (_LARGEST_UPLOAD + 1), False),
        ("an empty file is refused", fields, b"", False),
        *([] if trial.installation.is_local else [("a forged signature is refused", forged, png(320), False)]),
        ("another key is refused", {**fields, "key": f"uploads/other/{trial.mark}"}, png(320), False),
        ("an image is accepted", fields, png(320), True),
    ):
        got = trial.http.post(upload["url"], data=sent, files={"file": content})
        is_taken = got.is_success
        expected = "2xx" if is_well else "4xx"
        if is_taken and not is_well:
            trial.undo.callback(_remove, trial, bucket, sent["key"])
        yield row(area, check, expected, _status(got), is_well=is_taken == is_well and got.status_code < 500)
    missing = trial.job(subject_image_list=[{"subject_image": "kiln-upload://" + "0" * 32}])
    answer = trial.send("POST", "/v1/images/multi-image2image", json=missing)
    yield row(area, "a reference without an upload is refused", "400/1201", said(answer))


def buckets(trial: Trial) -> Iterator[Finding]:
    """The buckets are private, and refuse requests without TLS."""
    s3: Any = trial.installation.client("s3")
    for output in ("InboxBucketName", "InputsBucketName", "OutboxBucketName"):
        name = trial.installation.output(output)
        found = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        yield row("buckets", f"{output}: public access is blocked", True, all(found.values()))
    check = "a request without TLS is refused"
    if trial.installation.parameters.get("RequireTls") == "false":
        yield skipped("buckets", check, "RequireTls is false")
        return
    link = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": trial.installation.output("InboxBucketName")})
    yield row("buckets", check, 403, trial.http.get(str(httpx.URL(link).copy_with(scheme="http"))).status_code)


def _status(answer: httpx.Response) -> str:
    code = answer.text.partition("<Code>")[2].partition("</Code>")[0]
    return f"{answer.status_code} {code}".strip()


def _remove(trial: Trial, bucket: str, key: str) -> None:
    trial.installation.client("s3").delete_object(Bucket=bucket, Key=key)
