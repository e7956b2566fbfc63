"""A hook of MkDocs: pages of the documentation that are files of the folder above.

A page with the line `<!-- The text of NAME. -->` shows that file there. README.md, CONTRIBUTING.md
and CHANGELOG.md stand at the top of the repository, where their links lead to docs/; here they lead
to the same pages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
INCLUSION = re.compile(r"^<!-- The text of ([A-Z]+\.md)\. -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_page: Any) -> str:
    """Put the named files into a page's text; called by MkDocs for every page."""
    return INCLUSION.sub(lambda found: _text_of(found[1]), markdown)


def _text_of(name: str) -> str:
    text = (ROOT / name).read_text(encoding="utf-8")
    return text.replace("](docs/", "](")
