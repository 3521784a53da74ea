"""The page's only script, a search box for the points of a map; the page works without it."""

from __future__ import annotations

import base64
import hashlib

from graph_hcl.reporting.theme import CSS

SCRIPT = """
for (const box of document.querySelectorAll(".find")) {
  const svg = box.parentElement.querySelector("svg"), output = box.querySelector("output");
  const points = [...svg.querySelectorAll(".point")].map(
    (g) => [g, ", " + g.querySelector("title").textContent.toLowerCase() + ", "]);
  box.hidden = false;
  box.querySelector("input").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase().replace(/\\s+/g, " ");
    let graphs = 0;
    svg.classList.toggle("searched", wanted !== "");
    for (const [g, names] of points) {
      const hit = ["", "class ", "id "].some((kind) => names.includes(`, ${kind}${wanted}, `));
      g.classList.toggle("hit", hit);
      if (hit && names.startsWith(", graph ")) graphs += 1;
    }
    const count = graphs === 1 ? "1 graph drawn" : graphs + " graphs drawn";
    output.textContent = wanted === "" ? "" : count;
  });
}
"""

SEARCH_BOX = (
    '<div class="find" hidden><label>Find <input type="search" placeholder="class, id or graph 12" '
    'autocomplete="off"></label><output></output></div>'
)
"""The search box, hidden until `SCRIPT` runs."""


def policy() -> str:
    """Return the page's content security policy: only its own script and style, nothing loaded.

    Attributes may style elements, as matplotlib's drawings do. Browsers that do not know
    style-src-elem take style-src.

    >>> policy().split("; ")[0]
    "default-src 'none'"
    """
    return (
        f"default-src 'none'; script-src '{_hash(SCRIPT)}'; script-src-attr 'none'; "
        f"style-src 'unsafe-inline'; style-src-elem '{_hash(CSS)}'; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
