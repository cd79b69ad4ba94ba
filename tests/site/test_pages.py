"""The pages of the documentation site, as files and in a browser. `make test-docs` builds the site and runs these."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

import livekit_utils
from tests.support.browser import Browser, find_browser

# Set by `make test-docs`, which has just built it: an older one has not the names of today.
SITE = Path(os.environ.get("LIVEKIT_UTILS_SITE") or "no site").resolve()
PHONE = 390

pytestmark = pytest.mark.skipif(
    not (SITE / "index.html").is_file(), reason="make test-docs builds the site and looks at it"
)


class Page(HTMLParser):
    """What a page refers to, which places it has, and its blocks of code."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if values.get("id"):
            self.places.add(values["id"] or "")
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        if tag in ("script", "img", "audio", "source", "iframe") and values.get("src"):
            self.loaded.append(values["src"] or "")
        if tag == "link" and values.get("href") and values.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(values["href"] or "")


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(SITE.rglob("*.html")) if "_static" not in path.parts}


def test_no_link_is_broken(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links + page.loaded:
            address = urlparse(link)
            if address.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            there = target.exists()
            if there and address.fragment and target in pages:
                there = unquote(address.fragment) in pages[target].places
            if not there:
                broken.append(f"{path.relative_to(SITE)}: {link}")
    assert not broken


def test_nothing_comes_from_another_server(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert not [link for link in page.loaded if urlparse(link).scheme or link.startswith("//")], path
    for style in SITE.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//", style.read_text("utf-8")), style


def test_every_public_name_has_a_page_with_its_examples() -> None:
    for name in livekit_utils.__all__:
        text = (SITE / "reference" / f"{name}.html").read_text("utf-8")
        item = getattr(livekit_utils, name)
        if not callable(item):
            continue
        members = vars(item).values() if isinstance(item, type) else ()
        documented = [item, *(member for member in members if not isinstance(member, type))]
        parts = [part for one in documented for part in re.split(r"\n\s*\n", getattr(one, "__doc__", None) or "")]
        examples = sum(">>> " in part for part in parts)
        assert len(re.findall(r'<div class="highlight-pycon', text)) >= examples, name
        assert "&gt;&gt;&gt;" not in re.sub(r"<pre>.*?</pre>", "", text, flags=re.S), name


def test_signatures_have_no_private_names() -> None:
    for page in (SITE / "reference").glob("*.html"):
        for signature in re.findall(r'<dt class="sig .*?</dt>', page.read_text("utf-8"), re.S):
            text = re.sub(r"<[^>]+>", "", signature)
            assert not re.search(r"(?<![\w.])_[A-Za-z]", text), f"{page.name}: {text}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium-headless-shell, or LIVEKIT_UTILS_BROWSER=...")
    with Browser(program, tmp_path_factory.mktemp("browser")) as browser:
        browser.width(PHONE)
        yield browser


def test_no_page_scrolls_sideways_on_a_phone(browser: Browser, pages: dict[Path, Page]) -> None:
    wide = []
    for path in pages:
        browser.open(path.as_uri())
        width = browser.evaluate("document.documentElement.scrollWidth")
        if width > PHONE:
            wide.append(f"{path.relative_to(SITE)}: {width}")
        assert not [address for address in browser.requests() if not address.startswith(("file:", "data:"))]
    assert not wide


@pytest.mark.parametrize(("words", "page"), [("AudioMixer", "reference/AudioMixer.html"), ("stereo", "")])
def test_the_search_answers_from_files(browser: Browser, words: str, page: str) -> None:
    browser.open(f"{(SITE / 'search.html').as_uri()}?q={words}")
    found = browser.wait_for(
        "document.querySelectorAll('#search-results li a').length"
        " && [...document.querySelectorAll('#search-results li a')].map(a => a.getAttribute('href'))"
    )
    assert any(link.startswith(page) for link in found)
    assert all((SITE / link.partition("#")[0].partition("?")[0]).is_file() for link in found)
