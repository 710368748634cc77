"""Sphinx's configuration of the docs site. `make docs` builds it; a warning fails the build. See ADR 0017."""

import re
import sys
from pathlib import Path

import yaml
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from infra.site.api_pages import PACKAGES, api_page  # noqa: E402  the path is set above
from infra.site.cli_page import cli_page  # noqa: E402
from infra.site.params_page import params_page  # noqa: E402
from pipeline.cli.app import app as netgain  # noqa: E402
from pipeline.configuration import Params  # noqa: E402

project = "Netgain"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

html_theme = "furo"
html_title = "Netgain"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False

myst_heading_anchors = 3
suppress_warnings = [
    "misc.highlighting_failure",
    "ref.python",  # dataclasses share names of fields, to which a section Attributes refers without the class
]
highlight_language = "text"

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_use_ivar = True
napoleon_use_rtype = False
python_use_unqualified_type_names = True


def write_generated_pages(_app: Sphinx) -> None:
    """Write the pages that are made from code; an unchanged page keeps its time, so that builds are incremental."""
    folder = ROOT / "docs" / "reference" / "generated"
    folder.mkdir(exist_ok=True)
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    pages = {"params": params_page(Params, values), "cli": cli_page(netgain)}
    pages |= {f"api-{package}": api_page(package) for package in PACKAGES}
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def escape_markup(_app: Sphinx, _what: str, _name: str, _found: object, _options: object, lines: list[str]) -> None:
    """Keep |a|, x* and name_ of plain docstrings from being read as reStructuredText; code spans stay as they are."""
    for i, line in enumerate(lines):
        parts = re.split(r"(`[^`]*`)", line)
        if not line.lstrip().startswith((">>>", "...", ":", "..")):
            parts[::2] = [re.sub(r"(\*|\||(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
        lines[i] = "".join(parts)


def setup(app: Sphinx) -> None:
    """Register the hooks above."""
    app.connect("builder-inited", write_generated_pages)
    app.connect("autodoc-process-docstring", escape_markup, priority=100)
