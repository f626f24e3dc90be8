"""The environment, read in one place: one model per concern, so a function needs only the variables it uses."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kiln.settings.reading import load

if TYPE_CHECKING:
    from kiln.settings.address import AddressSettings
    from kiln.settings.callers import CallerSettings, CorsSettings
    from kiln.settings.console import ConsoleSettings
    from kiln.settings.inbox import DeadLetterSettings, InboxSettings
    from kiln.settings.inputs import InputSettings
    from kiln.settings.outside import AddressRules, ResultSettings, WebhookSettings
    from kiln.settings.provider import ProviderSecretSettings, SlotSettings
    from kiln.settings.provider_calls import ProviderInputSettings, ProviderSettings
    from kiln.settings.storage import BucketSettings, TableSettings
    from kiln.settings.workflow import BusSettings, DeadlineSettings, PrioritySettings, StartSettings, WorkflowSettings

__all__ = [
    "AddressRules",
    "AddressSettings",
    "BucketSettings",
    "BusSettings",
    "CallerSettings",
    "ConsoleSettings",
    "CorsSettings",
    "DeadLetterSettings",
    "DeadlineSettings",
    "InboxSettings",
    "InputSettings",
    "PrioritySettings",
    "ProviderInputSettings",
    "ProviderSecretSettings",
    "ProviderSettings",
    "ResultSettings",
    "SlotSettings",
    "StartSettings",
    "TableSettings",
    "WebhookSettings",
    "WorkflowSettings",
    "load",
]

_HOMES = {
    "address": ("AddressSettings",),
    "callers": ("CallerSettings", "CorsSettings"),
    "console": ("ConsoleSettings",),
    "inbox": ("DeadLetterSettings", "InboxSettings"),
    "inputs": ("InputSettings",),
    "outside": ("AddressRules", "ResultSettings", "WebhookSettings"),
    "provider": ("ProviderSecretSettings", "SlotSettings"),
    "provider_calls": ("ProviderInputSettings", "ProviderSettings"),
    "storage": ("BucketSettings", "TableSettings"),
    "workflow": ("BusSettings", "DeadlineSettings", "PrioritySettings", "StartSettings", "WorkflowSettings"),
}


def __getattr__(name: str) -> Any:
    """Finds a model when it is asked for: a function uses a few of them, and does not make the others."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
