# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx for the documentation site; the session 'docs' of noxfile.py builds it."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

galaxy = yaml.safe_load((HERE.parents[1] / "galaxy.yml").read_text(encoding="utf-8"))

project = f"{galaxy['namespace']}.{galaxy['name']}"
version = release = str(galaxy["version"])
author = ", ".join(galaxy["authors"])
copyright = f"2026, {author}"

extensions = ["sphinx_antsibull_ext", "myst_parser", "site_extension"]
exclude_patterns = ["index_of_antsibull.rst"]
# Every reference leads somewhere: the build ends at a warning.
nitpicky = True
default_role = "any"
highlight_language = "yaml+jinja"
# static/site.css gives the colours of the pages of plugins, in light and dark.
antsibull_ext_color_scheme = "none"
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/favicon.svg"
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {
        "color-brand-primary": "#0b6e4f",
        "color-brand-content": "#0b6e4f",
        "color-api-name": "var(--color-foreground-primary)",
        "chart-module": "#c77700",
        "chart-uri": "#a02828",
    },
    "dark_css_variables": {
        "color-brand-primary": "#4cc38a",
        "color-brand-content": "#4cc38a",
        "color-api-name": "var(--color-foreground-primary)",
        "chart-module": "#e0a040",
        "chart-uri": "#ff8e8e",
    },
}
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
