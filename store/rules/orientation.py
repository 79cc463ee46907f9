"""The orientation questionnaire (data) and the conditions written on its answers: who may apply, and what applies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any

Answers = Mapping[str, Any]
Condition = Sequence[Mapping[str, Sequence[Any]]]

SCHEMA: dict[str, Any] = json.loads(files("store").joinpath("data/orientation-1.json").read_text())
QUESTIONS: Mapping[str, dict[str, Any]] = SCHEMA["properties"]
ELIGIBILITY: Sequence[str] = SCHEMA["x-eligibility"]


class Blocked(StrEnum):
    """What an obstacle forbids: being referenced at all, or exchanging data."""

    REFERENCING = "referencing"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why these answers cannot be submitted, at which question, and what could be."""

    code: str
    question: str
    blocks: Blocked
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Reason:
    """An answer by which something applies: the question and the answer given."""

    question: str
    answer: Any


def fulfils(answers: Answers, condition: Condition) -> bool:
    """Whether one alternative of the condition holds. An empty condition always does, a question unanswered never."""
    return not condition or any(_holds(answers, alternative) for alternative in condition)


def _holds(answers: Answers, alternative: Mapping[str, Sequence[Any]]) -> bool:
    return all(question in answers and answers[question] in accepted for question, accepted in alternative.items())


def list_reasons(answers: Answers, condition: Condition) -> list[Reason]:
    """The answers that make the condition hold; none when it asks nothing or does not hold."""
    for alternative in condition:
        if _holds(answers, alternative):
            return [Reason(question, answers[question]) for question in alternative]
    return []


def list_obstacles(answers: Answers) -> list[Obstacle]:
    """What keeps a service with these answers from being referenced, or from exchanging data."""
    return [
        Obstacle(entry["code"], entry["question"], Blocked(entry["blocks"]), entry["text"], entry.get("remedy", ""))
        for entry in SCHEMA["x-obstacles"]
        if fulfils(answers, entry["when"])
    ]


def exchanges(answers: Answers) -> bool:
    """Whether the service asks to exchange data with the spaces of patients."""
    return answers.get("exchange") is True
