"""Sphinx's part of the site. `make docs` gathers the pages first: see tools/docs_site."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

project = "livekit_utils"
author = "The livekit_utils developers"
extensions = ["myst_parser", "sphinx_copybutton", "sphinx_design"]
root_doc = "index"
exclude_patterns = ["conf.py"]
nitpicky = False

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 60
pygments_style = "tango"
pygments_dark_style = "native"
highlight_language = "python"
# The prompts of examples and what they print are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "livekit_utils"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["../extra"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
# It reads the pages, which a browser does not allow for files.
html_show_search_summary = False

_NAME = re.compile(r"([A-Za-z_][\w.]*)(?:\(.*\))?$", re.S)


class LinkNames(SphinxPostTransform):
    """Makes code in prose that is a public name, or a call of it, a link to its description."""

    default_priority = 400

    def run(self, **_: Any) -> None:
        found = self.env.domaindata["py"]["objects"]
        for node in list(self.document.findall(nodes.literal)):
            if self._is_linked(node):
                continue
            name = _NAME.match(node.astext().removeprefix("livekit_utils."))
            if name is None:
                continue
            for target in self._targets(node, name[1]):
                if target in found and found[target].docname:
                    self._link(node, target, found[target])
                    break

    @staticmethod
    def _is_linked(node: nodes.Node) -> bool:
        parent = node.parent
        while parent is not None:
            if isinstance(parent, nodes.reference | nodes.title | addnodes.desc_signature):
                return True
            parent = parent.parent
        return False

    @staticmethod
    def _targets(node: nodes.Node, name: str) -> list[str]:
        targets = [f"livekit_utils.{name}"]
        parent = node.parent
        while parent is not None:
            if isinstance(parent, addnodes.desc) and parent["objtype"] == "class":
                targets.append(f"livekit_utils.{parent[0]['fullname']}.{name}")
            parent = parent.parent
        return targets

    def _link(self, node: nodes.literal, target: str, entry: Any) -> None:
        builder = self.app.builder
        here = self.env.docname
        reference = nodes.reference("", "", internal=True, reftitle=target)
        if entry.docname == here:
            reference["refid"] = entry.node_id
        else:
            reference["refuri"] = f"{builder.get_relative_uri(here, entry.docname)}#{entry.node_id}"
        node.replace_self(reference)
        reference += node


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_post_transform(LinkNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
