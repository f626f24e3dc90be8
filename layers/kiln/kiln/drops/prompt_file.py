"""A folder with a ``prompt.txt`` is a job without JSON: the images' names say what they are.

``scene.*`` and ``style.*`` are the scene and the style, every other image is a subject. A first line like
``n=3 ratio=3:2`` sets fields; the rest is the prompt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from kiln import s3
from kiln.contract.vocabulary import SUBJECTS
from kiln.drops.job_file import Job
from kiln.drops.names import DEFAULTS_FILE, PROMPT_FILE, in_order, is_named, is_picture, stem
from kiln.drops.texts import FILE_BYTES, text_of
from kiln.errors import InvalidRequest

_OPTIONS = {
    "n": "n",
    "ratio": "aspect_ratio",
    "aspect_ratio": "aspect_ratio",
    "model": "model_name",
    "model_name": "model_name",
}
_PAIR = re.compile(r"([A-Za-z_]+)=([^\s,;=]+)(?:[\s,;]+|\Z)")

_SHOWN = 5


class NoSubject(InvalidRequest):
    """The folder holds no subject image yet."""


def read_prompt(bucket: str, folder: str, name: str, files: Sequence[str]) -> Job | None:
    """The job of a folder with a ``prompt.txt``, or ``None`` if that file is gone.

    Args:
        bucket: The inbox.
        folder: Without a trailing slash.
        name: The ``prompt.txt`` in the case that it is written in.
        files: The names of the folder's files.

    Raises:
        MalformedRequest: The file is no text (1200).
        NoSubject: There is no subject (1201).
        InvalidRequest: The prompt is empty, an option is unknown or there are too many images (1201).
    """
    file = s3.read(bucket, f"{folder}/{name}", most=FILE_BYTES)
    if file is None:
        return None
    fields = _fields(text_of(PROMPT_FILE, file.content))
    pictures = sorted(filter(is_picture, files), key=in_order)
    named: dict[str, list[str]] = {"scene_image": [], "style_image": [], "": []}
    for picture in pictures:
        named[f"{stem(picture)}_image" if stem(picture) in ("scene", "style") else ""].append(picture)
    subjects = named.pop("")
    for field, candidates in named.items():
        role = field.removesuffix("_image")
        if len(candidates) > 1:
            raise InvalidRequest(f"{PROMPT_FILE}: one image must be the {role}, got {', '.join(candidates)}")
        fields |= {field: candidates[0]} if candidates else {}
    if not subjects:
        raise NoSubject(f"{PROMPT_FILE}: needs 1 to {SUBJECTS[1]} images beside it in its folder, got none")
    if len(subjects) > SUBJECTS[1]:
        raise InvalidRequest(
            f"{PROMPT_FILE}: takes 1 to {SUBJECTS[1]} subjects, got {len(subjects)} images: "
            f"{_some(subjects)}; name the scene scene.* and the style style.*. "
            'For several tasks drop one folder for each, or add a job.json with {"jobs": […]}'
        )
    fields["subject_image_list"] = [{"subject_image": subject} for subject in subjects]
    used = {*pictures, name}
    ignored = tuple(each for each in files if each not in used and not is_named(each, DEFAULTS_FILE))
    return Job(fields, file.without_content(), ignored=ignored)


def _some(names: Sequence[str]) -> str:
    """The first names, as many as a message has room for."""
    shown = [name[:60] for name in names[:_SHOWN]]
    return ", ".join([*shown, f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else shown)


def _fields(text: str) -> dict[str, Any]:
    """The options of the first line and the prompt."""
    if text.lstrip().startswith("{\\rtf"):
        raise InvalidRequest(f"{PROMPT_FILE}: must be plain text, got RTF; save it as plain text")
    first, _, rest = text.partition("\n")
    fields = _options(first)
    prompt = (rest if fields else text).strip()
    if not prompt:
        got = "options alone" if fields else "an empty file"
        raise InvalidRequest(f"{PROMPT_FILE}: must hold the prompt, got {got}")
    return {**fields, "prompt": prompt}


def _options(line: str) -> dict[str, Any]:
    """The fields that a first line of ``name=value`` pairs sets; none if it is a line of words."""
    # Full-width ＝, ： and ， are what a Chinese keyboard types.
    line = re.sub(r"\s*=\s*", "=", unicodedata.normalize("NFKC", line)).strip()
    pairs: list[tuple[str, str]] = []
    end = 0
    while pair := _PAIR.match(line, end):
        pairs.append((pair[1].casefold(), pair[2]))
        end = pair.end()
    words, unknown = line[end : end + 40], [option for option, _ in pairs if option not in _OPTIONS]
    if not pairs or (words and len(unknown) == len(pairs)):
        return {}
    if unknown:
        raise InvalidRequest(
            f"{PROMPT_FILE}: the first line may set n, ratio and model, got '{unknown[0][:40]}'; "
            "if it is the prompt, begin the file with an empty line"
        )
    if words:
        raise InvalidRequest(
            f"{PROMPT_FILE}: the first line must hold options or the prompt, got both; put '{words}' on the next line"
        )
    return {_OPTIONS[option]: value for option, value in pairs}
