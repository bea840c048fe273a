"""Keeps a product such as ``Aᵀ b`` in one line: the space between its factors does not break.

Only spaces between single symbols are meant; a line of words breaks where it always did.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

# A letter, with the bars, indices, exponents and primes that belong to it; or several, as in uᵢvᵢᵀ.
LETTER, MARK = r"[A-Za-zΑ-Ωα-ω√½]", r"[\u0300-\u036fᵀ⁺⁻¹²³ᵢⱼₖₙᵣ₀-₉'′*]"
SYMBOL = rf"(?:{LETTER}{MARK}+)*{LETTER}{MARK}*"
SPACE = re.compile(rf"(?<![\w’'])({SYMBOL}) (?={SYMBOL}(?![\w’']))")
AS_WRITTEN = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block)


class UnbrokenProducts(SphinxPostTransform):
    default_priority = 700

    def run(self, **options: object) -> None:
        for text in list(self.document.findall(nodes.Text)):
            joined = SPACE.sub("\\1\u00a0", text)
            if joined != text and not inside(text, AS_WRITTEN):
                text.parent.replace(text, nodes.Text(joined))


def inside(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_post_transform(UnbrokenProducts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
