"""How Sphinx builds these pages; every warning is an error:

sphinx-build -W --keep-going -b html docs docs/_build/html
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]

project = "minigrad"
author = "The minigrad authors"
project_copyright = "The minigrad authors"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "api_pages",
    "contents",
    "house_docstrings",
    "local_mathml",
    "dark_pictures",
    "unbroken_products",
]
exclude_patterns = ["_build"]
nitpicky = True  # a reference that leads nowhere is an error
# RNNBase and RNNCellBase are PyTorch's names for these two
nitpick_ignore = [("py:class", f"minigrad.nn.recurrent.{name}") for name in ("Recurrent", "Cell")]

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

autodoc_typehints = "none"  # the docstrings say what an argument is
autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "minigrad"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
pygments_style = "friendly"
pygments_dark_style = "monokai"
