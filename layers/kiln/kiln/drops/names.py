"""File names in the inbox: system files, job files, images, and the file that a name means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

JOB_FILE = "job.json"
DEFAULTS_FILE = "defaults.json"
PROMPT_FILE = "prompt.txt"

_SYSTEM_FOLDERS = re.compile(
    r"__macosx|\.appledouble|\.documentrevisions-v100|\.fseventsd|\.git|\.spotlight-v100|\.svn|\.temporaryitems|\.trashes"
    r"|@eadir|#recycle|\$recycle\.bin|system volume information"
)
_SYSTEM_FILES = re.compile(
    r"\.apdisk|\.ds_store|\.directory|\.dropbox|\.gitattributes|\.gitignore|\.gitkeep|\.keep|\.localized|\.nomedia"
    r"|\.volumeicon\.icns|\.?picasa\.ini|desktop\.ini|ehthumbs(_vista)?\.db|thumbs\.db|icon\r"
    r"|(\._|~\$|\.~lock|\.syncthing\.).*|.*(_\$folder\$|~|\.(part|partial|filepart|crdownload|tmp|swp))",
    re.DOTALL,
)

_PICTURES = frozenset({"avif", "bmp", "gif", "heic", "heif", "jfif", "jp2", "jpe", "svg", "tif", "tiff", "webp"})
_IMAGES = frozenset({"jpg", "jpeg", "png"})
_JOB_LIKE = re.compile(r".*(\.json\w*|\.ya?ml|\.toml|\.jsn)\Z|(.*\W)?jobs?(\W.*)?\Z")
_PROMPT_LIKE = re.compile(r"(.*\W)?(prompt|promt|propmt|pormpt|提示词)s?(\W.*)?\Z")
_DIGITS = re.compile(r"(\d+)")


def is_system_file(key: str) -> bool:
    """Whether a key is one that operating systems and copying tools leave behind; no person means it as an input."""
    *folders, name = key.casefold().split("/")
    return _SYSTEM_FILES.fullmatch(name) is not None or any(map(_SYSTEM_FOLDERS.fullmatch, folders))


def is_named(name: str, wanted: str) -> bool:
    """Whether a file has this name in any case."""
    return name.casefold() == wanted


def named_in(names: Iterable[str], wanted: str) -> str | None:
    """The file of this name: written exactly so if there is one, else in another case."""
    found = [name for name in names if is_named(name, wanted)]
    return wanted if wanted in found else next(iter(sorted(found)), None)


def is_picture(name: str) -> bool:
    """Whether a file's extension is one of a picture, of a format that Kiln reads or of another."""
    return _extension(name) in _PICTURES | _IMAGES


def is_image(name: str) -> bool:
    """Whether a file's extension is one of an image that the contract takes."""
    return _extension(name) in _IMAGES


def stem(name: str) -> str:
    """A file's name without its extension, in lower case."""
    return name.casefold().rpartition(".")[0]


def misnamed(names: Sequence[str]) -> tuple[str, str] | None:
    """The file that was probably meant as a job file, and the name that it needs."""
    for like, wanted in ((_JOB_LIKE, JOB_FILE), (_PROMPT_LIKE, PROMPT_FILE)):
        found = [name for name in names if like.match(name.casefold()) and not is_picture(name)]
        found = [name for name in found if not is_named(name, DEFAULTS_FILE)]
        if found:
            return min(found, key=lambda name: (wanted.partition(".")[0] not in name.casefold(), name)), wanted
    return None


def is_archive(name: str) -> bool:
    """Whether a file's extension is one of a packed folder."""
    return _extension(name) in {"zip", "rar", "7z", "tar", "gz", "tgz"}


def is_yaml(name: str) -> bool:
    """Whether a file's extension is one of a format that people write jobs in, but that Kiln does not read."""
    return _extension(name) in {"yaml", "yml", "toml"}


def folded(name: str) -> str:
    """A name in the form that is the same for all names that look the same, but for their case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def meant(written: str) -> str | None:
    r"""The path that a job's file name means: ``./cat.png`` is ``cat.png``, and ``sub\cat.png`` is ``sub/cat.png``.

    Returns:
        ``None`` for a path that leads out of the job's folder.
    """
    path = written.strip().replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:/|file:", path) or not parts:
        return None
    return "/".join(parts)


def in_order(name: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts names as people read them: ``cat2`` before ``cat10``."""
    parts = _DIGITS.split(folded(name))
    return [(int(part[:18]), "") if part.isdecimal() else (-1, part) for part in parts], name


def _extension(name: str) -> str:
    return name.casefold().rpartition(".")[2] if "." in name else ""
