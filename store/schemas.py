"""Shapes of the public API of the catalogue."""

from marshmallow import Schema, fields, validate


class CatalogueQuery(Schema):
    """Filters of the catalogue, all optional; `data` is a category code, `page` counts from 1."""

    q = fields.String(load_default="", validate=validate.Length(max=200))
    family = fields.String(load_default="", validate=validate.Length(max=60))
    data = fields.String(load_default="", validate=validate.Length(max=60))
    audience = fields.String(load_default="", validate=validate.Length(max=60))
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
    """A line of the catalogue."""

    slug = fields.String(required=True)
    name = fields.String(required=True)
    tagline = fields.String(required=True)
    publisher = fields.String(required=True, attribute="publisher_name")
    family = fields.String(required=True)
    audience = fields.List(fields.String(), required=True)
    state = fields.String(required=True)
    number = fields.String(required=True, metadata={"example": "ENS-2026-0001"})
    listed_on = fields.Date(required=True)
    expires_on = fields.Date(required=True)


class Catalogue(Schema):
    """One page of the catalogue, by name."""

    applications = fields.List(fields.Nested(ListedApplication), required=True)
    page = fields.Integer(required=True)
    pages = fields.Integer(required=True)
    total = fields.Integer(required=True)


class CatalogueEntry(ListedApplication):
    """The whole public page of an application."""

    description = fields.String(required=True)
    site = fields.String(required=True)
    profile = fields.String(required=True)
    purposes = fields.List(fields.String(), required=True)
    longest_days = fields.Integer(required=True)
    items = fields.List(fields.Nested(CeilingItem), required=True)
    hosting = fields.String(required=True)
    recipients = fields.List(fields.String(), required=True)
    dpo_contact = fields.String(required=True)
    risks = fields.String(required=True)
    recourse = fields.String(required=True)
