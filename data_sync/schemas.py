"""Bodies of the sandbox and of the consent, as the API reads and writes them (marshmallow)."""

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from consent.workflow import Answer


class SyntheticPatient(Schema):
    """A synthetic patient; `id` names them to the sandbox only."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    birth_date = fields.Date(required=True)
    summary = fields.String(required=True)


class SyntheticPatients(Schema):
    patients = fields.List(fields.Nested(SyntheticPatient), required=True)


class Decision(Schema):
    """What a synthetic patient answers to a pushed request, or to a device; `authorization_details` narrows it."""

    request_uri = fields.String(validate=validate.Length(min=1, max=500))
    user_code = fields.String(validate=validate.Length(min=1, max=50))
    patient = fields.UUID(required=True)
    decision = fields.String(required=True, validate=validate.OneOf([Answer.GRANT, Answer.REFUSE]))
    authorization_details = fields.List(fields.Dict(), load_default=None)

    @validates_schema
    def check_question(self, data: dict[str, object], **_: object) -> None:
        if ("request_uri" in data) == ("user_code" in data):
            raise ValidationError("Give one of request_uri or user_code.")


class Redirect(Schema):
    redirect_to = fields.String(required=True, metadata={"description": "What the browser would have been sent."})


class ClockMove(Schema):
    """Exactly one of the three: forward, to an instant, or back to real time."""

    forward_seconds = fields.Integer(validate=validate.Range(min=0, max=100_000_000))
    set = fields.AwareDateTime()
    reset = fields.Boolean(validate=validate.Equal(True))

    @validates_schema
    def check_one(self, data: dict[str, object], **_: object) -> None:
        if len(data) != 1:
            raise ValidationError("Give one of forward_seconds, set or reset.")


class ClockTime(Schema):
    now = fields.AwareDateTime(required=True)


class DataPeriod(Schema):
    start = fields.Date(data_key="from", allow_none=True)
    end = fields.Date(data_key="to", allow_none=True)


class ConsentItem(Schema):
    """One item and its synchronisation windows; `remaining` is null where nothing is counted."""

    category = fields.String(required=True)
    access = fields.String(required=True)
    data = fields.Nested(DataPeriod, data_key="data_period")
    periodicity = fields.Function(lambda item: item.periodicity.to_json(), metadata={"type": "object"})
    used = fields.Integer()
    remaining = fields.Integer(allow_none=True)
    next_window_at = fields.AwareDateTime(allow_none=True)


class Consent(Schema):
    """The consent behind the token, as it stands now; `valid_until` is its last day, in Europe/Paris."""

    grant_id = fields.UUID(required=True)
    status = fields.String(required=True)
    purpose = fields.String(required=True)
    valid_until = fields.Date(required=True)
    items = fields.List(fields.Nested(ConsentItem), required=True)


class UsageQuery(Schema):
    """The days to tell, up to today, and the sandbox client whose usage is asked instead of production's."""

    days = fields.Integer(load_default=30, validate=validate.Range(min=1, max=366))
    client_id = fields.String(load_default="", validate=validate.Length(max=200))


class UsageDay(Schema):
    """One day (Europe/Paris): calls served, and refused by stable code of error."""

    day = fields.Date(required=True)
    served = fields.Integer(required=True)
    refused = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    synchronisations = fields.Integer(required=True)


class UsageWeek(Schema):
    """What became of consents in a week; null stands for fewer than five people, zero for nobody."""

    monday = fields.Date(required=True)
    granted = fields.Integer(required=True, allow_none=True)
    revoked = fields.Integer(required=True, allow_none=True)
    ended = fields.Integer(required=True, allow_none=True)


class UsageConsents(Schema):
    """Consents in force when last counted; null stands for fewer than five people, zero for nobody."""

    active = fields.Integer(required=True, allow_none=True)
    paused = fields.Integer(required=True, allow_none=True)
    weeks = fields.List(fields.Nested(UsageWeek), required=True)


class Usage(Schema):
    """How an application is used. `counted_at` says how late the figures are."""

    counted_at = fields.AwareDateTime(required=True, allow_none=True)
    days = fields.List(fields.Nested(UsageDay), required=True)
    consents = fields.Nested(UsageConsents, required=True)
