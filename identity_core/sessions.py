"""Who is signed in, in Flask: guards of the pages, the present actor, the sign-ins of a browser.

One browser may hold three sign-ins at once: as a citizen, as a professional, as an agent. The guard of a page chooses
the one that counts and makes its actor the present one.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import abort, g, redirect, request, session, url_for

from identity_core import queries
from identity_core.errors import NoSpace, OutsideMandate
from identity_core.events import SignedOut
from identity_core.models import LONGEST
from identity_core.rules import PUBLISHING, TOKEN_PREFIX, Power, Role, reaches
from identity_core.service import tokens
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.callers import Caller
from platform_core.database import transaction
from platform_core.errors import Conflict, Forbidden, Unauthenticated, Unavailable
from platform_core.events import publish
from platform_core.ids import opaque
from platform_core.navigation import Area
from platform_core.web import View, guard

SIGN_IN_PATHS = {
    Area.PATIENT: "/connexion",
    Area.PROFESSIONAL: "/connexion/pro",
    Area.PUBLISHER: "/connexion/editeur",
    Area.REVIEWER: "/connexion/instruction",
}


class Slot(StrEnum):
    """The three sign-ins that one browser can hold, named like the providers they come from."""

    CITIZEN = "citizen"
    PRO = "pro"
    AGENT = "agent"


SLOT_OF = {
    Area.PATIENT: Slot.CITIZEN,
    Area.PROFESSIONAL: Slot.PRO,
    Area.PUBLISHER: Slot.AGENT,
    Area.REVIEWER: Slot.AGENT,
}


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in of a browser. `id` names the person, professional or agent.

    `patient_id` is a citizen's own record and `acting_for` the record of somebody they represent and look at now.
    `id_token` is the provider's, sealed, to sign out there; `session_id` names this sign-in until it ends,
    `proven_at` is when the provider last had the person prove who they are, `amr` by what means.
    """

    id: UUID
    name: str
    acr: str
    signed_in_at: datetime
    id_token: str = ""
    patient_id: UUID | None = None
    acting_for: UUID | None = None
    session_id: UUID | None = None
    proven_at: datetime | None = None
    amr: str = ""

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "SignIn":
        """Read back what `to_json` wrote."""
        named = ("id", "patient_id", "acting_for", "session_id")
        uuid = {key: UUID(value[key]) if value.get(key) else None for key in named}
        time = {key: datetime.fromisoformat(value[key]) for key in ("signed_in_at", "proven_at") if value.get(key)}
        return cls(**{**value, **uuid, **time})

    @property
    def auth_time(self) -> datetime:
        """When the person proved who they are (OpenID Connect Core §2)."""
        return self.proven_at or self.signed_in_at

    def to_json(self) -> dict[str, Any]:
        """Strings and nulls, as the session stores them."""
        return {key: str(item) if item is not None else None for key, item in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Present:
    """What the guard of a page found: the sign-in, its actor, the patient whose record is looked at.

    `acting` is what lets the person act for that patient, when it is not themself; `switches` says that there are
    other records which they may look at.
    """

    sign_in: SignIn
    actor: Actor
    patient: queries.PatientView | None = None
    acting: queries.RepresentationView | None = None
    switches: bool = False

    @property
    def patient_name(self) -> str:
        return self.patient.display_name if self.patient else ""


def find_sign_in(slot: Slot) -> SignIn | None:
    """The sign-in of this browser in a slot, unless it is older than twelve hours.

    Raises `Unavailable` when the session could not be read: nobody is taken for signed out by mistake.
    """
    stored = session.get(f"sign_in.{slot}")
    if getattr(session, "broken", False):
        raise Unavailable("The database is away. Try again in a few seconds.")
    if stored is None:
        return None
    sign_in = SignIn.from_json(stored)
    return sign_in if sign_in.signed_in_at + LONGEST > clock.now() else None


def remember_sign_in(slot: Slot, sign_in: SignIn) -> None:
    """Put a sign-in in its slot under a new session cookie, so that a cookie known before is worth nothing."""
    session[f"sign_in.{slot}"] = sign_in.to_json()
    session.rotate()  # type: ignore[attr-defined]


def forget_sign_in(slot: Slot) -> None:
    """Empty a slot, and the whole session with the last one; the cookie changes too."""
    session.pop(f"sign_in.{slot}", None)
    if not any(find_sign_in(other) for other in Slot):
        session.clear()
    session.rotate()  # type: ignore[attr-defined]


def end_sign_in(slot: Slot) -> SignIn | None:
    """Sign out of a slot and tell those who follow that sign-in; returns it."""
    left = find_sign_in(slot)
    forget_sign_in(slot)
    if left and left.session_id:
        with transaction():
            publish(SignedOut(left.session_id))
    return left


def act_for(patient_id: UUID | None) -> None:
    """Look at the record of somebody represented, or back at one's own (None). The guards check it at each page."""
    sign_in = find_sign_in(Slot.CITIZEN)
    if sign_in is None:
        raise Unauthenticated("Signed out.", code="signed-out")
    session[f"sign_in.{Slot.CITIZEN}"] = replace(sign_in, acting_for=patient_id).to_json()


def current_actor() -> Actor:
    """Who performs the present request, as its guard found."""
    return _present().actor


def current_patient_id() -> UUID:
    """The record that the present page is about."""
    return current_patient().id


def current_patient() -> queries.PatientView:
    """Whose record the present page is about."""
    patient = _present().patient
    if patient is None:
        raise RuntimeError("This page is not one of a patient.")
    return patient


def current_representation() -> queries.RepresentationView | None:
    """What lets the present person act for the patient of the page; None when it is their own record."""
    return _present().acting


def myself() -> Actor:
    """The person signed in as they act for themself, whatever record they look at."""
    me = _present().sign_in
    return Actor(ActorKind.PATIENT, me.id, me.name, assurance=me.acr)


def current_organisation_id() -> UUID:
    """The organisation that the agent of the present page acts for."""
    organisation_id = _present().actor.organisation_id
    if organisation_id is None:
        raise RuntimeError("This page is not one of a member of an organisation.")
    return organisation_id


def current_sign_in() -> SignIn:
    """The sign-in that the guard of the page found."""
    return _present().sign_in


def signed_in_at() -> datetime:
    """When the present actor signed in (the `auth_time` of OpenID Connect)."""
    return _present().sign_in.signed_in_at


def browser_key() -> str:
    """An opaque name of this browser session, which survives signing in and out."""
    if "browser_key" not in session:
        session["browser_key"] = opaque()
    key: str = session["browser_key"]
    return key


def sign_in_url(area: Area | str, next_path: str, *, acr: str | None = None, again: bool = False) -> str:
    """Where to sign in for an area, coming back to a local path, which checks the level and the time that it needs.

    `acr` asks for a stronger level than usual; `again` that the person prove anew who they are.
    """
    asked = {"suite": next_path, **({"niveau": acr} if acr else {}), **({"de-nouveau": "oui"} if again else {})}
    return f"{SIGN_IN_PATHS[Area(area)]}?{urlencode(asked)}"


def find_proof_url(next_path: str, *, acr: str, within: timedelta) -> str | None:
    """Where the present person proves anew who they are, at that level, before an act that asks for it; None when they
    did so within that time. The path that they come back to, by a GET, checks again."""
    proven = current_sign_in()
    if reaches(proven.acr, acr) and proven.auth_time + within >= clock.now():
        return None
    return sign_in_url(Area.PATIENT, next_path, acr=acr, again=True)


def _present() -> Present:
    if "present" not in g:
        raise RuntimeError("The guard of this view signs nobody in.")
    present: Present = g.present
    return present


def _require_sign_in(area: Area) -> SignIn:
    sign_in = find_sign_in(SLOT_OF[area])
    if sign_in is None:
        if request.method in {"GET", "HEAD"}:
            abort(redirect(sign_in_url(area, request.full_path.rstrip("?")), 303))
        raise Unauthenticated("Your session has ended: sign in again.", code="signed-out")
    return sign_in


def _require_citizen(helpers: frozenset[Power] = frozenset(), families: Collection[str] = ()) -> None:
    """Sign the citizen in on the record they look at, whatever the state of its space.

    Once a representation is over they are back at their own record, and what they were doing to the other is refused.
    A helper passes with one of the powers of `helpers`, unless the mandate leaves one of these families out.
    """
    sign_in = _require_sign_in(Area.PATIENT)
    with transaction():
        open_to = queries.list_acting(sign_in.id)
        acting = next((one for one in open_to if one.patient_id == sign_in.acting_for), None)
        patient = queries.get_patient(acting.patient_id if acting else sign_in.patient_id)  # type: ignore[arg-type]
    if sign_in.acting_for and not acting:
        act_for(None)
        if request.method not in {"GET", "HEAD"}:
            raise Forbidden("You no longer represent this person.", code="representation-ended")
    if request.form.get("dossier", str(patient.id)) != str(patient.id):
        # Another tab has turned to another record since this form was shown.
        raise Conflict("This form was about another record than the one looked at now.", code="other-record")
    g.present = Present(sign_in, _citizen(sign_in, acting), patient, acting, bool(open_to))
    if acting and acting.is_mandate:
        _check_mandate(acting, helpers, families)


def _citizen(sign_in: SignIn, acting: queries.RepresentationView | None) -> Actor:
    if acting is None:
        return Actor(ActorKind.PATIENT, sign_in.id, sign_in.name, assurance=sign_in.acr)
    return Actor(
        ActorKind.HELPER if acting.is_mandate else ActorKind.REPRESENTATIVE,
        sign_in.id,
        sign_in.name,
        on_behalf_of=acting.patient_id,
        roles=frozenset(acting.powers),
        assurance=sign_in.acr,
        excluded=acting.excluded,
    )


def _check_mandate(acting: queries.RepresentationView, helpers: frozenset[Power], families: Collection[str]) -> None:
    if not acting.powers & helpers:
        raise OutsideMandate("Your mandate does not allow this: the person may give another one.")
    if not acting.excluded.isdisjoint(families):
        raise OutsideMandate("Your mandate leaves this family of data out.")


def _require_patient(helpers: frozenset[Power] = frozenset(), families: Collection[str] = ()) -> None:
    _require_citizen(helpers, families)
    if current_patient().is_open:
        return
    if request.method in {"GET", "HEAD"}:
        abort(redirect(url_for("identity.show_opening", suite=request.full_path.rstrip("?")), 303))
    raise NoSpace("This space is not open.")


def _require_professional() -> None:
    sign_in = _require_sign_in(Area.PROFESSIONAL)
    actor = Actor(ActorKind.PROFESSIONAL, sign_in.id, sign_in.name, assurance=sign_in.acr)
    g.present = Present(sign_in, actor)


def _require_agent(roles: frozenset[Role]) -> None:
    publishes = bool(roles & PUBLISHING)
    sign_in = _require_sign_in(Area.PUBLISHER if publishes else Area.REVIEWER)
    with transaction():
        memberships = queries.list_memberships(sign_in.id)
    member = _chosen([m for m in memberships if m.roles & (PUBLISHING if publishes else roles)])
    passing = _readers(roles) if request.method in {"GET", "HEAD"} else roles
    if member is None or not member.roles & passing:
        raise Forbidden("Your account does not have the role that this page asks for.", code="role-missing")
    g.present = Present(sign_in, _agent(sign_in, organisation_id=member.organisation_id, roles=member.roles))


def _chosen(memberships: Sequence[queries.Membership]) -> queries.Membership | None:
    """The membership in force: that of the organisation the agent turned to, else the oldest."""
    wanted = session.get("organisation")
    chosen = (m for m in memberships if str(m.organisation_id) == wanted)
    return next(chosen, memberships[0] if memberships else None)


def act_for_organisation(organisation_id: UUID) -> None:
    """Turn to another organisation of the agent. The guards check that they belong to it at each page."""
    session["organisation"] = str(organisation_id)


def _require_agent_alone() -> None:
    sign_in = _require_sign_in(Area.PUBLISHER)
    g.present = Present(sign_in, _agent(sign_in))


def _agent(sign_in: SignIn, **membership: Any) -> Actor:
    return Actor(ActorKind.AGENT, sign_in.id, sign_in.name, assurance=sign_in.acr, **membership)


def verify_publisher(authorization: str) -> Caller | None:
    """Who calls with a personal access token; None for another kind of token. Raises `Unauthenticated`."""
    scheme, _, token = authorization.partition(" ")
    if scheme.casefold() != "bearer" or not token.startswith(TOKEN_PREFIX):
        return None
    with transaction():
        return tokens.verify_token(token)


patient_required = guard("patient", _require_patient)
"""The page is one of an open space: of the citizen signed in, or of the patient whom the law charges them with.

A helper does not pass: what a mandate may allow says `helper_allowed`.
"""

citizen_required = guard("citizen", _require_citizen)
"""The page is for a citizen signed in, whether the space is open or not, and not for a helper."""

EVERY_HELPER = frozenset(Power)

citizen_or_helper = guard("citizen or helper", partial(_require_citizen, EVERY_HELPER))
"""The page is for every citizen signed in, whatever record they look at."""


def helper_allowed(*powers: Power, families: Collection[str] = ()) -> Callable[[View], View]:
    """The page is one of an open space, also for a helper whose mandate gives one of these powers (any, when none is
    named) and leaves none of these families of data out."""
    needed = frozenset(powers) or EVERY_HELPER
    declare = guard(f"patient or helper: {', '.join(sorted(needed))}", partial(_require_patient, needed, families))

    def decorate(view: View) -> View:
        guarded = declare(view)
        guarded.__powers__ = needed  # type: ignore[attr-defined]
        guarded.__families__ = families  # type: ignore[attr-defined]
        return guarded

    return decorate


professional_required = guard("professional", _require_professional)
"""The page is for a professional signed in."""


any_agent_required = guard("agent", _require_agent_alone)
"""The page is for an agent signed in, whether they belong to an organisation or not."""


permissions_required = helper_allowed(Power.PERMISSIONS)
"""The page is one of an open space where apps are authorised, also for a helper who may do that."""


def agent_required(*roles: str) -> Callable[[View], View]:
    """The page is for an agent who has one of these roles (`publisher`, `reviewer`, `decider`, `commission`).

    What publishers may write, viewers may read: `__roles__`, which menus look at, holds who may read.
    """
    wanted = frozenset(Role(role) for role in roles)
    declare = guard(f"agent: {', '.join(sorted(wanted))}", partial(_require_agent, wanted))

    def decorate(view: View) -> View:
        guarded = declare(view)
        guarded.__roles__ = _readers(wanted)  # type: ignore[attr-defined]
        return guarded

    return decorate


def _readers(roles: frozenset[Role]) -> frozenset[Role]:
    return roles | {Role.VIEWER} if Role.PUBLISHER in roles else roles
