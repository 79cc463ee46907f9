"""The guard of every data call: token, proof, listing, consent, window, journal, in the order of the design.

It alone joins what oauth, consent and store know; the data cores see a permit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from flask import Response, after_this_request, g, request

from consent.rules import windows
from consent.rules.calendar import paris_day
from consent.rules.cascade import ends_consents
from consent.rules.decision import check_live, consent_ended, decide
from consent.rules.facts import ConsentFacts, read_items
from consent.service.windows import open_windows
from consent.workflow import Status
from oauth.errors import InvalidProof, OAuthRefusal
from oauth.rules import assurance
from oauth.rules.clients import ClientStatus, Environment
from oauth.rules.proofs import Proof
from oauth.rules.scopes import reaches
from oauth.rules.tokens import TokenKind, check_token, needs_proof, read_authorization, refused
from oauth.service import access as oauth_access
from oauth.service import replays
from platform_app.software import SoftwareCall
from platform_core import clock, config, crypto
from platform_core.access import ALWAYS, Access, Actor, ActorKind, DatePeriod, Interaction, Permit, plug_guard
from platform_core.categories import registry
from platform_core.database import run_first, transaction
from platform_core.errors import DomainError, Forbidden, TooManyRequests, Unauthenticated, Unavailable
from platform_core.journal import service as journal
from platform_core.web import client_certificate, request_id
from store.workflow import ListingState

_AUTHORIZE = "SELECT * FROM ens_authorize(%(token_hash)s, %(now)s)"
_AUTHORIZE_ONCE = """
WITH recorded AS (
    INSERT INTO oauth_replay (slot, value_hash)
    SELECT * FROM unnest(%(slots)s::smallint[], %(hashes)s::bytea[])
     WHERE EXISTS (SELECT FROM oauth_token WHERE token_hash = %(token_hash)s AND jkt = %(jkt)s)
    ON CONFLICT DO NOTHING RETURNING slot)
SELECT found.*, (SELECT count(*) FROM recorded) AS recorded FROM ens_authorize(%(token_hash)s, %(now)s) AS found
"""
"""The same with the proof of the call, which is recorded when it was made by the key of that token."""
_READING = {"read", "search"}
_MOST_NAMED = 10


def init_guard() -> None:
    """Plug the guard into the port that the data cores use."""
    plug_guard(guarded_call)


@contextmanager
def guarded_call(interaction: Interaction) -> Iterator["Call | SoftwareCall"]:
    """Authorise the present HTTP request as a data call; see `platform_core.access.data_call`."""
    g.data_call_opened = True
    attempt = _Attempt(interaction)
    try:
        with transaction(bind=False):
            call = attempt.authorise()
            yield call
            attempt.journal_served(call)
    except Unavailable:
        raise
    except DomainError as error:
        attempt.reword(error)
        attempt.journal_refused(error)
        raise


@dataclass(slots=True)
class Call:
    """A data call in progress (`platform_core.access.DataCall`)."""

    actor: Actor
    patient_id: UUID
    app_id: UUID
    client_id: str
    facts: ConsentFacts
    now: datetime
    excluded: frozenset[UUID] = frozenset()
    is_sure: bool = False
    access: str = ""
    categories: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)

    @property
    def patient_reference(self) -> str:
        return crypto.pairwise_id(self.app_id, self.patient_id)

    @property
    def grant_id(self) -> UUID:
        return self.facts.id

    @property
    def caller(self) -> str:
        return f"{self.client_id}:{self.facts.id}"

    def require(
        self,
        categories: Iterable[str],
        access: Access,
        *,
        period: DatePeriod = ALWAYS,
        narrow: bool = False,
    ) -> Permit:
        """Decide, then open the windows that the decision needs, all or none."""
        self.access = access
        self.categories.update(categories)
        try:
            decided = decide(self.facts, self.categories, access, now=self.now, period=period, narrow=narrow)
            self._check_assurance(decided.categories)
            if decided.to_open:
                open_windows(facts=self.facts, categories=decided.to_open, access=access, now=self.now)
        except DomainError as refusal:
            self._announce_quota(access, set(), spent=isinstance(refusal, TooManyRequests))
            raise
        self.categories = set(decided.categories)
        self._announce_quota(access, set(decided.to_open))
        return Permit(
            actor=self.actor,
            patient_id=self.patient_id,
            patient_reference=self.patient_reference,
            categories=decided.categories,
            source=f"urn:oid:2.25.{self.app_id.int}",
            author_id=self.app_id,
            app_id=self.app_id,
            client_id=self.client_id,
            grant_id=self.facts.id,
            excluded=self.excluded,
        )

    def _check_assurance(self, categories: Iterable[str]) -> None:
        """Sensitive categories ask for a strong and recent proof of identity. Raises `Unauthenticated` (RFC 9470)."""
        if not self.is_sure and any((known := registry.find(code)) and known.sensitive for code in categories):
            raise assurance.insufficient()

    def turn_to(self, patient_id: UUID) -> str:
        """The token says whose record it is. Raises `Forbidden`."""
        raise Forbidden("Only professionals' software searches patients.", code="patient-mismatch")

    def served(self, counts: Mapping[str, int], ids: Sequence[str] = ()) -> None:
        for category, count in counts.items():
            self.counts[category] = self.counts.get(category, 0) + count
        self.ids.extend(ids[: _MOST_NAMED + 1])

    def _announce_quota(self, access: Access, opened: set[str], *, spent: bool = False) -> None:
        """`ENS-Sync-Remaining` and `ENS-Sync-Reset` (seconds) of the scarcest periodic item of the call, served or not.

        `spent`: parallel calls may have taken what these facts still show.
        """
        items = [item for category in self.categories if (item := self.facts.items.get((category, access)))]
        left = [
            (count - (item.category in opened), item)
            for item in items
            if (count := windows.remaining(item, self.now)) is not None
        ]
        if not left:
            return
        fewest, item = min(left, key=lambda pair: pair[0])
        reset = windows.reset_at(item, self.now)

        @after_this_request
        def announce(response: Response) -> Response:
            response.headers["ENS-Sync-Remaining"] = "0" if spent else str(fewest)
            if reset:
                response.headers["ENS-Sync-Reset"] = str(ceil((reset - self.now).total_seconds()))
            return response


class _Attempt:
    """One request: what is known of its author grows with each check, so that a refusal can be attributed."""

    def __init__(self, interaction: Interaction) -> None:
        self.interaction = interaction
        self.now = clock.now()
        self.clock_offset = timedelta()
        self.token = ""
        self.row: Any = None
        self.places = 0
        self.proof: Proof | None = None
        self.call: Call | SoftwareCall | None = None

    def authorise(self) -> Call | SoftwareCall:
        """The checks of the design up to the live consent. Raises `Unauthenticated` or `Forbidden`.

        `ens_authorize` also binds row-level security to the token's patient: a refusal rolls that back.
        """
        presented = read_authorization(request.headers.get("Authorization"))
        self.token = presented.token
        shown = self._examine_proof() if presented.is_bound else None
        row = self._find(shown)
        if row is None or row.token_kind != TokenKind.ACCESS or not (row.patient_id or row.professional_id):
            raise refused(presented, "The access token is not known.")
        self.row, self.clock_offset = row, row.clock_offset
        dead_at = row.token_revoked_at
        certificate = oauth_access.shown_certificate(client_certificate())
        check_token(
            presented,
            jkt=row.jkt,
            dead_at=dead_at,
            expires_at=row.token_expires_at,
            now=self.now,
            certificate=certificate,
        )
        if shown is not None:
            self.proof = self._require_proof(shown)
        _check_client(row)
        if row.professional_id:
            self.call = SoftwareCall.of(row, self.interaction)
            self.call.check(row.structure_state)
            return self.call
        now = self.now + self.clock_offset
        with self._unless_about_consent():
            _check_listing(row, now)
        facts = _facts(row)
        with self._unless_about_consent():
            check_live(facts, now)
        facts = _within(row.scope, facts)
        self.call = Call(
            self._actor(),
            row.patient_id,
            row.consent_app_id,
            row.client_id,
            facts,
            now,
            excluded=frozenset(row.excluded or ()),
            is_sure=assurance.is_sure(acr=row.assurance, proven_at=row.signed_in_at, now=self.now),
        )
        return self.call

    @property
    def _is_about_consent(self) -> bool:
        """An app reads the consent itself, which is no health data: paused or suspended, and in no journal."""
        return self.interaction.resource == "Consent"

    def _unless_about_consent(self) -> AbstractContextManager[None]:
        return suppress(Forbidden) if self._is_about_consent else nullcontext()

    def _find(self, shown: Proof | InvalidProof | None) -> Any:
        """The row of the token, None when it is unknown. A proof that can be read is recorded by the same statement."""
        parameters = {"token_hash": crypto.hash_token(self.token), "now": self.now}
        if not isinstance(shown, Proof):
            return next(iter(run_first(_AUTHORIZE, parameters)), None)
        written = replays.places([oauth_access.seen_once(shown)])
        self.places = len(written["slots"])
        return next(iter(run_first(_AUTHORIZE_ONCE, {**parameters, **written, "jkt": shown.jkt})), None)

    def _examine_proof(self) -> Proof | InvalidProof:
        return oauth_access.examine_proof(
            proofs=request.headers.getlist("DPoP"),
            method=request.method,
            url=config.current().base_url + request.path,
            access_token=self.token,
            now=self.now,
        )

    def _require_proof(self, shown: Proof | InvalidProof) -> Proof:
        """Raises `Unauthenticated`: the proof does not hold, is another key's, or was used before."""
        proof = oauth_access.require_proof(shown, expected_jkt=self.row.jkt, now=self.now)
        if self.row.recorded < self.places:
            raise oauth_access.replayed_proof()
        return proof

    def _actor(self) -> Actor:
        if isinstance(self.call, SoftwareCall):
            return self.call.actor
        return Actor(ActorKind.APPLICATION, self.row.consent_app_id, self.row.app_name)

    def reword(self, error: DomainError) -> None:
        """Say the refusal in the terms of the caller: the scheme of its token, and real time where a sandbox moved
        the clock of the consent."""
        if isinstance(error, Unauthenticated) and self.row is not None and needs_proof(self.row.jkt):
            error.scheme = "DPoP"
        if isinstance(error, TooManyRequests) and error.retry_at:
            error.retry_at -= self.clock_offset

    @property
    def _patient_id(self) -> UUID | None:
        """The patient whose journal the call belongs to, as far as it is known."""
        patient_id: UUID | None = self.call.patient if isinstance(self.call, SoftwareCall) else self.row.patient_id
        return patient_id

    def journal_served(self, call: Call | SoftwareCall) -> None:
        if self._is_about_consent or self._patient_id is None:
            return
        named = [category for category, count in call.counts.items() if count] or call.categories
        quality = call.quality if isinstance(call, SoftwareCall) else ""
        entry = self._entry(journal.SERVED, sorted(named), sum(call.counts.values()), quality)
        journal.record(replace(entry, resources=_nameable(named, call.ids)))

    def journal_refused(self, error: DomainError) -> None:
        """One line in a transaction of its own. The proof is remembered there: a refused call cannot be replayed."""
        if self.row is None:
            return
        categories = sorted(self.call.categories) if self.call else []
        with transaction(patient_id=self._patient_id):
            if self.proof is not None:
                with suppress(OAuthRefusal):
                    replays.use_up([oauth_access.seen_once(self.proof)])
            if self._patient_id is None:
                return
            journal.record(self._entry(journal.REFUSED, categories, 0, _code(error)))

    def _access(self) -> str:
        """What was required; what the interaction would have required, when it was refused before."""
        required = self.call.access if self.call else ""
        return required or (Access.READ if self.interaction.name in _READING else Access.WRITE)

    def _entry(self, outcome: str, categories: list[str], count: int, code: str = "") -> journal.Entry:
        return journal.Entry(
            patient_id=self._patient_id,  # type: ignore[arg-type]
            actor=self._actor(),
            interaction=self.interaction.name,
            resource=self.interaction.resource,
            access=self._access(),
            outcome=outcome,
            request_id=request_id(),
            categories=categories,
            count=count,
            code=code,
            app_id=self.row.consent_app_id,
            grant_id=self.row.grant_id,
        )


def _nameable(categories: Iterable[str], ids: Sequence[str]) -> list[UUID] | None:
    """The resources of a call, when they are few and one of their categories can tell the patient what they are."""
    if not 0 < len(ids) <= _MOST_NAMED:
        return None
    known = (registry.find(category) for category in categories)
    return [UUID(one) for one in ids] if any(one and one.describe for one in known) else None


def _check_client(row: Any) -> None:
    if row.client_status != ClientStatus.ACTIVE:
        raise Forbidden("This client is disabled.", code="application-suspended")


def _check_listing(row: Any, now: datetime) -> None:
    """A production client needs a live listing, read at each call; a sandbox client needs none.

    The end of the referencing ends the consents of the app at once, whatever the task that records it has done.
    """
    if row.environment == Environment.SANDBOX:
        return
    if ends_consents(row.listing_state):
        raise consent_ended()
    expired = row.listing_expires_on is not None and paris_day(now) > row.listing_expires_on
    if row.listing_state != ListingState.LISTED or expired:
        raise Forbidden("The referencing of this app is suspended.", code="application-suspended")


def _facts(row: Any) -> ConsentFacts:
    if row.consent_status is None:
        raise consent_ended()
    return ConsentFacts(
        row.grant_id,
        row.patient_id,
        Status(row.consent_status),
        row.consent_valid_until,
        row.presence_until,
        read_items(row.items or ()),
    )


def _within(scope: str, facts: ConsentFacts) -> ConsentFacts:
    """The items that the scope of the token reaches: a refresh may have narrowed it (RFC 6749 §6)."""
    reached = [key for key in facts.items if reaches(scope, *key)]
    if len(reached) == len(facts.items):
        return facts
    return replace(facts, items={key: facts.items[key] for key in reached})


def _code(error: DomainError) -> str:
    if isinstance(error, Unauthenticated):
        return error.challenge.get("error_description", error.code)
    return error.code
