"""Reads `<picture>`, which GitHub shows in the reader's theme, as two images of this theme."""

from html.parser import HTMLParser
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform


class Picture(HTMLParser):
    """The light image, the dark image and the alternative text of a `<picture>`.

    >>> picture = Picture('<picture><source media="x" srcset="d.svg"><img src="l.svg" alt="A">')
    >>> picture.light, picture.dark, picture.alt
    ('l.svg', 'd.svg', 'A')
    """

    light = dark = alt = ""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what the tag says."""
        given = {name: value or "" for name, value in attrs}
        if tag == "source":
            self.dark = given["srcset"]
        elif tag == "img":
            self.light, self.alt = given["src"], given["alt"]


class Pictures(SphinxTransform):
    """Replaces raw HTML with two images, of which the style sheet shows one."""

    default_priority = 100

    def apply(self, **options: Any) -> None:
        """Replace every `<picture>` of a page."""
        for raw in list(self.document.findall(nodes.raw)):
            if not raw.astext().lstrip().startswith("<picture>"):
                continue
            found = Picture(raw.astext())
            images = (
                nodes.image(uri=uri, alt=found.alt, classes=[f"only-{theme}"])
                for uri, theme in ((found.light, "light"), (found.dark, "dark"))
            )
            raw.replace_self(nodes.paragraph("", "", *images))


def setup(app: Any) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(Pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
