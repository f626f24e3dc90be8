"""The buckets of the expanded template allow a web page the requests it makes, and no more."""

from __future__ import annotations

import pytest

from tests.support.transformed import expanded

METHODS = {"InboxBucket": ["GET"], "InputsBucket": ["GET", "POST"], "OutboxBucket": ["GET"]}


@pytest.mark.parametrize("bucket", METHODS)
def test_page_on_any_origin_can_read_a_bucket_by_a_signed_link(bucket):
    [rule] = expanded()[bucket]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == METHODS[bucket]
    assert rule["AllowedOrigins"] == ["*"]
