"""Reads the harmless variants of a create body, and finds the fields that have no effect.

A variant is read where it can mean one thing only. A value that can mean two things is refused later, by its field.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

ALIASES = {"scence_image": "scene_image", "model": "model_name"}
"""Names that the provider used before the contract's, and that public clients still send."""

QUIET = frozenset(
    {
        "camera_control", "cfg_scale", "duration", "dynamic_masks", "element_list", "human_fidelity", "image",
        "image_fidelity", "image_list", "image_reference", "image_size", "image_tail", "mode", "negative_prompt",
        "resolution", "response_format", "result_type", "series_amount", "size", "sound", "static_mask", "stream",
        "type", "user", "video_id", "voice_list",
    }
)  # fmt: skip
"""Fields of other products that public clients send with every request: they are ignored without a word."""

LONGEST_NAME = 64
MOST_NAMES = 20
"""As many ignored fields are named, each with as many characters, as a header and a message can hold."""


def read_variants(body: Mapping[str, Any], fields: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """The body with the contract's names and forms, and the names of the fields that have no effect.

    Empty values (``null``, ``""``, white space) count as absent.

    Args:
        body: As the caller sent it.
        fields: The contract's names.
    """
    read: dict[str, Any] = {}
    ignored: list[str] = []
    for name, sent in body.items():
        value = sent.strip() if isinstance(sent, str) else sent
        if value is None or value == "":
            continue
        if name in fields:
            read[name] = value
        elif name not in ALIASES and name not in QUIET:
            ignored.append(name)
    for alias, name in ALIASES.items():
        value = body.get(alias)
        value = value.strip() if isinstance(value, str) else value
        if value is None or value == "":
            continue
        # The contract's own name wins over its alias, which then has no effect.
        if read.setdefault(name, value) != value:
            ignored.append(alias)
    _read_forms(read)
    ignored += _ignored_within(read)
    return read, [name[:LONGEST_NAME] for name in ignored[:MOST_NAMES]]


def _read_forms(read: dict[str, Any]) -> None:
    for name in ("model_name", "aspect_ratio"):
        if isinstance(read.get(name), str):
            read[name] = read[name].lower()
    if isinstance(read.get("watermark_info"), bool):
        read["watermark_info"] = {"enabled": read["watermark_info"]}
    external_id = read.get("external_task_id")
    if isinstance(external_id, int) and not isinstance(external_id, bool):
        read["external_task_id"] = str(external_id)
    subjects = read.get("subject_image_list")
    if isinstance(subjects, list):
        read["subject_image_list"] = _read_subjects(subjects)


def _read_subjects(subjects: list[Any]) -> list[Any]:
    """The subjects as objects, without empty ones at the end."""
    read = [{"subject_image": each} if isinstance(each, str) else each for each in subjects]
    while len(read) > 1 and _is_empty(read[-1]):
        read.pop()
    return read


def _is_empty(subject: Any) -> bool:
    if not isinstance(subject, Mapping):
        return subject is None
    image = subject.get("subject_image")
    return set(subject) <= {"subject_image"} and (image is None or (isinstance(image, str) and not image.strip()))


def _ignored_within(read: Mapping[str, Any]) -> list[str]:
    """The names of ignored fields inside the contract's objects."""
    ignored = []
    subjects = read.get("subject_image_list")
    for number, subject in enumerate(subjects[:4] if isinstance(subjects, list) else []):
        if isinstance(subject, Mapping):
            ignored += [f"subject_image_list[{number}].{name}" for name in _unknown(subject, "subject_image")]
    watermark = read.get("watermark_info")
    if isinstance(watermark, Mapping):
        ignored += [f"watermark_info.{name}" for name in _unknown(watermark, "enabled")]
    return ignored


def _unknown(value: Mapping[str, Any], known: str) -> list[str]:
    return [name for name, each in value.items() if name != known and each not in (None, "")]
