"""A picture ``name-light.svg`` in a page is followed by ``name-dark.svg`` where the page is dark.

So the Markdown names one picture, and is readable by itself.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class DarkPictures(SphinxTransform):
    default_priority = 400

    def apply(self, **options: object) -> None:
        folder = Path(self.env.doc2path(self.env.docname)).parent
        for image in list(self.document.findall(nodes.image)):
            uri = image["uri"]
            dark = uri.replace("-light.svg", "-dark.svg")
            if dark == uri or not (folder / dark).exists():
                continue
            other = image.deepcopy()
            other["uri"] = dark
            image["classes"].append("only-light")
            other["classes"].append("only-dark")
            image.parent.insert(image.parent.index(image) + 1, other)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(DarkPictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
