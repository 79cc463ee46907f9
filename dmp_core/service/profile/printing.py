"""The profile as a PDF: headings, plain lines, page numbers. The font travels in the file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer


@dataclass(frozen=True, slots=True)
class Part:
    """A section: its heading and its lines."""

    heading: str
    lines: Sequence[str]


def write_pdf(*, title: str, head: Sequence[str], parts: Sequence[Part], author: str) -> bytes:
    """The PDF of a title, the lines that follow it, and sections."""
    _register()
    out = io.BytesIO()
    template = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, title=title, author=author, lang="fr-FR"
    )
    story: list[Any] = [Paragraph(escape(title), _style("Title", 18, bold=True))]
    story += [Paragraph(escape(line), _style("Head", 10)) for line in head]
    for part in parts:
        story.append(Spacer(0, 6 * mm))
        story.append(Paragraph(escape(part.heading), _style("Heading", 13, bold=True)))
        story += [Paragraph(escape(line), _style("Line", 10)) for line in part.lines]
    template.build(story, onFirstPage=_number, onLaterPages=_number)
    return out.getvalue()


@cache
def _register() -> None:
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    pdfmetrics.registerFont(TTFont("VeraBd", "VeraBd.ttf"))


@cache
def _style(name: str, size: int, *, bold: bool = False) -> ParagraphStyle:
    font = "VeraBd" if bold else "Vera"
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=size * 1.5, spaceAfter=1.5 * mm)


def _number(canvas: Any, template: Any) -> None:
    canvas.saveState()
    canvas.setFont("Vera", 8)
    canvas.drawCentredString(A4[0] / 2, 10 * mm, f"{template.title} – page {canvas.getPageNumber()}")
    canvas.restoreState()
