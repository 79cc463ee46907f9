"""Shapes of the public API of the catalogue, and of its open data."""

from typing import Any

from marshmallow import Schema, fields, validate

from store.queries.listings import ListingView

ENTRY_FIELDS = (
    "family",
    "cost",
    "ownership",
    "territory",
    "region",
    "establishment",
    "ios_url",
    "android_url",
    "professional_name",
    "professional_url",
    "terms_url",
    "privacy_url",
    "support_contact",
)


def _choice(example: str) -> fields.List:
    """Values of a facet; repeated, any of them suits."""
    value = fields.String(validate=validate.Length(max=60))
    return fields.List(value, load_default=list, validate=validate.Length(max=30), metadata={"example": [example]})


class CatalogueQuery(Schema):
    """A text and a choice in each facet, all optional.

    `data` takes families and codes of categories, `region` INSEE codes; `page` counts from 1.
    """

    q = fields.String(load_default="", validate=validate.Length(max=200))
    family = _choice("prevention")
    audience = _choice("adults")
    data = _choice("measures.body-weight")
    cost = _choice("free")
    platform = _choice("web")
    ownership = _choice("public")
    territory = _choice("region")
    region = _choice("84")
    page = fields.Integer(load_default=1, validate=validate.Range(min=1, max=100_000))


class CeilingItem(Schema):
    """The most that the application may ask on one category and access."""

    category = fields.String(required=True, metadata={"example": "measures.body-weight"})
    access = fields.String(required=True, metadata={"example": "read"})
    why = fields.String(required=True)
    required = fields.Boolean(required=True)
    history_days = fields.Integer(required=True, allow_none=True)
    periodicity = fields.Dict(required=True, metadata={"example": {"max": 1, "per": "day"}})


class ListedApplication(Schema):
    """A line of the catalogue. `region` is set for a regional service, and for an establishment that gives its own.

    The `pilot_` members are null but for an experiment: its regions, how many people it may take, its last day.
    """

    slug = fields.String(required=True)
    name = fields.String(required=True)
    tagline = fields.String(required=True)
    publisher = fields.String(required=True, attribute="publisher_name")
    family = fields.String(required=True)
    audience = fields.List(fields.String(), required=True)
    platforms = fields.List(fields.String(), required=True)
    cost = fields.String(required=True, allow_none=True, metadata={"example": "free"})
    ownership = fields.String(required=True, allow_none=True, metadata={"example": "private"})
    territory = fields.String(required=True, allow_none=True, metadata={"example": "national"})
    region = fields.String(required=True, allow_none=True, metadata={"example": "84"})
    state = fields.String(required=True)
    number = fields.String(required=True, metadata={"example": "ENS-2026-0001"})
    listed_on = fields.Date(required=True)
    expires_on = fields.Date(required=True)
    pilot_regions = fields.List(fields.String(), required=True, allow_none=True, metadata={"example": ["52", "53"]})
    pilot_places = fields.Integer(required=True, allow_none=True)
    pilot_until = fields.Date(required=True, allow_none=True)


class Catalogue(Schema):
    """One page of a search. `near` says that no application had the words: those spelt alike are shown.

    `facets` gives, for each facet and each of its values, how many applications choosing it would show.
    """

    applications = fields.List(fields.Nested(ListedApplication), required=True)
    page = fields.Integer(required=True)
    pages = fields.Integer(required=True)
    total = fields.Integer(required=True)
    near = fields.Boolean(required=True)
    facets = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String(), values=fields.Integer()),
        required=True,
        metadata={"example": {"cost": {"free": 12, "paid": 3}}},
    )


class CatalogueEntry(ListedApplication):
    """The whole public page of an application."""

    description = fields.String(required=True)
    site = fields.String(required=True)
    ios_url = fields.String(required=True, allow_none=True)
    android_url = fields.String(required=True, allow_none=True)
    professional_name = fields.String(required=True, allow_none=True)
    professional_url = fields.String(required=True, allow_none=True)
    terms_url = fields.String(required=True, allow_none=True)
    privacy_url = fields.String(required=True, allow_none=True)
    establishment = fields.String(required=True, allow_none=True)
    support_contact = fields.String(required=True)
    profile = fields.String(required=True)
    purposes = fields.List(fields.String(), required=True)
    longest_days = fields.Integer(required=True)
    items = fields.List(fields.Nested(CeilingItem), required=True)
    hosting = fields.String(required=True)
    recipients = fields.List(fields.String(), required=True)
    dpo_contact = fields.String(required=True)
    risks = fields.String(required=True)
    recourse = fields.String(required=True)


def describe(listing: ListingView) -> dict[str, Any]:
    """Everything public about a listing, for these schemas."""
    service, entry = listing.entry["service"], listing.entry["catalogue"]
    ceiling = listing.ceiling.to_json()
    return {
        "slug": listing.slug,
        "name": listing.name,
        "tagline": listing.tagline,
        "publisher_name": listing.publisher_name,
        "state": listing.state,
        "number": listing.number,
        "listed_on": listing.listed_on,
        "expires_on": listing.expires_on,
        "pilot_regions": list(listing.pilot.regions) if listing.pilot else None,
        "pilot_places": listing.pilot.places if listing.pilot else None,
        "pilot_until": listing.pilot.ends_on if listing.pilot else None,
        **{name: entry.get(name) for name in ENTRY_FIELDS},
        "audience": service["audience"],
        "platforms": service["platforms"],
        "description": service["description"],
        "site": service["site"],
        "profile": listing.profile,
        "purposes": ceiling["purposes"],
        "longest_days": ceiling["duration_days"],
        "items": ceiling["items"],
        "hosting": listing.hosting,
        "recipients": listing.recipients,
        "dpo_contact": listing.dpo_contact,
        "risks": listing.risks,
        "recourse": listing.recourse,
    }


class OwnApplication(Schema):
    """An application of the publisher: its present dossier and its listing, if any."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    number = fields.Integer(required=True, metadata={"description": "The number of the present dossier."})
    state = fields.String(required=True, metadata={"description": "The state of the present dossier."})
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    listing_state = fields.String(required=True, allow_none=True)
    expires_on = fields.Date(required=True, allow_none=True)


class OwnApplications(Schema):
    """The applications of an organisation, by name."""

    applications = fields.List(fields.Nested(OwnApplication), required=True)


class NewApplication(Schema):
    """`orientation` may hold the first answers of the orientation questionnaire."""

    name = fields.String(required=True, validate=validate.Length(min=1, max=80))
    orientation = fields.Dict(load_default=dict)


class NewSubmission(Schema):
    """Without `kind`, the first that the state of the listing allows."""

    kind = fields.String(load_default=None, validate=validate.OneOf(["first", "amendment", "renewal"]))


class SubmissionLine(Schema):
    """One dossier and where it stands. `flagged` names the parts that a request for complements reopened."""

    number = fields.Integer(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    grid_version = fields.String(required=True)
    submitted_at = fields.AwareDateTime(required=True, allow_none=True)
    updated_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    flagged = fields.List(fields.String(), required=True)


class Submissions(Schema):
    """The dossiers of an application, the newest first."""

    submissions = fields.List(fields.Nested(SubmissionLine), required=True)


class Section(Schema):
    """One section as it stands; `version` goes back in `If-Match`."""

    section = fields.String(required=True)
    version = fields.String(required=True)
    values = fields.Dict(required=True)


class Submission(SubmissionLine):
    """A dossier whole."""

    sections = fields.List(fields.Nested(Section), required=True)


class SectionValues(Schema):
    """Fields of a section, as the dossier's pages name them."""

    values = fields.Dict(keys=fields.String(), required=True)


class NewEvidence(Schema):
    """What is said of a file, and what it backs: a criterion or a section of the present dossier."""

    kind = fields.String(required=True)
    title = fields.String(required=True)
    valid_from = fields.Date(load_default=None)
    valid_until = fields.Date(load_default=None)
    target_kind = fields.String(required=True, validate=validate.OneOf(["criterion", "section"]))
    target = fields.String(required=True)


class EvidenceFile(Schema):
    file = fields.Raw(required=True, metadata={"type": "string", "format": "binary"})


class Evidence(NewEvidence):
    """A piece of evidence in place. `sha256` is that of the file as it was sent."""

    id = fields.UUID(required=True)
    file_name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.Function(lambda link: link["sha256"].hex(), metadata={"type": "string"})
    added_at = fields.AwareDateTime(required=True)
    superseded_by = fields.UUID(required=True, allow_none=True)


class EvidenceList(Schema):
    evidence = fields.List(fields.Nested(Evidence), required=True)


class QuestionMessage(Schema):
    """One turn of a question; `side` is `reviewer` or `publisher`."""

    side = fields.String(required=True)
    text = fields.String(required=True)
    evidence_ids = fields.List(fields.UUID(), required=True)
    at = fields.AwareDateTime(required=True)


class Question(Schema):
    """A question on one criterion or one section, and what was said, in order."""

    id = fields.UUID(required=True)
    criterion = fields.String(required=True, allow_none=True)
    section = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    due_on = fields.Date(required=True)
    asked_at = fields.AwareDateTime(required=True)
    messages = fields.List(fields.Nested(QuestionMessage), required=True)


class Questions(Schema):
    questions = fields.List(fields.Nested(Question), required=True)


class Answer(Schema):
    """The publisher's answer, and the ids of evidence of the organisation that supports it."""

    text = fields.String(required=True, validate=validate.Length(min=1, max=10_000))
    evidence_ids = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=20))
