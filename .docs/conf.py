"""Settings of Sphinx for the site; ``build.py`` beside this file prepares the sources and runs it."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "scyllamodel"
version = release = version_of("scyllamodel")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
templates_path: list[str] = []
exclude_patterns: list[str] = []

myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # generated pages begin some parts with a deeper heading

default_role = "py:obj"
smartquotes = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [("Class keywords", "params_style")]
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"scyllamodel {release}"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
pygments_style = "default"
pygments_dark_style = "monokai"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
