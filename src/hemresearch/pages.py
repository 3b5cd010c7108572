"""Pages of executed studies: each one file that needs nothing from elsewhere, and an index."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .studies import Study

THUMBNAIL = (420, 320)

# Jupyter's own page without the scripts that it would fetch from the network; long lines of code go on below,
# and an estimate stays beside its limits in tables.
TEMPLATE = """{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_css -%}
{{ super() }}
<style>.jp-InputArea .highlight pre { white-space: pre-wrap; overflow-wrap: anywhere; }
td.gt_center { white-space: nowrap; }</style>
{%- endblock -%}
"""

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Studies</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
section {{ border-top: 1px solid #ccc; padding: 1rem 0; }}
h2 {{ font-size: 1.15rem; margin: 0; }}
p {{ margin: .25rem 0 .75rem; color: #555; }}
p.failed {{ color: #a00; }}
img {{ max-width: 13rem; margin-right: .5rem; vertical-align: top; border: 1px solid #eee; }}
</style>
</head>
<body>
<h1>Studies</h1>
{sections}
</body>
</html>
"""


def write_page(notebook: Any, path: Path, *, title: str) -> None:
    """Write an executed notebook as one HTML file, pictures and styles inside."""
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="lab",
        template_file="study.html.j2",
        extra_loaders=[DictLoader({"study.html.j2": TEMPLATE})],
    )
    exporter.embed_images = True
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    path.write_text(page, encoding="utf-8", newline="\n")


def write_index(studies: Sequence[Study], path: Path, earlier: Mapping[str, str] | None = None) -> None:
    """Write the list of studies with their seconds, patients and figures; `earlier` are pages and titles."""
    sections = [_section(study) for study in studies]
    for name, title in (earlier or {}).items():
        link = f'<a href="{escape(name)}">{escape(title)}</a>'
        sections.append(f'<section>\n<h2>{link}</h2>\n<p class="facts">from an earlier run</p>\n</section>')
    page = INDEX.format(sections="\n".join(sections))
    path.write_text(page, encoding="utf-8", newline="\n")


def _section(study: Study) -> str:
    title = escape(study.title)
    if study.page is not None:
        title = f'<a href="{escape(study.page.name)}">{title}</a>'
    kind, line = (
        ("failed", study.problem) if study.problem else ("facts", str(study).removeprefix(f"{study.title}: "))
    )
    pictures = "".join(_thumbnail(figure) for figure in study.figures)
    return f'<section>\n<h2>{title}</h2>\n<p class="{kind}">{escape(line or "")}</p>\n{pictures}\n</section>'


def _thumbnail(figure: Path) -> str:
    """A small copy of the picture, written into the page."""
    from PIL import Image

    with Image.open(figure) as image:
        small = image.convert("RGB")
        small.thumbnail(THUMBNAIL)
    held = io.BytesIO()
    small.save(held, format="PNG", optimize=True)
    data = base64.b64encode(held.getvalue()).decode("ascii")
    return f'<img alt="{escape(figure.stem)}" src="data:image/png;base64,{data}">'
