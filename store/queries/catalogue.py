"""The public catalogue: search, facets with their counts, one entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from platform_core import clock
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.pagination import Page
from store.models.applications import Application
from store.models.history import StoreEvent, Subject
from store.models.listings import FacetCount, Listing
from store.models.submissions import Submission, Verdict
from store.queries.listings import ListingView, listing_view, select_listings
from store.rules import grid
from store.rules.catalogue import Chosen, Facet, FamilyLevel, family_levels
from store.rules.search import search_terms, words_of
from store.workflow import ListingState, ListingVerb

PAGE_SIZE = 25
Condition = sa.ColumnElement[bool]
Counts = Mapping[Facet, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search, and what each value of each facet would show. `near`: by words spelt alike only."""

    page: Page[ListingView]
    counts: Counts
    near: bool


@dataclass(frozen=True, slots=True)
class Edition:
    """How many listings are published, and when any was last changed."""

    count: int
    changed_at: datetime | None


def get_entry(slug: str) -> ListingView:
    """The catalogue page of an application that is listed or suspended. Raises `NotFound`."""
    row = db.session.execute(select_listings().where(Application.slug == slug, published())).one_or_none()
    if row is None:
        raise NotFound("No application of this name is in the catalogue.")
    return listing_view(row)


def search_catalogue(*, text: str = "", chosen: Chosen | None = None, page: int = 1) -> Found:
    """Search the catalogue as people do: when no application has the words, those spelt alike are tried."""
    found = list_listed(text=text, chosen=chosen, page=page)
    near = found.total == 0 and bool(words_of(text))
    if near:
        found = list_listed(text=text, chosen=chosen, page=page, near=True)
    return Found(found, count_facets(text=text, chosen=chosen, near=near), near)


def list_listed(
    *, text: str = "", chosen: Chosen | None = None, page: int = 1, size: int = PAGE_SIZE, near: bool = False
) -> Page[ListingView]:
    """The live listings that match a text and, in each facet, one of the values chosen there.

    The best match first, by name without a text. `near` accepts the misspelt words of a text.
    """
    narrowed = [_has_one(Listing.facets, facet, values) for facet, values in (chosen or {}).items()]
    wanted = [*_matching(text, near), *narrowed]
    order = [*_rank(text, near), sa.func.lower(Application.name), Application.id]
    ids = sa.select(Listing.id).join(Application).where(_live(), *wanted).order_by(*order)
    shown = ids.limit(size).offset((page - 1) * size)  # before any entry is opened
    rows = select_listings().where(Listing.id.in_(shown)).order_by(*order)
    return Page([listing_view(row) for row in db.session.execute(rows)], page, size, _count(wanted))


def _count(wanted: Sequence[Condition]) -> int:
    """How many live listings are wanted; all of them are counted beforehand."""
    if not wanted:
        return _read_counts(FacetCount.value == FacetCount.ALL).get(FacetCount.ALL, 0)
    return db.session.scalar(sa.select(sa.func.count()).select_from(Listing).where(_live(), *wanted)) or 0


def count_facets(*, text: str = "", chosen: Chosen | None = None, near: bool = False) -> Counts:
    """How many listings each value of each facet would show, the choices of the other facets kept."""
    wanted = _matching(text, near)
    if not wanted and not chosen:
        return _by_facet(_read_counts(FacetCount.value != FacetCount.ALL))
    matched = (
        sa.select(Listing.facets, sa.func.unnest(Listing.facets).label("value")).where(_live(), *wanted).subquery()
    )
    others = [
        sa.or_(matched.c.value.startswith(f"{facet}:"), _has_one(matched.c.facets, facet, values))
        for facet, values in (chosen or {}).items()
    ]
    counted = sa.select(matched.c.value, sa.func.count()).where(*others).group_by(matched.c.value)
    return _by_facet({value: count for value, count in db.session.execute(counted)})


def _read_counts(wanted: Condition) -> Mapping[str, int]:
    """The counts kept with the listings, without those that passed their last day and that no sweep saw yet."""
    ended = sa.select(sa.func.unnest(sa.func.array_append(Listing.facets, FacetCount.ALL)).label("value"))
    late = ended.where(Listing.state == ListingState.LISTED, Listing.expires_on < clock.today()).subquery()
    off = sa.select(late.c.value, sa.func.count().label("listings")).group_by(late.c.value).subquery()
    left = (FacetCount.listings - sa.func.coalesce(off.c.listings, 0)).label("left")
    rows = sa.select(FacetCount.value, left).outerjoin(off, off.c.value == FacetCount.value).where(wanted, left > 0)
    return {value: count for value, count in db.session.execute(rows)}


def _by_facet(counts: Mapping[str, int]) -> Counts:
    found: dict[Facet, dict[str, int]] = {facet: {} for facet in Facet}
    for key, count in counts.items():
        facet, _, code = key.partition(":")
        found[Facet(facet)][code] = count
    return found


def list_levels(submission_id: UUID) -> Sequence[FamilyLevel]:
    """What the examination of a listed dossier found, family by family of its grid."""
    answers = Submission.dossier["orientation"].label("answers")
    file = db.session.execute(sa.select(Submission.grid_version, answers).where(Submission.id == submission_id)).one()
    verdicts = sa.select(Verdict.criterion, Verdict.verdict).where(Verdict.submission_id == submission_id)
    found = {criterion: grid.Verdict(verdict) for criterion, verdict in db.session.execute(verdicts)}
    return family_levels(grid.load(file.grid_version), found, file.answers or {})


def list_public_history(application_id: UUID) -> Sequence[tuple[datetime, ListingVerb]]:
    """What everybody may know of a referencing, newest first: when it was given, suspended, reinstated."""
    events = sa.select(StoreEvent.occurred_at, StoreEvent.verb).where(
        StoreEvent.application_id == application_id, StoreEvent.subject == Subject.LISTING
    )
    rows = db.session.execute(events.order_by(StoreEvent.position.desc()).limit(50))
    return [(at, ListingVerb(verb)) for at, verb in rows]


def find_edition() -> Edition:
    """What identifies the present content of the open data: it changes with any listing and at any expiry."""
    row = db.session.execute(
        sa.select(sa.func.count().filter(published()), sa.func.max(Listing.changed_at)).select_from(Listing)
    ).one()
    return Edition(*row)


def list_published_after(slug: str, *, size: int = 200) -> Sequence[ListingView]:
    """The published listings whose slug comes after this one, in the order of the slugs."""
    rows = select_listings().where(published(), Application.slug > slug).order_by(Application.slug).limit(size)
    return [listing_view(row) for row in db.session.execute(rows)]


def published() -> Condition:
    """Listed and valid today, or suspended: what has a page in the catalogue."""
    return sa.or_(_live(), Listing.state == ListingState.SUSPENDED)


def _live() -> Condition:
    return sa.and_(Listing.state == ListingState.LISTED, Listing.expires_on >= clock.today())


def _matching(text: str, near: bool) -> Sequence[Condition]:
    if near:
        return [sa.literal(word).bool_op("<%")(Listing.search_text) for word in words_of(text)]
    return [Listing.search.bool_op("@@")(query) for query in _queries(text)]


def _queries(text: str) -> list[sa.ColumnElement[Any]]:
    """A text query for each word: by its stem, or by the whole word and what begins like it."""
    return [
        sa.func.to_tsquery(sa.text("'french'"), term).op("||")(sa.func.to_tsquery(sa.text("'simple'"), term))
        for term in search_terms(text)
    ]


def _rank(text: str, near: bool) -> Sequence[sa.ColumnElement[Any]]:
    if near:
        return [sa.func.word_similarity(" ".join(words_of(text)), Listing.search_text).desc()]
    ranks = [sa.func.ts_rank(Listing.search, query) for query in _queries(text)]
    return [sum(ranks[1:], ranks[0]).desc()] if ranks else []


def _has_one(facets: sa.SQLColumnExpression[Any], facet: Facet, values: frozenset[str]) -> Condition:
    wanted = sa.cast([f"{facet}:{value}" for value in sorted(values)], ARRAY(sa.Text))
    return facets.bool_op("&&")(wanted)
