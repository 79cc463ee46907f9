"""What apps send, spoilt as values and as bytes: resources, transactions and batches, ours and those of outside."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from platform_core.fhir.registry import registry
from tests.fuzz import described, spoiling
from tests.fuzz.calling import SHORT
from tests.fuzz.verdicts import Answer, Books, check_refusal_in_fhir
from tests.fuzz.world import World

pytestmark = pytest.mark.hypothesis
OUTSIDE = Path(os.environ.get("ENS_SAMPLES_DIR", "/nonexistent"))
FOLDERS = ("documents-pdsm", "fr-core", "mes-api", "mesures", "synthea")
_MOST_OF_A_TYPE = 6
_SUBJECTS = ("subject", "patient")


@pytest.fixture
def samples(world: World) -> list[Any]:
    """What an app would write, and the published samples as if they were this patient's."""
    ours = [one for several in described.samples(world).values() for one in several]
    outside = [_of_patient(one, world.patient_reference) for one in _published()]
    return [*ours, *described.bundles(world), *outside]


def _published() -> Iterator[Any]:
    """The resources of the samples of outside that an app may write, a few of each type, and their Bundles."""
    seen: dict[str, int] = {}
    for folder in FOLDERS:
        for path in sorted((OUTSIDE / folder).rglob("*.json")):
            document = json.loads(path.read_text())
            if document.get("type") in ("transaction", "batch") and len(document["entry"]) < 20:
                yield document
            held = [entry.get("resource", {}) for entry in document.get("entry", ())]
            for resource in [document, *held]:
                type_ = str(resource.get("resourceType"))
                known = registry.types.get(type_)
                if known and known.create and seen.get(type_, 0) < _MOST_OF_A_TYPE:
                    seen[type_] = seen.get(type_, 0) + 1
                    yield resource


def _of_patient(value: Any, reference: str) -> Any:
    if isinstance(value, list):
        return [_of_patient(child, reference) for child in value]
    if not isinstance(value, dict):
        return value
    return {
        name: {"reference": f"Patient/{reference}"} if name in _SUBJECTS else _of_patient(child, reference)
        for name, child in value.items()
    }


@given(data=st.data())
@SHORT
def test_a_spoilt_body_is_stored_as_it_is_acknowledged_or_not_at_all(
    world: World, samples: list[Any], books: Books, data: st.DataObject
) -> None:
    sample, body = data.draw(spoiling.bodies(samples))
    type_ = sample["resourceType"]
    opened = books.open()
    given = world.call("POST", "" if type_ == "Bundle" else type_, body=body)
    answer = Answer(given.status_code, given.mimetype, given.text)
    event(f"{type_} {answer.status}")
    assert answer.status < 500, answer
    if answer.status >= 400:
        check_refusal_in_fhir(answer)
    books.close(opened, answer)
