"""The texts of the authority's forms: typed, completed by ready-made ones, previewed, confirmed."""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from flask import request

from platform_core import clock
from platform_core.french import day_in_words
from store.queries.submissions import SubmissionView
from store.rules import messages
from store.rules.messages import MessageTemplate, Use
from store.rules.procedure import PROCEDURE

NUMBER = re.compile("[0-9]{1,9}")


def typed(field: str) -> str:
    """A text of the posted form, its line ends made plain."""
    return request.form.get(field, "").strip().replace("\r\n", "\n")


def wants(step: str) -> bool:
    """Whether the button pressed says this: `insert` a ready-made text, `preview`, or `confirm`."""
    return request.form.get("do") == step


def inserted(text: str, file: SubmissionView, *, criterion: str = "", day: date | None = None) -> str:
    """What was typed, followed by the ready-made text that was chosen."""
    values = {
        "application": file.application_name,
        "publisher": str(file.dossier.get("company", {}).get("legal_name", "")),
        "criterion": criterion,
        "day": day_in_words(day or clock.today() + timedelta(days=PROCEDURE["question_days"])),
    }
    return messages.insert(text, request.form.get("template", ""), values)


def offered(use: Use) -> Sequence[MessageTemplate]:
    return messages.list_templates(use)


def typed_day(field: str) -> date | None:
    """A date of the posted form; None when empty. Raises `ValueError` when it is none."""
    text = request.form.get(field, "").strip()
    return date.fromisoformat(text) if text else None
