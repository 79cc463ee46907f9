"""Templates: no inline code or style, French texts, macros of the shell only."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from tests.codebase.sources import ROOT, tracked

TEMPLATES = [path for path in tracked() if path.suffix == ".html" and "templates" in path.parts]
OURS = [path for path in TEMPLATES if "examples" not in path.parts]
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=[\"']|=[\"']javascript:", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?:src|action)=[\"'](?:https?:)?//", re.IGNORECASE)
ENGLISH = re.compile(r"\b(?:the|and|your|you|with|from|this|please|back|next|save|error|sign|log)\b", re.IGNORECASE)


def _texts(path: Path) -> list[str]:
    found = extract_from_dir(path.parent, method_map=[(path.name, "jinja2")])
    return [text if isinstance(text, str) else text[0] for _, _, text, _, _ in found]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_holds_no_inline_code_and_loads_nothing_from_elsewhere(path: Path) -> None:
    source = path.read_text()
    assert INLINE.findall(source) == []
    assert ELSEWHERE.findall(source) == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_texts_of_a_template_are_french(path: Path) -> None:
    assert [text for text in _texts(path) if ENGLISH.search(text)] == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_of_a_template_can_be_translated(path: Path) -> None:
    source = re.sub(r"{#.*?#}|{{.*?}}|{%.*?%}|<(code|svg).*?</\1>", " ", path.read_text(), flags=re.DOTALL)
    bare = re.sub(r"<[^>]*>|&\w+;", "\n", source)
    assert [words for words in re.findall(r"[^\W\d_]{3,}(?: [^\W\d_]+)+", bare)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_form_that_posts_carries_its_csrf_token(path: Path) -> None:
    forms = re.findall(r"<form\b.*?</form>", path.read_text(), flags=re.DOTALL)
    assert [form for form in forms if 'method="post"' in form and _is_ours(form) != ("csrf_token()" in form)] == []


def _is_ours(form: str) -> bool:
    """A form that answers another site must not tell it our token."""
    return 'action="{{ answer.redirect_uri }}"' not in form
