"""A guard of these tests' own, resources to write, and a client that speaks FHIR."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask, g
from werkzeug.test import TestResponse

from platform_core import access
from platform_core.access import ALWAYS, Access, Actor, ActorKind, DatePeriod, Interaction, Permit
from platform_core.crypto import pairwise_id
from platform_core.database import transaction
from platform_core.errors import Forbidden

ANS = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/"


@dataclass
class App:
    """An app in the eyes of the fake guard: what it may do, and what it was seen to do."""

    patient_id: UUID
    id: UUID = field(default_factory=uuid4)
    source: str = "urn:oid:1.2.250.1.215.400"
    refused: frozenset[tuple[str, Access]] = frozenset()
    periods: dict[str, DatePeriod] = field(default_factory=dict)
    excluded: frozenset[UUID] = frozenset()
    required: list[tuple[tuple[str, ...], Access, DatePeriod, bool]] = field(default_factory=list)
    counts: list[Mapping[str, int]] = field(default_factory=list)

    @property
    def patient_reference(self) -> str:
        return pairwise_id(self.id, self.patient_id)


class FakeCall:
    """A data call that the fake guard lets through."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.actor = Actor(ActorKind.APPLICATION, app.id, "Balance+")
        self.patient_id = app.patient_id
        self.patient_reference = app.patient_reference
        self.caller = str(app.id)

    def require(
        self, categories: Iterable[str], access: Access, *, period: DatePeriod = ALWAYS, narrow: bool = False
    ) -> Permit:
        asked = tuple(categories)
        self._app.required.append((asked, access, period, narrow))
        given = {c: self._app.periods.get(c, ALWAYS) for c in asked if (c, access) not in self._app.refused}
        if not given or (len(given) < len(asked) and not narrow):
            raise Forbidden("No item covers this.", code="consent-not-given")
        return Permit(
            self.actor,
            self.patient_id,
            self.patient_reference,
            given,
            self._app.source,
            self._app.id,
            self._app.id,
            excluded=self._app.excluded,
        )

    def served(self, counts: Mapping[str, int], ids: Sequence[str] = ()) -> None:
        self._app.counts.append(counts)


class Guard:
    """Lets the present app through; tests change `app`."""

    app: App

    @contextmanager
    def __call__(self, interaction: Interaction) -> Iterator[FakeCall]:
        g.data_call_opened = True
        with transaction(patient_id=self.app.patient_id):
            yield FakeCall(self.app)


@pytest.fixture
def guard(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Guard:
    plugged = Guard()
    plugged.app = App(uuid4())
    monkeypatch.setattr(access, "_guard", plugged)
    return plugged


class Fhir:
    """A caller of the FHIR API, as the app that the guard knows."""

    def __init__(self, app: Flask, guard: Guard) -> None:
        self._client = app.test_client()
        self.guard = guard

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._client.get(f"/fhir/{path}", headers=_named(headers))

    def post(self, path: str, body: object, **headers: str) -> TestResponse:
        data = body if isinstance(body, bytes | str) else orjson.dumps(body)
        given = {"Content-Type": "application/fhir+json", **_named(headers)}
        return self._client.post(f"/fhir/{path}".rstrip("/"), data=data, headers=given)

    def search(self, query: str) -> list[dict[str, Any]]:
        """The resources of the first page of a search of Observations."""
        answer = self.get(f"Observation?{query}")
        assert answer.status_code == 200, answer.text
        return [entry["resource"] for entry in answer.json.get("entry", ())]

    def add(self, **changes: Any) -> str:
        """Store one measure; its id."""
        answer = self.post("Observation", observation(self.guard.app, **changes))
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def fhir(app: Flask, guard: Guard) -> Fhir:
    return Fhir(app, guard)


def observation(app: App, *, code: str = "29463-7", value: Any = 72.5, unit: str = "kg", **changes: Any) -> Any:
    """A weight, as an app would write it; elements given as None are left out."""
    resource = {
        "resourceType": "Observation",
        "meta": {"profile": [ANS + "mesures-fr-observation-body-weight"]},
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": changes.pop("system", "http://loinc.org"), "code": code}]},
        "subject": {"reference": f"Patient/{app.patient_reference}"},
        "effectiveDateTime": changes.pop("at", "2026-11-01T08:30:00+01:00"),
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        **changes,
    }
    return {name: element for name, element in resource.items() if element is not None}


def pressure(app: App, systolic: Any = 120, diastolic: Any = 80, **changes: Any) -> Any:
    """A blood pressure."""
    component = [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueQuantity": {
                "value": value,
                "unit": "mm[Hg]",
                "system": "http://unitsofmeasure.org",
                "code": "mm[Hg]",
            },
        }
        for code, value in (("8480-6", systolic), ("8462-4", diastolic))
    ]
    return {**observation(app, code="85354-9", **changes), "component": component} | {"valueQuantity": None}
