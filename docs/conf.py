"""Sphinx: plain Markdown by MyST, dressed by Furo. The samples are tests (tests/test_docs.py)."""

from __future__ import annotations

import re
from pathlib import Path

project = "esign_kit"
author = "the esign_kit maintainers"
copyright = "the esign_kit maintainers, Apache-2.0"
_version = Path(__file__).parent.parent / "src" / "esign_kit" / "_version.py"
_match = re.search(r'"([^"]+)"', _version.read_text(encoding="utf-8").split("__version__")[-1])
release = version = _match[1] if _match else ""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
suppress_warnings = ["myst.xref_missing", "ref.python"]
nitpicky = False

html_theme = "furo"
html_title = f"esign_kit {release}"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
