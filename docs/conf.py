"""The site: sphinx-build -W --keep-going -b html docs docs/_build/html

Pages are Markdown. The notebooks beside this folder are copied in with the outputs they were
stored with; nothing is run here (tests/docs runs every notebook and every code block). The pages of
the reference are made from docstrings.
"""

import re
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

import tinyhf  # noqa: E402 - the path comes first

project = "tinyhf"
version = release = tinyhf.__version__
copyright = "the tinyhf authors, Apache-2.0"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

myst_url_schemes = {"https": None, "source": "_modules/{{path}}.html"}
nb_execution_mode = "off"
nb_merge_streams = True
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]  # code in notebooks is run, "…" in print is not
autodoc_member_order = "bysource"
napoleon_use_rtype = False

#: Tables need the room where other pages have their own contents.
WIDE_PAGES = ["map", *(path.stem for path in DOCS.glob("stepping_*.md"))]

html_theme = "pydata_sphinx_theme"
html_title = "tinyhf"
html_sidebars = {"getting_started": []}
html_static_path = ["_static"]
html_css_files = ["wide_tables.css"]
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": {"**": ["page-toc"], **{page: [] for page in WIDE_PAGES}},
}
html_copy_source = html_show_sourcelink = False


def copy_notebooks(app, config):
    """Put ../notebooks at notebooks/, where Sphinx finds them; git does not see the copies."""
    target = DOCS / "notebooks"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy2(path, target)


def link_inside(app, docname, source):
    """What is ../notebooks/x.ipynb or ../tinyhf/x.py on the disk stands elsewhere on the site."""
    source[0] = source[0].replace("](../notebooks/", "](notebooks/")
    source[0] = source[0].replace("]: ../notebooks/", "]: notebooks/")
    source[0] = re.sub(r"\]\(\.\./(tinyhf/[\w/]+)\.py\)", r"](source:\1)", source[0])


def keep_drawings(app, what, name, obj, options, lines):
    """An indented block of a docstring is a drawing or code: show it as it stands."""
    for number in range(len(lines) - 1, 1, -1):
        is_first = lines[number].startswith("    ") and not lines[number - 1].strip()
        above = [line for line in lines[:number] if line.strip()]
        if is_first and above and not above[-1].startswith(" "):
            lines[number:number] = ["::", ""]


def add_source_pages(app):
    """A page for each file of tinyhf; viewcode makes only those that the reference mentions."""
    for path in sorted((ROOT / "tinyhf").rglob("*.py")):
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        if not app.env._viewcode_modules.get(name.replace("/", ".")):
            code = app.builder.highlighter.highlight_block(path.read_text("utf-8"), "python")
            body = f"<h1>Source code for {name.replace('/', '.')}</h1>{code}"
            yield f"_modules/{name}", {"title": name, "body": body}, "page.html"


def setup(app):
    app.connect("config-inited", copy_notebooks)
    app.connect("html-collect-pages", add_source_pages, priority=900)  # after viewcode
    app.connect("source-read", link_inside)
    app.connect("autodoc-process-docstring", keep_drawings, priority=400)  # before napoleon
