# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the site needs beyond Sphinx: lists of guides and plugins, diagrams in the page, links.

A guide is listed by its line in docs/docsite/extra-docs.yml, with the text of its row in README.md.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parents[2]
# A row may be about several guides.
GUIDE_ROW = re.compile(r"^\| (\[[^|]+) \| (.+) \|$", re.MULTILINE)
GUIDE = re.compile(r"\(docs/docsite/rst/(\w+)\.rst\)")
PLUGIN_TITLE = re.compile(r"^[\w.]+\.(\w+) (\w+) -- (.+)\n(\+{3,})$", re.MULTILINE)
# The project's addresses, which lead nowhere yet.
PLACEHOLDER = "https://example.com/"
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
# A table with more than that in its columns after the first one is no table on a phone.
MOST_TEXT_ON_PHONES = 20
# The labels of Ansible's own documentation to which pages of plugins refer.
ANSIBLE_LABELS = {
    "action_plugins": "plugins/action.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


class Guides(SphinxDirective):
    """``.. guides::`` lists all guides, section by section, each with a line, also in the side bar."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each one in extra-docs.yml."""
        extra_docs = ROOT / "docs" / "docsite" / "extra-docs.yml"
        readme = ROOT / "README.md"
        for path in (extra_docs, readme):
            self.env.note_dependency(str(path))
        rows = GUIDE_ROW.findall(readme.read_text(encoding="utf-8"))
        lines = {guide: line for links, line in rows for guide in GUIDE.findall(links)}
        sections = yaml.safe_load(extra_docs.read_text(encoding="utf-8"))["sections"]
        guides = [guide for section in sections for guide in section["toctree"]]
        for guide in guides:
            if guide not in lines:
                raise self.error(f"README.md has no row for {guide}")
            if guides.count(guide) > 1:
                raise self.error(f"{extra_docs.name} lists {guide} twice")
        text = "".join(_guide_section(section, lines) for section in sections)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def _guide_section(section: dict[str, Any], lines: dict[str, str]) -> str:
    """Return a heading, the entries of the side bar, and each guide with its line."""
    title, guides = section["title"], section["toctree"]
    return "\n".join(
        [
            *(title, "-" * len(title), ""),
            *(".. toctree::", f"   :caption: {title}", "   :hidden:", ""),
            *(f"   docsite/{guide}" for guide in guides),
            *("", ".. rst-class:: entries", ""),
            *(f":doc:`docsite/{guide}`\n    {_as_rst(lines[guide])}\n" for guide in guides),
            "",
        ]
    )


def _as_rst(markdown: str) -> str:
    """Return a line of README.md as a sentence in reStructuredText."""
    sentence = markdown[0].upper() + markdown[1:]
    return sentence.replace("`", "``") + "."


class Plugins(SphinxDirective):
    """``.. plugins:: module`` lists the plugins of a kind, each with its short description."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the entries of the side bar, and a list."""
        pages = Path(self.env.srcdir).glob(f"*_{self.arguments[0]}.rst")
        plugins = sorted((*_name_and_line(page), page.stem) for page in pages)
        lines = [
            *(".. toctree::", "   :hidden:", ""),
            *(f"   {name} <{stem}>" for name, _line, stem in plugins),
            *("", ".. rst-class:: entries plugins", ""),
            *(f":doc:`{name} <{stem}>`\n    {line}.\n" for name, line, stem in plugins),
        ]
        return self.parse_text_to_nodes("\n".join(lines))


def _name_and_line(page: Path) -> tuple[str, str]:
    """Return the name of a plugin and its short description, from the page's title."""
    found = PLUGIN_TITLE.search(page.read_text(encoding="utf-8"))
    if found is None:
        raise ExtensionError(f"{page.name} has no title of a plugin")
    return found[1], found[3]


class DropWhatIsElsewhere(SphinxTransform):
    """Drop a page's own table of contents, which the theme shows, and the project's links."""

    # After the table of contents was made, at 720, and before the theme's is.
    default_priority = 800

    def apply(self, **_options: object) -> None:
        """Remove the nodes, and the titles' links back to them."""
        for topic in list(self.document.findall(nodes.topic)):
            if "contents" in topic["classes"]:
                topic.parent.remove(topic)
        for title in self.document.findall(nodes.title):
            title.attributes.pop("refid", None)
        for links in list(self.document.findall(nodes.bullet_list)):
            if "ansible-links" in links["classes"]:
                # With its heading, as nothing else is there.
                links.parent.parent.remove(links.parent)


class InlineDiagrams(SphinxPostTransform):
    """Put diagrams into the page itself, where they have the page's colours, light or dark."""

    default_priority = 5
    formats = ("html",)

    def run(self, **_options: object) -> None:
        """Replace each image in SVG."""
        for image in list(self.document.findall(nodes.image)):
            path = Path(self.env.srcdir, image["uri"])
            # A missing one has got its warning.
            if path.suffix == ".svg" and path.is_file():
                image.replace_self(nodes.raw("", _inline(path, image), format="html"))


def _inline(path: Path, image: nodes.image) -> str:
    """Return the element of a file in SVG, with the image's text for those who can't see it."""
    element = path.read_text(encoding="utf-8").partition("<svg")[2]
    label = html.escape(image["alt"])
    classes = " ".join(["figure", *image["classes"]])
    return f'<div class="{classes}"><svg role="img" aria-label="{label}"{element}</div>'


class WholeOptions(SphinxPostTransform):
    """Mark options of commands, which else are broken at their hyphens."""

    default_priority = 8
    formats = ("html",)

    def run(self, **_options: object) -> None:
        """Give each literal that begins with a hyphen a class."""
        for literal in self.document.findall(nodes.literal):
            if literal.astext().startswith("-"):
                literal["classes"].append("command-option")


class LabelledCells(SphinxPostTransform):
    """Say in each cell which column it belongs to, for phones, where wide tables become lists."""

    default_priority = 7
    formats = ("html",)

    def run(self, **_options: object) -> None:
        """Mark the tables whose cells have too much text for a phone, and label these cells."""
        for table in self.document.findall(nodes.table):
            heads, rows = _rows(table, nodes.thead), _rows(table, nodes.tbody)
            is_known = "ansible-option-table" in table["classes"]
            if len(heads) == 1 and not is_known and _has_much_text(rows):
                table["classes"].append("list-on-phones")
                for row in rows:
                    _label(row, [cell.astext() for cell in heads[0]])


def _rows(table: nodes.table, part: type[nodes.Element]) -> list[list[nodes.entry]]:
    """Return the cells of each row in the head, or in the body, of a table."""
    rows = (row for group in table.findall(part) for row in group.findall(nodes.row))
    return [list(row.findall(nodes.entry)) for row in rows]


def _has_much_text(rows: list[list[nodes.entry]]) -> bool:
    """Return whether any cell after the first one of its row is longer than a figure."""
    return any(len(cell.astext()) > MOST_TEXT_ON_PHONES for row in rows for cell in row[1:])


def _label(row: list[nodes.entry], labels: list[str]) -> None:
    """Begin each cell but the first with the name of its column."""
    for cell, label in list(zip(row, labels))[1:]:
        if label and cell.children:
            cell.insert(0, nodes.paragraph("", label, classes=["cell-label"]))


class Placeholders(SphinxPostTransform):
    """Keep the text of links that lead nowhere yet, without the link."""

    default_priority = 6

    def run(self, **_options: object) -> None:
        """Replace the links, and drop the buttons."""
        for link in list(self.document.findall(nodes.reference)):
            if link.get("refuri", "").startswith(PLACEHOLDER):
                link.replace_self(link.children)


def shorten_title(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Give a plugin's page a title that fits on phones, with its description below."""
    source[0] = PLUGIN_TITLE.sub(r"\1 \2\n\4\n\n\3.", source[0], count=1)


def link_to_ansible(
    _app: Sphinx, _env: BuildEnvironment, xref: addnodes.pending_xref, text: nodes.Element
) -> nodes.reference | None:
    """Return a link for a label of Ansible's documentation, which is not read while building."""
    place = ANSIBLE_LABELS.get(xref["reftarget"])
    if place is None:
        return None
    return nodes.reference("", "", text, refuri=f"{ANSIBLE}/{place}", internal=False)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add all of it to Sphinx."""
    app.add_directive("guides", Guides)
    app.add_directive("plugins", Plugins)
    app.add_transform(DropWhatIsElsewhere)
    app.add_post_transform(InlineDiagrams)
    app.add_post_transform(LabelledCells)
    app.add_post_transform(WholeOptions)
    app.add_post_transform(Placeholders)
    app.connect("source-read", shorten_title)
    app.connect("missing-reference", link_to_ansible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
