"""The pages of the repository: every link and anchor leads somewhere, and both READMEs show the same commands."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]

ARCHITECTURE = ROOT / "docs/architecture.md"

FENCE = re.compile(r"^(```+)(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"(`+).+?\1", re.DOTALL)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
EXTERNAL = re.compile(r"^[a-z][a-z0-9+.-]*:")


def _pages() -> list[Path]:
    """Every Markdown file that git tracks or would track; without a repository, those beside the code."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    files = [ROOT / name for name in listed.stdout.splitlines()]
    unpacked = [*ROOT.glob("*.md"), *(ROOT / "client").glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return sorted(file for file in files or unpacked if file.is_file())


PAGES = _pages()


def _anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading: lower case, no punctuation, hyphens for spaces."""
    shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    kept = "".join(
        character for character in shown if character in " -_" or unicodedata.category(character)[0] in "LNM"
    )
    return kept.replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    anchors: set[str] = set()
    seen: dict[str, int] = {}
    for heading in HEADING.findall(FENCE.sub("", page.read_text("utf-8"))):
        anchor = _anchor(heading)
        times = seen.get(anchor, 0)
        seen[anchor] = times + 1
        anchors.add(f"{anchor}-{times}" if times else anchor)
    return anchors


def _links(page: Path) -> list[str]:
    prose = INLINE_CODE.sub(lambda code: "" if "](" in code[0] else code[0], FENCE.sub("", page.read_text("utf-8")))
    return [link for link in LINK.findall(prose) if not EXTERNAL.match(link)]


def _broken(page: Path, link: str) -> str | None:
    """Why a relative link of a page leads nowhere; ``None`` if it leads somewhere."""
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_relative_to(ROOT):
        return f"{link}: outside the repository"
    if not target.exists():
        return f"{link}: no such file"
    if anchor and target.suffix == ".md" and anchor not in _anchors(target):
        return f"{link}: no such heading"
    return None


def test_there_are_pages() -> None:
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"README.md", "README.zh-CN.md", "docs/index.md", "docs/adr/README.md", "CONTRIBUTING.md"} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = [reason for reason in (_broken(page, link) for link in _links(page)) if reason]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Where does X live", "where-does-x-live"),
        ("What always holds, and the test", "what-always-holds-and-the-test"),
        ("`Monitoring=basic` leaves out", "monitoringbasic-leaves-out"),
        ("[Keys](deploying.md), replaced", "keys-replaced"),
        ("工作原理", "工作原理"),
    ],
)
def test_an_anchor_is_made_as_github_makes_it(heading: str, anchor: str) -> None:
    assert _anchor(heading) == anchor


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    assert _broken(page, "docs/no-such-page.md") == "docs/no-such-page.md: no such file"
    assert _broken(page, "docs/index.md#no-such-heading") == "docs/index.md#no-such-heading: no such heading"
    assert _broken(page, "../elsewhere.md") == "../elsewhere.md: outside the repository"
    written = tmp_path / "page.md"
    written.write_text("See [a `b`](c.md), `[not](d.md)` and\n\n```md\n[nor](e.md)\n```\n", "utf-8")
    assert _links(written) == ["c.md"]


def test_every_page_of_docs_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs/index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in _links(index)}
    pages = set((ROOT / "docs").glob("*.md")) - {index}
    assert pages <= linked, sorted(page.name for page in pages - linked)


def test_every_decision_is_in_the_table_and_has_its_four_parts() -> None:
    table = (ROOT / "docs/adr/README.md").read_text("utf-8")
    decisions = sorted(file for file in (ROOT / "docs/adr").glob("*.md") if file.name != "README.md")
    # Numbers may have gaps, but no number is there twice.
    assert len({file.name[:4] for file in decisions}) == len(decisions)
    for file in decisions:
        text = file.read_text("utf-8")
        title = re.match(r"# (\d{4})\. (.+)\n", text)
        assert title, file.name
        assert file.name.startswith(title[1]), file.name
        assert f"| {title[1]} | [{title[2]}]({file.name}) |" in table, file.name
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Alternatives", "Revisit when"], file.name


def test_the_diagram_of_the_workflow_shows_every_state_and_every_way_but_those_of_faults() -> None:
    (diagram,) = [code for _, language, code in FENCE.findall(ARCHITECTURE.read_text("utf-8")) if language == "mermaid"]
    label = {name: shown for shown, name in re.findall(r'^\s*state "(.+?)" as (\w+)$', diagram, re.MULTILINE)}
    drawn = {(label.get(a, a), label.get(b, b)) for a, b in re.findall(r"(\w+) --> (\w+)", diagram)}
    defined: set[tuple[str, str]] = set()
    state = ""
    for line in (ROOT / "functions/workflow/task.asl.json").read_text("utf-8").splitlines():
        opened = re.match(r' {4}"(\w+\??)": \{', line)
        state = opened[1] if opened else state
        defined |= {(state, following) for following in re.findall(r'"(?:Next|Default)": "([^"]+)"', line)}
    assert not drawn - defined
    assert {following for _, following in defined - drawn} <= {"ReleaseSlots"}


def test_every_module_that_the_glossary_names_is_there() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z_/]+(?:\.py|/))`", glossary))
    assert len(named) > 40
    places = (ROOT, ROOT / "layers/kiln/kiln")
    assert not sorted(name for name in named if not any((place / name).exists() for place in places))


def _commands(page: Path) -> list[tuple[str, str]]:
    """The code blocks of a README without the words that are translated: comments, prompts, labels of the diagram."""
    blocks = []
    for _, language, code in FENCE.findall(page.read_text("utf-8")):
        if language == "mermaid":
            same = re.sub(r'"[^"]*"', '""', code)
        else:
            same = re.sub(r'(--prompt |\\"prompt\\": )(\\?)"[^"]*"', r"\1", code)
            same = re.sub(r"(^|\s)#\s.*$", "", same, flags=re.MULTILINE)
        blocks.append((language, re.sub(r"[ \t]+$", "", same, flags=re.MULTILINE)))
    return blocks


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = _commands(ROOT / "README.md"), _commands(ROOT / "README.zh-CN.md")
    assert len(english) > 5
    assert english == chinese
