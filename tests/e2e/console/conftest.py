"""A stack, and Chromium in front of it. Each page is watched for errors and for requests to other hosts."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import zhplot
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from local.children import ROOT
from local.stack import Options, Stack
from tests.integration.client import PATIENCE_S, Caller, picture, wait_until

SCREENSHOTS = ROOT / ".kiln" / "screenshots"
"""The folder of the screenshots that the tests take."""

SAMPLE = ROOT / "samples" / "lantern-cat"
PATIENCE_MS = PATIENCE_S * 1000
expect.set_options(timeout=PATIENCE_MS)
ROOM = {"subjects": 4, "scene": 1, "style": 1}
CALLERS = [Caller(f"onlooker-{number}") for number in range(120)]
"""More than there are consoles: no console shows the tasks of another one."""

DROPPER = Caller("dropper")
"""The caller of what is dropped into the inbox."""

BUDGET = 1_000

_copies = itertools.count()
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_EXPECTED = re.compile(r"the server responded with a status of (400|401|404)")
_WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Console:
    """The console in one tab, for one caller; ``page`` is Playwright's."""

    def __init__(self, page: Page, stack: Stack, caller: Caller) -> None:
        self.page = page
        self.stack = stack
        self.caller = caller
        self.url = f"{stack.description['api_url']}/"

    def enter(self, more: str = "") -> None:
        """Signs in with a link."""
        self.page.goto(f"{self.url}#key={self.caller.api_key}{more}")
        self.page.locator("#studio").wait_for()

    def choose(self, place: str, *files: Path) -> None:
        """Chooses files in the browser's dialog, and waits until the form shows them."""
        shown = self.page.locator(f"#{place} .filled")
        count = min(shown.count() + len(files), ROOM[place])
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(f"#add-{place}").click()
        chooser.value.set_files(list(files))
        expect(shown).to_have_count(count)

    def drop(self, selector: str, *files: Path) -> None:
        """Drops files on an element."""
        given = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in files]
        transfer = self.page.evaluate_handle(
            """files => {
                const transfer = new DataTransfer();
                for (const [name, text] of files)
                    transfer.items.add(new File([Uint8Array.from(atob(text), each => each.charCodeAt(0))], name));
                return transfer;
            }""",
            given,
        )
        self.page.dispatch_event(selector, "dragover", {"dataTransfer": transfer})
        self.page.dispatch_event(selector, "drop", {"dataTransfer": transfer})

    def submit(self) -> str:
        """Sends the request. Returns the id of the new task."""
        with self.page.expect_response(
            lambda answer: answer.request.method == "POST" and "multi-image" in answer.url
        ) as sent:
            self.page.locator("#submit").click()
        answer = sent.value.json()
        assert answer["code"] == 0, answer
        task_id: str = answer["data"]["task_id"]
        return task_id

    def card(self, task_id: str, status: str = "") -> Any:
        """The card of a task, or its card with this status."""
        return self.page.locator(f'[data-id="{task_id}"]{"." + status if status else ""}')

    def api(self, method: str, path: str, **content: Any) -> Any:
        """Calls the API as this caller, outside the page. Returns the answer's data."""
        headers = {"Authorization": f"Bearer {self.caller.api_key}"}
        answer = httpx.request(method, self.url + path, headers=headers, timeout=PATIENCE_S, trust_env=False, **content)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def source(self, name: str) -> str:
        """The address of one of the page's modules, to import it beside the page; a new copy each time."""
        folder = f"{self.url}console/sources-{next(_copies)}/"
        pages = ROOT / "functions" / "console" / "page"
        self.page.route(
            f"{folder}*",
            lambda route: route.fulfill(
                path=pages / route.request.url.rpartition("/")[2], content_type="text/javascript"
            ),
        )
        return folder + name

    def wait_for_draft(self, **choices: object) -> None:
        """Waits until the browser keeps a draft with these choices, and with so many pictures at each place named."""
        read = """async ([at, names]) => {
            const kept = await (await import(at)).read();
            return kept && names.map(name => Array.isArray(kept[name]) ? kept[name].length : kept[name]);
        }"""
        asked = [self.source("draft.js"), list(choices)]
        wait_until(lambda: self.page.evaluate(read, asked) == list(choices.values()), f"the draft has {choices}")

    def look(self, name: str) -> None:
        """Takes a screenshot."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def assert_accessible(self, view: str) -> None:
        """Checks the page against WCAG AA, in the light and in the dark."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found = Axe().run(self.page, options={"runOnly": _WCAG_AA, "resultTypes": ["violations"]})
            assert not found.response["violations"], f"{view}, {scheme}\n{found.generate_report()}"
        self.page.emulate_media(color_scheme="light", reduced_motion="no-preference")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack under the template's policies, whose buckets answer a browser as S3 does."""
    options = Options(
        tmp_path_factory.mktemp("console"),
        parameters={"ProviderSlots": "2", "PollAfterSeconds": "2", "InboxCaller": DROPPER.name},
        aws_environment={"AUTH": "true"},
        provider_arguments=["--task-seconds", "0.6", "--pixels", "60000"],
    )
    with Stack(options) as running:
        running.clients.secretsmanager.put_secret_value(
            SecretId=running.description["callers_secret_arn"],
            SecretString=json.dumps(
                {"callers": [each.entry() | {"units_per_month": BUDGET} for each in (*CALLERS, DROPPER)]}
            ),
        )
        yield running


@pytest.fixture
def finish(stack: Stack) -> Callable[[], None]:
    """Ends all that the provider is generating."""
    return lambda: _control(stack, "finish", {})


@pytest.fixture
def faults(stack: Stack, finish: Callable[[], None]) -> Iterator[Callable[..., None]]:
    """Switches faults of the provider on. After the test they are off again, and running generations end."""

    def put(**named: object) -> None:
        _control(stack, "faults", named)

    yield put
    put()
    finish()


def _control(stack: Stack, name: str, content: object) -> None:
    url = f"{stack.description['provider_control_url']}/{name}"
    httpx.post(url, json=content, timeout=PATIENCE_S, trust_env=False).raise_for_status()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, with a Chinese font on every machine."""
    program = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if program is None:
        pytest.skip("no Chromium on the PATH (on Debian: apt-get install chromium)")
    fonts = tmp_path_factory.mktemp("fonts") / "fonts.conf"
    folder = Path(zhplot.__file__).with_name("fonts")
    fonts.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{folder}</dir></fontconfig>'
    )
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=program, env={**os.environ, "FONTCONFIG_FILE": str(fonts)}
        )
        yield launched
        launched.close()


_callers = iter(CALLERS)

TOASTS_STAY = """{
    const timeout = window.setTimeout;
    window.setTimeout = (act, ms, ...more) => timeout(act, ms === 6000 ? 120_000 : ms, ...more);
}"""
"""A busy computer may look seldom, so a toast is shown for two minutes in place of six seconds."""


@pytest.fixture
def open_console(browser: Browser, stack: Stack) -> Iterator[Callable[..., Console]]:
    """Opens consoles, each with its own browser profile and caller."""
    with contextlib.ExitStack() as opened:
        problems: list[str] = []

        def make(
            width: int = 1280, height: int = 860, locale: str = "en-GB", caller: Caller | None = None, **more: Any
        ) -> Console:
            context: BrowserContext = browser.new_context(
                viewport={"width": width, "height": height}, locale=locale, color_scheme="light", **more
            )
            opened.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            context.add_init_script(TOASTS_STAY)
            page = context.new_page()
            _watch(page, stack, problems)
            return Console(page, stack, caller or next(_callers))

        yield make
        assert problems == []


@pytest.fixture
def console(open_console: Callable[..., Console]) -> Console:
    """The console on a wide screen."""
    return open_console()


def _watch(page: Page, stack: Stack, problems: list[str]) -> None:
    """Records the errors of a page, and its requests to other hosts than the stack."""
    ours = {urlsplit(stack.description[name]).netloc for name in ("api_url", "aws_endpoint_url")}

    def asked(url: str) -> None:
        if urlsplit(url).scheme not in ("blob", "data") and urlsplit(url).netloc not in ours:
            problems.append(f"asks {url}")

    def said(kind: str, text: str) -> None:
        if kind in ("error", "warning") and not _EXPECTED.search(text):
            problems.append(text)

    page.on("request", lambda request: asked(request.url))
    page.on("console", lambda message: said(message.type, message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, some of them outside the contract."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "small.png").write_bytes(picture(200, 400))
    (folder / "long.png").write_bytes(picture(1200, 300))
    (folder / "it's a cat.png").write_bytes(picture(400, 400, "teal"))
    (folder / "torn.png").write_bytes(picture(400, 400)[:20])
    (folder / "text.png").write_text("not a picture")
    (folder / "phone.jpg").write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
    jpeg = picture(400, 400, kind="JPEG")
    (folder / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    # Noise does not compress: too large for a request's body, and below the contract's 10 MB.
    (folder / "large.png").write_bytes(_noise(1300))
    return folder


def _noise(side: int) -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(file, "PNG", compress_level=1)
    return file.getvalue()
