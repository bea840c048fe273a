"""Mathematics as MathML, which browsers draw themselves: nothing is fetched to show a page."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def mathml(formula: str, display: str) -> str:
    """A formula as MathML; bars of norms do not stretch, so that an index stands at their foot."""
    bar = "&#x02016;</mo>"
    return convert(formula, display=display).replace(
        f"<mo>{bar}", f'<mo fence="false" stretchy="false">{bar}'
    )


def inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.math_block) -> None:
    formula = mathml(node.astext(), "block")
    writer.body.append(f'<div class="formula">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
