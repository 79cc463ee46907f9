"""Bodies of the publisher's API about credentials (marshmallow)."""

from marshmallow import Schema, fields, validate


class Key(Schema):
    """A registered public key; `expires_at` is set once it is being replaced."""

    thumbprint = fields.String(required=True, metadata={"description": "RFC 7638, SHA-256."})
    kid = fields.String(required=True)
    kind = fields.String(required=True, metadata={"example": "P-256"})
    added_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)


class Credential(Schema):
    """A client of the application. It holds no secret: the platform knows public keys only."""

    client_id = fields.String(required=True)
    environment = fields.String(required=True, validate=validate.OneOf(["production", "sandbox"]))
    profile = fields.String(required=True, validate=validate.OneOf(["fapi2", "smart"]))
    is_public = fields.Boolean(required=True)
    redirect_uris = fields.List(fields.String(), required=True)
    post_logout_redirect_uris = fields.List(fields.String(), required=True)
    backchannel_logout_uri = fields.String(required=True, allow_none=True)
    jwks_uri = fields.String(required=True, allow_none=True)
    keys = fields.List(fields.Nested(Key), required=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True)


class Credentials(Schema):
    """The clients of an application, the oldest first."""

    credentials = fields.List(fields.Nested(Credential), required=True)


class NewKey(Schema):
    """The next public key; those before it end after `overlap_days`."""

    jwk = fields.Dict(required=True, metadata={"description": "A public JWK (RFC 7517)."})
    overlap_days = fields.Integer(load_default=7, validate=validate.Range(min=0, max=30))


class LogoutUris(Schema):
    """Where people may be sent after signing out, and where the app is told of it; what is left out is forgotten."""

    post_logout_redirect_uris = fields.List(fields.String(validate=validate.Length(max=2000)), load_default=list)
    backchannel_logout_uri = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=2000))


class RedirectUris(Schema):
    """The addresses of return, whole: those left out are forgotten."""

    redirect_uris = fields.List(fields.String(validate=validate.Length(max=2000)), required=True)
