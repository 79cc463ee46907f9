"""Cases that Schemathesis makes of a description, sent to the application."""

from collections.abc import Mapping
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from tests.fuzz.verdicts import Answer

# Few and always the same; `tests.fuzz.rounds` draws many more.
SHORT = settings(
    max_examples=6, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
MODES = list(GenerationMode)
Cases = Mapping[GenerationMode, st.SearchStrategy[Case]]


def cases_of(description: dict[str, Any], app: Flask) -> Cases:
    """Requests that the description allows, and others; writes come as often as all that is described."""
    schema = schemathesis.openapi.from_dict(description)
    schema.app = app
    writes = schema.include(method_regex="POST|PUT|PATCH|DELETE").exclude(path_regex="_search$")
    return {
        mode: st.one_of(writes.as_strategy(generation_mode=mode), schema.as_strategy(generation_mode=mode))
        for mode in MODES
    }


def sent(case: Case, environment: Mapping[str, str], **headers: str) -> Answer:
    """The answer to a case."""
    response = case.call(headers=headers, environ_base=environment)
    media_type = response.headers.get("content-type", [""])[0].partition(";")[0]
    lines = "\n".join(f"{name}: {value}" for name, values in response.headers.items() for value in values)
    return Answer(response.status_code, media_type, response.content.decode(errors="replace"), lines)
