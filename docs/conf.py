"""Settings of the documentation: `python -m sphinx -W -b html docs docs/_build`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "_ext")]

from graph_hcl import __version__  # noqa: E402

project = "graph_hcl"
author = "the graph_hcl developers"
copyright = "the graph_hcl developers, MIT licence"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "mathml",
    "pictures",
    "docstrings",
    "reference",
    "commands",
    "cards",
]
exclude_patterns = ["_build", "_ext"]

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = "graph_hcl"
html_static_path = ["_static"]
html_css_files = ["extra.css"]
html_copy_source = False
html_math_renderer = "mathml"
copybutton_prompt_text = ">>> "

napoleon_use_ivar = True  # fields as a list, like arguments
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
default_role = "py:obj"
toc_object_entries_show_parents = "hide"
autodoc_default_options = {"exclude-members": "set_fit_request, set_transform_request"}

nitpicky = True
# Annotations name classes of other projects, and a few of our own that no user makes.
nitpick_ignore_regex = [
    ("py:class", r"(torch|torch_geometric|numpy|matplotlib|collections|pathlib|contextlib)\..*"),
    ("py:class", r"Tensor|Batch|Axes|ArrayLike|Labels|Floats|Numbers|Encode|Comparison|tuple\[str"),
    ("py:class", r"graph_hcl\.(probes\.plan\.Plan|probes\.probe\.P|training\.loop\.Network)"),
    ("py:class", r"graph_hcl\.training\.(manifest\.Manifest|checkpoint\.SavedState)"),
    ("py:class", r"graph_hcl\.(training\.state\.BatchFeatures|losses\.weighting\.Weighting)"),
    ("py:class", r"graph_hcl\.data\.(sources\.Request|meaning\.Meaning)"),
]
