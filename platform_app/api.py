"""What the API tells to everyone: the registry of data categories."""

from typing import Any

from marshmallow import Schema, fields

from platform_core.access import Access
from platform_core.categories import Category, registry
from platform_core.rest import blueprint
from platform_core.web import public

categories = blueprint("categories", __name__, "The data categories that a consent can name")


class CategorySchema(Schema):
    """One category, its labels and the SMART v2 scopes it stands for."""

    code = fields.String(required=True, metadata={"example": "measures.body-weight"})
    family = fields.String(required=True)
    labels = fields.Dict(keys=fields.String(), values=fields.Dict(), required=True)
    sensitive = fields.Boolean(required=True)
    accesses = fields.List(fields.String(), required=True)
    scopes = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class CategoryListSchema(Schema):
    """The whole registry; it is short and has no pages."""

    categories = fields.List(fields.Nested(CategorySchema), required=True)


@categories.get("/categories")
@categories.response(200, CategoryListSchema)
@public("the registry holds no personal data")
def list_categories() -> dict[str, Any]:
    """List every data category with its labels, accesses and scopes."""
    return {"categories": [_shape(category) for category in registry.all()]}


def _shape(category: Category) -> dict[str, Any]:
    accesses = [access for access in Access if access in category.accesses]
    return {
        "code": category.code,
        "family": category.family,
        "labels": {
            "fr": {"short": category.short_fr, "long": category.long_fr},
            "en": {"short": category.short_en, "long": category.long_en},
        },
        "sensitive": category.sensitive,
        "accesses": accesses,
        "scopes": {access: category.smart.render(access) for access in accesses},
    }
