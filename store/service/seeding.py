"""The store at scale: files made up by rule, written in bulk as the procedure leaves them, and removed as a whole.

They belong to synthetic organisations. The rows are written straight, each history a legal walk of the transition
tables: taking thousands of files through the use cases would last for hours.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

import sqlalchemy as sa

from identity_core.service import organisations
from platform_core import clock
from platform_core.access import SYSTEM, ActorKind
from platform_core.database import Base, db
from platform_core.errors import Conflict
from platform_core.health_identity import Siren
from platform_core.ids import uuid7
from store import workflow
from store.models.applications import Application
from store.models.history import StoreEvent, Subject
from store.models.listings import LISTING_NUMBER, Listing
from store.models.submissions import Submission, Verdict
from store.models.versions import Version
from store.rules import catalogue, delays, dossier, grid, invention, search
from store.rules.delays import Step
from store.rules.invention import Invention
from store.rules.procedure import PROCEDURE
from store.service import facets
from store.workflow import ListingState, ListingVerb, SubmissionState, SubmissionVerb

_SEED = 20260522
_BATCH = 250
_S, _V, _L = SubmissionState, SubmissionVerb, ListingVerb

_ADMITTED = (_V.SUBMIT, _V.TAKE_IN_CHARGE, _V.DECLARE_ADMISSIBLE)
_EVALUATED = (*_ADMITTED, _V.START_EVALUATION)
_ADVISED = (*_EVALUATED, _V.PROPOSE_OPINION, _V.GIVE_OPINION)
_AGREED = (*_ADVISED, _V.ACCEPT, _V.SIGN_CONVENTION, _V.COUNTERSIGN_CONVENTION, _V.START_INTEROP_TESTS)
_LISTED = (*_AGREED, _V.PASS_INTEROP_TESTS, _V.PUBLISH)
_WALKS: Sequence[tuple[SubmissionVerb, ...]] = (
    (),
    (_V.SUBMIT,),
    (_V.SUBMIT, _V.TAKE_IN_CHARGE, _V.DECLARE_INADMISSIBLE),
    _ADMITTED,
    _EVALUATED,
    (*_EVALUATED, _V.REQUEST_COMPLEMENTS),
    (*_EVALUATED, _V.REQUEST_COMPLEMENTS, _V.ANSWER_COMPLEMENTS),
    _ADVISED,
    (*_ADVISED, _V.REFUSE),
    (*_ADVISED, _V.ACCEPT),
    _AGREED,
)
_LISTING_WALKS = ((_L.LIST,), (_L.LIST,), (_L.LIST,), (_L.LIST, _L.SUSPEND), (_L.LIST, _L.SUSPEND, _L.REINSTATE))


class Walked(NamedTuple):
    """One step of a history: when, by which verb, from which state to which."""

    at: datetime
    verb: SubmissionVerb | ListingVerb
    before: str | None
    after: str


def seed_store(*, submissions: int, listed: int) -> int:
    """Write that many files of synthetic publishers, `listed` of them in the catalogue; gives how many applications.

    The same figures give the same files. Raises `Conflict` when the store holds synthetic files already, or cannot
    name so many.
    """
    if listed > submissions or submissions > invention.MOST:
        raise Conflict(f"At most {invention.MOST} files, and no more listed than there are.", code="too-many")
    publishers = invention.invent_publishers(-(-submissions // invention.FILES_OF_A_PUBLISHER))
    if find_synthetic():
        raise Conflict("The store is seeded already: remove what is there first.", code="already-seeded")
    owners = [
        organisations.register_organisation(name=one.name, siren=Siren(one.siren), synthetic=True, by=SYSTEM)
        for one in publishers
    ]
    draw = random.Random(_SEED)  # noqa: S311 - not a secret
    files = invention.invent_files(publishers, submissions, seed=_SEED)
    for batch in _batches(files, submissions):
        _write([(owners[one.publisher], one, number < listed) for number, one in batch], draw)
    facets.recount(db.session.connection())
    return submissions


def find_synthetic() -> Sequence[UUID]:
    """The applications of synthetic organisations."""
    return db.session.scalars(sa.select(Application.id).where(_SYNTHETIC)).all()


def remove_synthetic(connection: sa.Connection) -> int:
    """Delete every synthetic organisation with all that it holds; gives how many applications went.

    On a connection of the owner of the database: histories are append-only for the application.
    """
    tables = [table for table in Base.metadata.sorted_tables if table.name.startswith("store_")]
    count = connection.scalar(sa.select(sa.func.count()).select_from(Application).where(_SYNTHETIC)) or 0
    for table in reversed(tables):
        if (condition := _held(table)) is not None:
            connection.execute(sa.delete(table).where(condition))
    connection.execute(sa.text("DELETE FROM identity_organisation WHERE synthetic"))
    facets.recount(connection)
    return count


_SYNTHETIC = Application.organisation_id.in_(sa.text("SELECT id FROM identity_organisation WHERE synthetic"))


def _held(table: sa.Table) -> sa.ColumnElement[bool] | None:
    """The rows of a table that lead to a synthetic organisation by their foreign keys; None for a table apart."""
    for key in sorted(table.foreign_keys, key=lambda key: key.column.table.name):
        target = key.column.table
        if target.name == "identity_organisation":
            return key.parent.in_(sa.text("SELECT id FROM identity_organisation WHERE synthetic"))
        if target is not table and (further := _held(target)) is not None:
            return key.parent.in_(sa.select(key.column).where(further))
    return None


def _batches(files: Iterator[Invention], count: int) -> Iterator[list[tuple[int, Invention]]]:
    numbered = enumerate(files)
    for start in range(0, count, _BATCH):
        yield [next(numbered) for _ in range(min(_BATCH, count - start))]


def _write(files: Sequence[tuple[UUID, Invention, bool]], draw: random.Random) -> None:
    rows: dict[type[Base], list[dict[str, Any]]] = {
        model: [] for model in (Application, Submission, Version, StoreEvent, Verdict, Listing)
    }
    for owner, file, listed in files:
        _add(rows, owner, file, listed, draw)
    for model, found in rows.items():
        if found:
            db.session.execute(sa.insert(model), found)


def _add(
    rows: Mapping[type[Base], list[dict[str, Any]]], owner: UUID, file: Invention, listed: bool, draw: random.Random
) -> None:
    """The rows of one file: its application, its submission with its history, its listing."""
    walk = _LISTED if listed else draw.choice(_WALKS)
    started = clock.now() - timedelta(days=draw.randint(200, 700) if listed else draw.randint(1, 90))
    steps = _walk(walk, None, started, draw)
    application_id, submission_id = uuid7(), uuid7()
    reviewer = draw.choice(invention.REVIEWERS)
    common = {"application_id": application_id, "created_at": started}
    rows[Application].append(
        {
            "id": application_id,
            "organisation_id": owner,
            "name": file.name,
            "slug": catalogue.slug(file.name),
            "created_at": started,
        }
    )
    turn = delays.find_turn([Step(step.at, step.verb) for step in steps])
    taken = any(step.verb == _V.TAKE_IN_CHARGE for step in steps)
    rows[Submission].append(
        {
            **common,
            "id": submission_id,
            "number": 1,
            "kind": workflow.SubmissionKind.FIRST,
            "state": steps[-1].after if steps else _S.DRAFT,
            "dossier": file.dossier,
            "grid_version": invention.GRID,
            "opinion": workflow.Opinion.FAVOURABLE if any(step.verb == _V.GIVE_OPINION for step in steps) else None,
            "flagged": ["hosting"] if steps and steps[-1].verb == _V.REQUEST_COMPLEMENTS else [],
            "phase": turn.phase if turn else None,
            "waiting_on": turn.waiting_on if turn else None,
            "due_at": turn.due_at if turn else None,
            "evaluator_id": uuid5(NAMESPACE_OID, reviewer) if taken else None,
            "evaluator_name": reviewer if taken else "",
            "version": 1,
            "updated_at": steps[-1].at if steps else started,
            "submitted_at": steps[0].at if steps else None,
        }
    )
    rows[StoreEvent] += _events(steps, Subject.SUBMISSION, submission_id, application_id, submission_id)
    if steps:
        rows[Version].append(
            {
                "submission_id": submission_id,
                "number": 1,
                "dossier": file.dossier,
                "grid_version": invention.GRID,
                "submitted_at": steps[0].at,
                "submitted_by_name": file.dossier["company"]["legal_name"],
            }
        )
    if listed:
        rows[Verdict] += _verdicts(file, submission_id, reviewer, steps)
        _add_listing(rows, file, application_id, submission_id, steps[-1].at, draw)


def _walk(verbs: Sequence[Any], state: Any, start: datetime, draw: random.Random) -> list[Walked]:
    """The history that these verbs make from `start` on, at the pace of an ordinary examination, never past now."""
    steps: list[Walked] = []
    pace = min(timedelta(days=draw.randint(2, 6)), (clock.now() - start) / (len(verbs) + 1))
    state = state or (_S.DRAFT if verbs and isinstance(verbs[0], SubmissionVerb) else None)
    for number, verb in enumerate(verbs):
        roles = workflow.TABLES[type(verb)][verb].roles
        after = workflow.apply(state, verb, roles=roles, motive="Dossier d’essai.")
        steps.append(Walked(start + pace * number, verb, state, after))
        state = after
    return steps


def _events(
    steps: Sequence[Walked], subject: Subject, subject_id: UUID, application_id: UUID, submission_id: UUID
) -> list[dict[str, Any]]:
    return [
        {
            "application_id": application_id,
            "submission_id": submission_id,
            "subject": subject,
            "subject_id": subject_id,
            "verb": step.verb,
            "from_state": step.before,
            "to_state": step.after,
            "actor_kind": ActorKind.SYSTEM,
            "actor_name": SYSTEM.name,
            "occurred_at": step.at,
        }
        for step in steps
    ]


def _verdicts(file: Invention, submission_id: UUID, reviewer: str, steps: Sequence[Walked]) -> list[dict[str, Any]]:
    used = grid.load(invention.GRID)
    return [
        {
            "submission_id": submission_id,
            "criterion": criterion.id,
            "verdict": grid.Verdict.CONFORMING,
            "comment": "",
            "reviewer_id": uuid5(NAMESPACE_OID, reviewer),
            "reviewer_name": reviewer,
            "reviewed_at": steps[4].at,
            "version": 1,
        }
        for criterion in used.applicable(file.dossier.get("orientation", {}))
    ]


def _add_listing(
    rows: Mapping[type[Base], list[dict[str, Any]]],
    file: Invention,
    application_id: UUID,
    submission_id: UUID,
    at: datetime,
    draw: random.Random,
) -> None:
    listing_id, steps = uuid7(), _walk(draw.choice(_LISTING_WALKS), None, at, draw)
    listed_on = at.astimezone(clock.PARIS).date()
    number = db.session.scalar(LISTING_NUMBER.next_value())
    ceiling = dossier.find_ceiling(file.dossier)
    if ceiling is None:
        raise ValueError(f"{file.name} asks for no data.")
    rows[StoreEvent] += _events(steps, Subject.LISTING, listing_id, application_id, submission_id)
    rows[Listing].append(
        {
            "id": listing_id,
            "application_id": application_id,
            "submission_id": submission_id,
            "state": ListingState(steps[-1].after),
            "number": f"ENS-{listed_on.year}-{number:04d}",
            "listed_on": listed_on,
            "expires_on": listed_on + timedelta(days=PROCEDURE["listing_days"]),
            "ceiling": ceiling.to_json(),
            "profile": file.dossier["technical"]["profile"],
            "entry": catalogue.public_entry(file.dossier),
            "search_text": search.search_text(file.dossier),
            "facets": catalogue.facets(file.dossier),
            "version": 1,
        }
    )
