"""A listed app to which two people granted everything, and an account of all that the platform keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from consent.rules.calendar import months_after
from consent.service import granting, lifecycle
from identity_core import queries as identity
from oauth.models import Token
from platform_core import clock, config, crypto
from platform_core.access import ALWAYS
from platform_core.categories import registry
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.ids import opaque, uuid7
from platform_core.permission import CONTINUOUS, PermissionItem, Purpose
from tests.journeys.conftest import acting_as

FAMILIES = ("measures.", "results.", "documents.", "vaccinations", "reimbursements", "profile.", "identity.")
# Written by a refusal too: what tells of it or counts it, the last use of a token, what makes an assertion serve once.
BESIDE = frozenset(
    {"core_journal", "oauth_replay", "data_sync_call_count", "data_sync_consent_count", "identity_access_token"}
)

Account = Mapping[str, tuple[int, int]]


class Ledger:
    """All that is kept: for each table its rows and the transactions that wrote them, and the names of the files."""

    def __init__(self, owner: sa.Engine) -> None:
        self._connection = owner.connect().execution_options(isolation_level="AUTOCOMMIT")
        tables = self._connection.execute(
            sa.text(
                "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
                " AND relnamespace = 'public'::regnamespace AND NOT relname = ANY(:beside) ORDER BY relname"
            ),
            {"beside": list(BESIDE)},
        ).scalars()
        each = [
            f"SELECT '{name}', count(*), coalesce(sum(CAST(CAST(xmin AS text) AS bigint)), 0) FROM \"{name}\""
            for name in tables
        ]
        self._statement = sa.text(" UNION ALL ".join(each))
        self._blobs = Path(config.current().blob_url.removeprefix("file://"))

    def read(self) -> Account:
        rows = {name: (number, int(written)) for name, number, written in self._connection.execute(self._statement)}
        files = sum(1 for path in self._blobs.rglob("*") if path.is_file())
        return {**rows, "files": (files, 0)}

    def count(self, statement: str, **parameters: object) -> int:
        return int(self._connection.execute(sa.text(statement), parameters).scalar_one())

    def close(self) -> None:
        self._connection.close()


def changes(before: Account, after: Account) -> dict[str, tuple[object, object]]:
    """The tables that are not as they were."""
    return {name: (before[name], found) for name, found in after.items() if before[name] != found}


@dataclass(repr=False)
class World:
    """What a fuzzing test plays with. `token` reaches everything of `me`; `hostile` are tokens that reach nothing."""

    app: Flask
    ledger: Ledger
    time: FrozenClock
    application_id: UUID
    client_pk: UUID
    me: UUID
    other: UUID
    third: UUID
    token: str = ""
    other_token: str = ""
    hostile: dict[str, str] = field(default_factory=dict)
    _calls: count = field(default_factory=count)  # type: ignore[type-arg]

    def __post_init__(self) -> None:
        self.http = self.app.test_client()
        self.token, _ = self._grant(self.me)
        self.other_token, _ = self._grant(self.other)
        paused, grant_id = self._grant(self.third)
        with transaction(patient_id=self.third):
            lifecycle.pause_consent(patient_id=self.third, grant_id=grant_id, by=acting_as(self.third))
        self.hostile = {"of a paused consent": paused, "unknown": opaque(), "unreadable": "é, \u2029"}

    @property
    def patient_reference(self) -> str:
        return crypto.pairwise_id(self.application_id, self.me)

    @cached_property
    def matricule(self) -> str:
        with transaction(patient_id=self.me):
            known = identity.find_ins(self.me)
        assert known
        return known.matricule

    @property
    def other_reference(self) -> str:
        return crypto.pairwise_id(self.application_id, self.other)

    def environment(self) -> dict[str, str]:
        """Each call a second after the last one and from another address: no limit of rate comes in the way."""
        number = next(self._calls)
        self.time.move(seconds=1)
        return {"REMOTE_ADDR": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}

    def call(
        self, method: str, path: str, *, token: str | None = None, body: Any = None, **headers: str
    ) -> TestResponse:
        """A call of the FHIR API."""
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        given = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/fhir+json", **headers}
        return self.http.open(
            f"/fhir/{path}".rstrip("/"), method=method, data=data, headers=given, environ_base=self.environment()
        )

    def app_token(self) -> str:
        """A token of the app itself (`ens:app`), which reaches no patient."""
        return self._keep_token(scope="ens:app", assurance="")

    def _grant(self, patient: UUID) -> tuple[str, UUID]:
        """A consent of this patient over every category of the record, and a token of it."""
        items = [
            PermissionItem(category.code, access, ALWAYS, CONTINUOUS)
            for category in _record()
            for access in sorted(category.accesses)
        ]
        terms = granting.Terms(
            self.application_id,
            self.client_pk,
            "production",
            "Balance+",
            "Pesée Claire",
            Purpose.PREVENTION,
            items,
            months_after(clock.today(), 11),
            {},
        )
        with transaction(patient_id=patient):
            grant_id = granting.grant(patient_id=patient, terms=terms, by=acting_as(patient)).id
        token = self._keep_token(
            patient_id=patient, grant_id=grant_id, scope="", assurance="eidas3", signed_in_at=clock.now()
        )
        return token, grant_id

    def _keep_token(self, **known: object) -> str:
        token, now = opaque(), clock.now()
        with transaction():
            db.session.add(
                Token(
                    kind="access",
                    token_hash=crypto.hash_token(token),
                    client_pk=self.client_pk,
                    family_id=uuid7(),
                    issued_at=now,
                    expires_at=now + timedelta(days=200),
                    **known,
                )
            )
        return token


def _record() -> Sequence[Any]:
    return [one for one in registry.all() if one.code.startswith(FAMILIES)]
