"""Which provider a local stack uses, by the keys in the environment, and what it says of the cost."""

from __future__ import annotations

import pytest

from local.providers import KLING_URL, KeysError, price, real_provider


def test_environment_without_keys_means_the_simulator() -> None:
    assert real_provider({"KLING_API_URL": "https://api-beijing.klingai.com", "KLING_ACCESS_KEY": " "}) is None


def test_pair_of_keys_means_the_real_provider() -> None:
    provider = real_provider({"KLING_ACCESS_KEY": "access", "KLING_SECRET_KEY": "secret"})
    assert provider is not None
    assert (provider.url, provider.host) == (KLING_URL, "api-singapore.klingai.com")
    assert provider.secret() == {"access_key": "access", "secret_key": "secret"}
    assert "secret" not in repr(provider)


def test_api_key_wins_over_a_pair_and_the_address_can_be_chosen() -> None:
    environment = {
        "KLING_API_KEY": "plain",
        "KLING_ACCESS_KEY": "a",
        "KLING_API_URL": "https://api-beijing.klingai.com/",
    }
    provider = real_provider(environment)
    assert provider is not None
    assert provider.secret() == {"api_key": "plain"}
    assert provider.url == "https://api-beijing.klingai.com"


def test_real_provider_gets_images_inline_and_is_polled_often() -> None:
    provider = real_provider({"KLING_API_KEY": "plain"})
    assert provider is not None
    assert provider.parameters() == {
        "ProviderUrl": KLING_URL,
        "ProviderInputs": "inline",
        "PollAfterSeconds": "5",
        "AllowHttpResults": "false",
        "AllowPrivateResults": "false",
    }


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"KLING_ACCESS_KEY": "a"}, "KLING_SECRET_KEY is not set"),
        ({"KLING_SECRET_KEY": "s"}, "KLING_ACCESS_KEY is not set"),
        ({"KLING_API_KEY": "k", "KLING_API_URL": "api-beijing.klingai.com"}, "KLING_API_URL must be an http"),
    ],
)
def test_incomplete_keys_are_refused_by_name(environment: dict[str, str], named: str) -> None:
    with pytest.raises(KeysError, match=named):
        real_provider(environment)


def test_price_counts_every_image() -> None:
    assert price() == "about 16 units (US$ 0.056, price list of September 2026)"
    assert price(2).startswith("about 32 units (US$ 0.112")
