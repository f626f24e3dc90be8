"""The check of the provider's keys asks the provider with the keys of each account."""

from __future__ import annotations

import pytest

from kiln.operating import provider_keys
from kiln.provider import ProviderError, Verdict
from kiln.provider.credentials import Signer
from tests.support.account import put_secret


class Listing:
    """A provider that refuses one key."""

    def __init__(self, _: object, signer: Signer) -> None:
        self._is_refused = signer.authorization() == "Bearer sk-b"

    def query_list(self, **page: int) -> list[object]:
        assert page == {"page_size": 1}
        if self._is_refused:
            raise ProviderError(Verdict.ACCOUNT, "Auth failed", 1000)
        return []


@pytest.mark.usefixtures("cloud")
def test_keys_of_each_account_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_keys, "Provider", Listing)
    entries = [{"name": name, "api_key": f"sk-{name}"} for name in ("a", "b")]
    put_secret("kiln-provider", {"accounts": [entries[0], entries[1] | {"draining": True}]})
    checked = provider_keys.check()
    assert (checked.accepted, checked.reason) == (False, "b: Auth failed (code 1000)")
    assert [each.model_dump() for each in checked.accounts] == [
        {"name": "a", "accepted": True, "is_draining": False, "reason": ""},
        {"name": "b", "accepted": False, "is_draining": True, "reason": "Auth failed (code 1000)"},
    ]
