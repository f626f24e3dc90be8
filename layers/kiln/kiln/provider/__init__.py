"""The provider's API: its vocabulary stays in here."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kiln.provider.answers import ProviderImage, ProviderTask
    from kiln.provider.client import Provider
    from kiln.provider.verdicts import ProviderError, Verdict

__all__ = ["Provider", "ProviderError", "ProviderImage", "ProviderTask", "Verdict"]

_HOMES = {
    "answers": ("ProviderImage", "ProviderTask"),
    "client": ("Provider",),
    "verdicts": ("ProviderError", "Verdict"),
}


def __getattr__(name: str) -> Any:
    """Finds a name when it is asked for: who needs the credentials alone does not pay for an HTTP client."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
