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
    """A line of the catalogue. `region` is set for a regional service, and for an establishment that gives its own."""

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
