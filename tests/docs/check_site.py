"""Every link inside the built site leads to a page and a place on it that exist.

python -m tests.docs.check_site docs/_build/html
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit


class Page(HTMLParser):
    """What a page links to, and the names of the places on it.

    Attributes:
        links: every href and src, as written.
        places: every id.
    """

    def __init__(self, path):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name == "id":
                self.places.add(value)


def broken_links(site):
    """Yield "page: link" for each that leads nowhere; other sites are not asked."""
    paths = (path for path in site.resolve().rglob("*.html") if "_static" not in path.parts)
    pages = {path: Page(path) for path in paths}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if not parts.scheme and not parts.netloc and not leads_somewhere(path, link, pages):
                yield f"{path.relative_to(site.resolve())}: {link}"


def leads_somewhere(path, link, pages):
    """Whether the file of a relative link exists, and the place on it."""
    address, place = urldefrag(urlsplit(link)._replace(query="").geturl())
    target = (path.parent / unquote(address)).resolve() if address else path
    if target not in pages:
        return target.is_file()
    return place in ("", "#") or unquote(place) in pages[target].places


if __name__ == "__main__":
    broken = [*broken_links(Path(sys.argv[1]))]
    sys.exit("\n".join(broken) or 0)
