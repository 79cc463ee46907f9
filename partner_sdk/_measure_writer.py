"""How measures are sent: alone, with their device in a transaction, or in batches."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator

import requests

from . import _json
from ._answers import read_json, read_outcome
from ._models import Accepted, BatchReport, Device, Failed, Grant, Json, Measure
from ._observations import to_batch, to_observation, to_transaction
from ._transport import Call
from .errors import ApiError, PartnerError

_BATCH_SIZE = 1000
_KEY_NAMESPACE = uuid.UUID("c1a7a2a8-1d55-5b0e-8a36-6f2f2c7f8d10")
_OF_THIS_MEASURE_ALONE = (409, 422)


class MeasureWriter:
    """Writes under one grant. Remembers the references of the devices that the platform knows, so that only the
    first measure of each needs a transaction."""

    def __init__(
        self, send: Callable[[Call], requests.Response], *, fhir_base: str, grant: Callable[[], Grant]
    ) -> None:
        self._send = send
        self._base = fhir_base
        self._grant = grant
        self._references: dict[Device, str] = {}

    def write(self, measure: Measure) -> str:
        """Write one measure and return its id."""
        if measure.device is not None and measure.device not in self._references:
            return self._write_with_device(measure, measure.device)
        created = self._post("/Observation", self._observation(measure))
        return _id_in(created.headers.get("Location", ""), "Observation") or str(read_json(created)["id"])

    def write_many(self, measures: Iterable[Measure]) -> BatchReport:
        """Write a series; Measures.add_many tells the rules."""
        run = _Run()
        try:
            for group in self._groups(measures):
                self._write_group(group, run)
        except PartnerError as error:
            if run.sent == 0:
                raise
            run.interrupted = error
        return run.report()

    def _groups(self, measures: Iterable[Measure]) -> Iterator[list[Measure]]:
        """The series cut, in order, into batches; the first measure of an unknown device stands alone."""
        group: list[Measure] = []
        for measure in measures:
            if group and (self._is_newcomer(measure) or len(group) == _BATCH_SIZE):
                yield group
                group = []
            if self._is_newcomer(measure):
                yield [measure]
            else:
                group.append(measure)
        if group:
            yield group

    def _is_newcomer(self, measure: Measure) -> bool:
        return measure.device is not None and measure.device not in self._references

    def _write_group(self, group: list[Measure], run: _Run) -> None:
        if self._is_newcomer(group[0]):
            self._write_alone(group[0], run)
        else:
            self._write_batch(group, run)

    def _write_alone(self, measure: Measure, run: _Run) -> None:
        try:
            run.accept(self.write(measure))
        except ValueError as wrong:
            run.fail("invalid-resource", str(wrong))
        except ApiError as refusal:
            if refusal.status not in _OF_THIS_MEASURE_ALONE:
                raise
            run.fail(refusal.code, refusal.message)

    def _write_batch(self, group: list[Measure], run: _Run) -> None:
        built = [self._observation_or_fault(measure) for measure in group]
        observations = [each for each in built if not isinstance(each, ValueError)]
        answers = iter(self._post_bundle(to_batch(observations)) if observations else [])
        for each in built:
            if isinstance(each, ValueError):
                run.fail("invalid-resource", str(each))
            else:
                run.read(next(answers)["response"])

    def _write_with_device(self, measure: Measure, device: Device) -> str:
        bundle = to_transaction(measure, device, patient=self._grant().patient)
        locations = [entry["response"].get("location", "") for entry in self._post_bundle(bundle)]
        device_id = _first_id(locations, "Device")
        if device_id is not None:
            self._references[device] = f"Device/{device_id}"
        observation_id = _first_id(locations, "Observation")
        if observation_id is None:
            raise PartnerError("The platform acknowledged the transaction without the id of the measure.")
        return observation_id

    def _observation(self, measure: Measure) -> Json:
        reference = self._references.get(measure.device) if measure.device else None
        return to_observation(measure, patient=self._grant().patient, device_reference=reference)

    def _observation_or_fault(self, measure: Measure) -> Json | ValueError:
        try:
            return self._observation(measure)
        except ValueError as wrong:
            return wrong

    def _post_bundle(self, bundle: Json) -> list[Json]:
        entries: list[Json] = read_json(self._post("", bundle)).get("entry", [])
        if len(entries) != len(bundle["entry"]):
            raise PartnerError("The platform did not answer for each entry: read back before writing again.")
        return entries

    def _post(self, path: str, resource: Json) -> requests.Response:
        body = _json.dumps(resource)
        # The key follows from the content, so that an import started again after a crash doubles nothing.
        key = uuid.uuid5(_KEY_NAMESPACE, f"{self._grant().grant_id} {body}")
        headers = {
            "Content-Type": "application/fhir+json",
            "Accept": "application/fhir+json",
            "Idempotency-Key": str(key),
        }
        return self._send(Call("POST", self._base + path, headers=headers, body=body.encode()))


class _Run:
    """The report of a series while it is being made."""

    def __init__(self) -> None:
        self.sent = 0
        self.interrupted: PartnerError | None = None
        self._accepted: list[Accepted] = []
        self._failed: list[Failed] = []

    def accept(self, measure_id: str) -> None:
        self._accepted.append(Accepted(index=self.sent, id=measure_id))
        self.sent += 1

    def fail(self, code: str, message: str) -> None:
        self._failed.append(Failed(index=self.sent, code=code, message=message))
        self.sent += 1

    def read(self, response: Json) -> None:
        """Count one entry of a batch-response."""
        status = response["status"][:3]
        if status.startswith("2"):
            self.accept(_id_in(response.get("location", ""), "Observation") or "")
            return
        code, message, _ = read_outcome(response.get("outcome", {}))
        self.fail(code or f"http-{status}", message)

    def report(self) -> BatchReport:
        return BatchReport(
            accepted=tuple(self._accepted),
            failed=tuple(self._failed),
            sent=self.sent,
            interrupted=self.interrupted,
        )


def _first_id(locations: Iterable[str], resource_type: str) -> str | None:
    found = (_id_in(location, resource_type) for location in locations)
    return next((each for each in found if each is not None), None)


def _id_in(location: str, resource_type: str) -> str | None:
    """The id in a location such as `…/Observation/<id>/_history/1`, or None."""
    parts = location.split("/")
    return parts[parts.index(resource_type) + 1] if resource_type in parts[:-1] else None
