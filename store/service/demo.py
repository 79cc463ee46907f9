"""The demonstration applications, brought to their states by the real use cases."""

import json
import logging
from collections.abc import Mapping
from importlib.resources import files
from typing import Any
from uuid import UUID

from platform_core.access import Access, Actor
from platform_core.categories import registry
from store.queries.applications import find_application_id
from store.queries.submissions import get_own_submission
from store.rules import catalogue, grid
from store.rules.dossier import section_version
from store.rules.grid import Verdict
from store.service import dossiers, listings, reviews

_log = logging.getLogger(__name__)

_STEPS = ("draft", "submitted", "in_evaluation", "listed", "suspended")


def seed_applications(*, actors: Mapping[str, Actor]) -> Mapping[str, UUID]:
    """Create the demonstration applications that are not there yet; gives every id by name.

    `actors` holds the agents `alice`, `bruno` (publishers), `ines` (reviewer) and `omar` (decider). Data categories
    that no room declares yet are left out.
    """
    found: list[dict[str, Any]] = json.loads(files("store").joinpath("data/demo_applications.json").read_text())
    return {entry["dossier"]["service"]["name"]: _seed(entry, actors) for entry in found}


def _seed(entry: Mapping[str, Any], actors: Mapping[str, Actor]) -> UUID:
    name, publisher = entry["dossier"]["service"]["name"], actors[entry["publisher"]]
    present = find_application_id(catalogue.slug(name))
    if present:
        return present
    application_id = dossiers.create_application(name=name, by=publisher)
    for section, values in entry["dossier"].items():
        _fill(application_id, section, values, publisher)
    reached = _STEPS.index(entry["state"])
    if reached >= _STEPS.index("submitted"):
        dossiers.submit(application_id=application_id, by=publisher)
    if reached >= _STEPS.index("in_evaluation"):
        _evaluate(application_id, conclude=entry["state"] != "in_evaluation", publisher=publisher, by=actors["ines"])
    if reached >= _STEPS.index("listed"):
        _decide(application_id, publisher=publisher, by=actors["omar"])
    if reached >= _STEPS.index("suspended"):
        listings.suspend_listing(application_id=application_id, motive=entry["motive"], by=actors["omar"])
    return application_id


def _fill(application_id: UUID, section: str, values: Mapping[str, Any], by: Actor) -> None:
    """Write a section over what it holds, then its data items one by one."""
    present = get_own_submission(application_id, by=by).dossier
    plain = {**present.get(section, {}), **{key: value for key, value in values.items() if key != "items"}}
    version = section_version(present, section)
    dossiers.save_section(application_id=application_id, section=section, values=plain, version=version, by=by)
    for item in values.get("items", ()):
        if not registry.allows(item["category"], Access(item["access"])):
            _log.info("%s is not declared (%s): left out.", item["category"], item["access"])
            continue
        version = section_version(get_own_submission(application_id, by=by).dossier, section)
        dossiers.save_item(application_id=application_id, item=item, version=version, by=by)


def _evaluate(application_id: UUID, *, conclude: bool, publisher: Actor, by: Actor) -> None:
    """Take the dossier in charge; find every criterion conforming and propose, or stop after the first few."""
    submission = get_own_submission(application_id, by=publisher)
    reviews.take_in_charge(submission_id=submission.id, by=by)
    criteria = list(grid.load(submission.grid_version).criteria)
    for criterion in criteria if conclude else criteria[:4]:
        reviews.record_verdict(
            submission_id=submission.id,
            criterion=criterion,
            verdict=Verdict.CONFORMING,
            comment="",
            version=0,
            by=by,
        )
    if conclude:
        motive = "Tous les critères obligatoires sont conformes."
        reviews.propose(submission_id=submission.id, favourable=True, motive=motive, by=by)


def _decide(application_id: UUID, *, publisher: Actor, by: Actor) -> None:
    submission = get_own_submission(application_id, by=publisher)
    motive = "Le dossier répond à la grille de critères."
    reviews.accept(submission_id=submission.id, motive=motive, by=by)
    listings.list_application(application_id=application_id, by=by)
