"""The page's only script, a search box for the points of a map; the page works without it."""

from __future__ import annotations

import base64
import hashlib

SCRIPT = """
for (const box of document.querySelectorAll(".find")) {
  const svg = box.parentElement.querySelector("svg"), output = box.querySelector("output");
  const points = [...svg.querySelectorAll(".point")].map(
    (g) => [g, g.querySelector("title").textContent.toLowerCase().split(", ")]);
  box.hidden = false;
  box.querySelector("input").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase().replace(/\\s+/g, " ");
    let graphs = 0;
    svg.classList.toggle("searched", wanted !== "");
    for (const [g, names] of points) {
      const hit = names.some((name) => name === wanted || name === "class " + wanted);
      g.classList.toggle("hit", hit);
      if (hit && names[0].startsWith("graph ")) graphs += 1;
    }
    const count = graphs === 1 ? "1 graph drawn" : graphs + " graphs drawn";
    output.textContent = wanted === "" ? "" : count;
  });
}
"""

SEARCH_BOX = (
    '<div class="find" hidden><label>Find <input type="search" placeholder="class 1 or graph 12" '
    'autocomplete="off"></label><output></output></div>'
)
"""The search box, hidden until `SCRIPT` runs."""


def policy() -> str:
    """Return the page's content security policy: only this script runs, and nothing is loaded.

    >>> policy().split("; ")[0]
    "default-src 'none'"
    """
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
