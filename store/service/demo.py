"""The demonstration applications, brought to their states by the real use cases."""

import json
import logging
from collections.abc import Collection, Mapping
from datetime import timedelta
from importlib.resources import files
from io import BytesIO
from typing import Any
from uuid import UUID

from platform_core import clock
from platform_core.access import Access, Actor
from platform_core.categories import registry
from store.queries.applications import find_application_id
from store.queries.submissions import get_own_submission, get_submission
from store.rules import catalogue, grid, invention
from store.rules.evidence import TargetKind
from store.rules.grid import Verdict
from store.service import dossiers, evidence, listings, rehearsal, reviews
from store.workflow import SubmissionState

_log = logging.getLogger(__name__)

_STARTED = 4
_VALID = timedelta(days=730)


def seed_applications(*, actors: Mapping[str, Actor], names: Collection[str] = ()) -> Mapping[str, UUID]:
    """Create the demonstration applications that are not there yet, or those of these names; gives each id by name.

    `actors` holds the agents `alice`, `bruno` (publishers), `ines` (reviewer), `claire` (commission) and `omar`
    (decider). Data categories that no room declares yet are left out.
    """
    found: list[dict[str, Any]] = json.loads(files("store").joinpath("data/demo_applications.json").read_text())
    entries = {entry["dossier"]["service"]["name"]: entry for entry in found}
    return {name: _seed(entry, actors) for name, entry in entries.items() if not names or name in names}


def _seed(entry: Mapping[str, Any], actors: Mapping[str, Actor]) -> UUID:
    name, publisher = entry["dossier"]["service"]["name"], actors[entry["publisher"]]
    present = find_application_id(catalogue.slug(name))
    if present:
        return present
    # Under the first grid: a new dossier of it is asked what the grid in force changed.
    application_id = dossiers.create_application(name=name, grid_version=invention.GRID, by=publisher)
    draft = get_own_submission(application_id, by=publisher).dossier
    content = {section: {**draft.get(section, {}), **values} for section, values in entry["dossier"].items()}
    content["data"]["items"] = _declared(content["data"]["items"])
    if entry["state"] != "draft":
        content["criteria"] = invention.answer_criteria(content["orientation"])
    dossiers.fill_dossier(application_id=application_id, content=content, by=publisher)
    if entry["state"] != "draft":
        _file_what_is_required(application_id, content["orientation"], by=publisher)
        dossiers.submit(application_id=application_id, by=publisher)
        cast = rehearsal.Cast(publisher, actors["ines"], actors["claire"], actors["omar"])
        _examine(get_own_submission(application_id, by=publisher).id, entry["state"], cast)
    if entry["state"] == "suspended":
        listings.suspend_listing(application_id=application_id, motive=entry["motive"], by=actors["omar"])
    return application_id


def _declared(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items whose data category some room declares, in the order that the dossier keeps."""
    kept = [item for item in items if registry.allows(item["category"], Access(item["access"]))]
    for item in items:
        if item not in kept:
            _log.info("%s is not declared (%s): left out.", item["category"], item["access"])
    return sorted(kept, key=lambda item: (item["category"], item["access"]))


def _file_what_is_required(application_id: UUID, orientation: Mapping[str, Any], *, by: Actor) -> None:
    """A file for each criterion that no reason replaces: it says itself that it proves nothing."""
    for one in invention.list_required(orientation):
        text = f"{one.title} : pièce de démonstration, sans valeur.\n"
        with evidence.receive_file(BytesIO(text.encode()), f"{one.id.lower()}.txt") as upload:
            added = evidence.add_evidence(
                upload=upload,
                kind=one.evidence[0],
                title=f"{one.title} (démonstration)",
                valid_from=clock.today(),
                valid_until=clock.today() + _VALID,
                by=by,
            )
        evidence.link_evidence(
            application_id=application_id,
            target_kind=TargetKind.CRITERION,
            target=one.id,
            evidence_id=added,
            by=by,
        )


def _examine(submission_id: UUID, state: str, cast: rehearsal.Cast) -> None:
    """Take the dossier as far as the demonstration shows it; in evaluation, its first criteria have a verdict."""
    reached = SubmissionState(state) if state in rehearsal.COURSE else SubmissionState.LISTED
    rehearsal.advance(submission_id=submission_id, to=reached, cast=cast)
    if reached is SubmissionState.IN_EVALUATION:
        file = get_submission(submission_id)
        for criterion in grid.load(file.grid_version).applicable(file.dossier.get("orientation", {}))[:_STARTED]:
            reviews.record_verdict(
                submission_id=submission_id,
                criterion=criterion.id,
                verdict=Verdict.CONFORMING,
                comment="",
                version=0,
                by=cast.reviewer,
            )
