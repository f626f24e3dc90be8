"""The page to try the API with: its example works unchanged, and its key is the console's."""

from __future__ import annotations

import base64
import re

from kiln.documents import pages
from kiln.images.inspection import check_input
from local.children import ROOT


def test_example_image_keeps_the_contracts_limits():
    [picture] = re.findall(r'const picture = "([^"]+)"', pages.docs_html())
    facts = check_input(base64.b64decode(picture))
    assert (facts.content_type, facts.width, facts.height) == ("image/png", 300, 300)


def test_page_has_the_consoles_key():
    [name] = re.findall(r'STORAGE_NAME = "([^"]+)"', (ROOT / "functions/console/page/api.js").read_text("utf-8"))
    assert f'sessionStorage.getItem("{name}")' in pages.docs_html()
