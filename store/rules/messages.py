"""Message templates of the authority: French texts with placeholders, data that a platform may reword. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files


class Use(StrEnum):
    """Where a template is offered."""

    QUESTION = "question"
    VERDICT = "verdict"
    COMPLEMENTS = "complements"
    INADMISSIBLE = "inadmissible"
    PROPOSAL = "proposal"
    OPINION = "opinion"
    ACCEPTANCE = "acceptance"
    REFUSAL = "refusal"
    SUSPENSION = "suspension"
    REINSTATEMENT = "reinstatement"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A text for one use, its placeholders in braces: {application}, {publisher}, {criterion}, {day}."""

    code: str
    use: Use
    title: str
    text: str


def _load() -> Mapping[str, MessageTemplate]:
    entries = json.loads(files("store").joinpath("data/message-templates.json").read_text())["templates"]
    return {
        entry["code"]: MessageTemplate(entry["code"], Use(entry["use"]), entry["title"], entry["text"])
        for entry in entries
    }


TEMPLATES = _load()


def list_templates(use: Use) -> Sequence[MessageTemplate]:
    """Those offered for a use, in the order of the data file."""
    return [one for one in TEMPLATES.values() if one.use is use]


def insert(text: str, code: str, values: Mapping[str, str]) -> str:
    """What was typed, followed by the template with its placeholders filled; unchanged for an unknown code."""
    if code not in TEMPLATES:
        return text
    filled = TEMPLATES[code].text.format_map(values)
    return f"{text.rstrip()}\n\n{filled}" if text.strip() else filled
