"""Pages: signing in and out, opening a space, acting for somebody."""

from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from identity_core import queries, sessions
from identity_core.errors import SignInFailed
from identity_core.gateway import openid
from identity_core.gateway.openid import SignedIn
from identity_core.pages.mandates import Words
from identity_core.rules import REGIONS, local_path
from identity_core.service import destruction, sign_in, spaces
from identity_core.sessions import (
    Slot,
    citizen_or_helper,
    citizen_required,
    current_actor,
    current_patient,
    patient_required,
)
from platform_core import clock, config, crypto
from platform_core.database import transaction
from platform_core.errors import Invalid, NotFound, Unavailable
from platform_core.ids import uuid7
from platform_core.navigation import Area, panels
from platform_core.web import public, rate_limit

blueprint = Blueprint("identity", __name__, template_folder="../templates")

HOMES = {Area.PATIENT: "/espace", Area.PROFESSIONAL: "/pro", Area.PUBLISHER: "/editeur", Area.REVIEWER: "/instruction"}
_CONTEXT = "identity:id-token"


def _sign_in_routes(area: Area) -> None:
    path, name = sessions.SIGN_IN_PATHS[area], area.value
    blueprint.add_url_rule(path, f"show_sign_in_{name}", _show_sign_in, defaults={"area": area})
    blueprint.add_url_rule(path, f"start_sign_in_{name}", _start_sign_in, methods=["POST"], defaults={"area": area})


@public("everybody may sign in")
def _show_sign_in(area: Area) -> str:
    return render_template("identity/sign_in.html", area_name=area.value, action=request.full_path.rstrip("?"))


@public("everybody may sign in")
@rate_limit("30 per minute")
def _start_sign_in(area: Area) -> Response:
    """Send the browser to the provider of the area, or say that it is away."""
    kind = sessions.SLOT_OF[area]
    next_path = local_path(request.args.get("suite", ""), HOMES[area])
    with transaction():
        attempt = sign_in.begin_sign_in(provider=kind, next_path=next_path, browser_key=sessions.browser_key())
    try:
        url = openid.provider(kind).authorization_url(
            kind=kind,
            state=attempt.state,
            nonce=attempt.nonce,
            verifier=attempt.verifier,
            redirect_uri=_callback(kind),
            acr=request.args.get("niveau", ""),
            again="de-nouveau" in request.args,
        )
    except Unavailable:
        return _failed(area, 503, next_path)
    return redirect(url, 303)


@blueprint.get("/connexion/retour/<any(citizen, pro, agent):kind>")
@public("an identity provider sends people back here")
@rate_limit("60 per minute")
def finish_sign_in(kind: str) -> Response:
    """Verify the provider's answer, know the person, and go where they wanted to."""
    slot, next_path = Slot(kind), ""
    try:
        with transaction():
            attempt = sign_in.take_sign_in(
                provider=kind, state=request.args.get("state", ""), browser_key=sessions.browser_key()
            )
        next_path = attempt.next_path
        signed_in = _redeem(kind, attempt)
        found = _identify(kind, signed_in)
    except SignInFailed:
        return _failed(_area_of(slot, next_path), 403, next_path)
    except Unavailable:
        return _failed(_area_of(slot, next_path), 503, next_path)
    sessions.remember_sign_in(
        slot,
        sessions.SignIn(
            id=found.id,
            name=found.name,
            acr=signed_in.acr,
            signed_in_at=clock.now(),
            id_token=crypto.seal(signed_in.id_token.encode(), _CONTEXT).hex(),
            patient_id=found.patient_id,
            session_id=uuid7(),
            proven_at=signed_in.proven_at,
            amr=signed_in.amr,
        ),
    )
    return redirect(next_path, 303)


@blueprint.post("/deconnexion")
@public("signing out needs no right")
def sign_out() -> Response:
    """Forget the sign-in of the area, here and at its provider."""
    area = request.form.get("area", Area.PATIENT)
    slot = sessions.SLOT_OF.get(Area(area), Slot.CITIZEN) if area in set(Area) else Slot.CITIZEN
    left = sessions.end_sign_in(slot)
    done = url_for("identity.show_signed_out")
    if left is None or not left.id_token:
        return redirect(done, 303)
    id_token = crypto.unseal(bytes.fromhex(left.id_token), _CONTEXT).decode()
    url = openid.provider(slot).sign_out_url(id_token=id_token, return_uri=config.current().base_url + done)
    return redirect(url or done, 303)


@blueprint.get("/deconnexion/faite")
@public("says that one is signed out")
def show_signed_out() -> str:
    return render_template("identity/signed_out.html")


@blueprint.get("/espace/ouverture")
@citizen_required
def show_opening() -> Response | str:
    """Explain why the space is not open, and let the person decide."""
    patient = current_patient()
    if patient.is_open:
        return redirect(local_path(request.args.get("suite", ""), HOMES[Area.PATIENT]), 303)
    asked = patient.destroys_on is not None and patient.destroys_on <= clock.today() + destruction.REGRET_LASTS
    return render_template("identity/opening.html", patient=patient, asked=asked, action=request.full_path.rstrip("?"))


@blueprint.post("/espace/ouverture")
@citizen_required
def decide_opening() -> Response:
    patient, by = current_patient(), current_actor()
    decide = {"ouvrir": spaces.open_space, "refuser": spaces.oppose_space}.get(request.form.get("decision", ""))
    if decide is None:
        raise Invalid("The decision must be to open or to refuse.", code="unknown-decision")
    with transaction(patient_id=patient.id):
        decide(patient_id=patient.id, by=by)
    suite = local_path(request.args.get("suite", ""), HOMES[Area.PATIENT])
    return redirect(suite if decide is spaces.open_space else url_for(".show_opening"), 303)


@blueprint.get("/espace/agir-pour")
@citizen_or_helper
def show_acting_for() -> str:
    """The records that the person may look at, and the mandates that were proposed to them."""
    me = sessions.current_sign_in()
    with transaction():
        acting = queries.list_acting(me.id)
        concerning = queries.list_mandates_of(me.id)
    words = Words()
    options = [{"value": me.patient_id, "label": gettext("Le mien")}]
    options += [{"value": one.patient_id, "label": one.patient_name, "hint": words.kind(one.kind)} for one in acting]
    return render_template(
        "identity/acting_for.html",
        options=options,
        mandates=[one for one in concerning if one.is_active or one.is_waiting],
        looked_at=current_patient().id,
        words=words,
    )


@blueprint.post("/espace/agir-pour")
@citizen_or_helper
def act_for() -> Response:
    me, wanted = sessions.current_sign_in(), _uuid(request.form.get("patient", ""))
    with transaction():
        if wanted != me.patient_id and not queries.find_acting(person_id=me.id, patient_id=wanted):
            raise NotFound("You do not represent this person.")
    sessions.act_for(None if wanted == me.patient_id else wanted)
    return redirect(HOMES[Area.PATIENT], 303)


@blueprint.get("/espace/parametres")
@patient_required
def show_settings() -> str:
    patient, by = current_patient(), current_actor()
    with transaction(patient_id=patient.id):
        ins = queries.find_ins(patient.id)
        shown = panels(Area.PATIENT, "settings", by=by, patient_id=patient.id)
        blocks = [Markup(render_template(name, **context)) for name, context in shown]  # noqa: S704 - our templates
    region = gettext(REGIONS[patient.region]) if patient.region else ""
    return render_template("identity/settings.html", patient=patient, ins=ins, region=region, blocks=blocks)


def _redeem(kind: str, attempt: sign_in.Attempt) -> SignedIn:
    """What the provider vouches for, from the answer in the address. RFC 9207: an `iss` must be the provider's."""
    provider = openid.provider(kind)
    if request.args.get("iss", provider.settings.issuer) != provider.settings.issuer:
        raise SignInFailed("The answer comes from another provider.")
    if "error" in request.args or "code" not in request.args:
        raise SignInFailed("The provider refused to sign in.")
    return provider.finish(
        kind=kind,
        code=request.args["code"],
        nonce=attempt.nonce,
        verifier=attempt.verifier,
        redirect_uri=_callback(kind),
    )


def _identify(kind: str, signed_in: SignedIn) -> sign_in.Identified:
    issuer = openid.provider(kind).issuer_key
    if kind == Slot.CITIZEN:
        traits = sign_in.read_traits(signed_in.claims)
        ins = sign_in.search_ins(traits)
        with transaction():
            return sign_in.sign_in_citizen(signed_in=signed_in, issuer=issuer, traits=traits, ins=ins)
    with transaction():
        if kind == Slot.PRO:
            return sign_in.sign_in_professional(signed_in=signed_in)
        return sign_in.sign_in_agent(signed_in=signed_in, issuer=issuer)


def _failed(area: Area, status: int, next_path: str) -> Response:
    """Say that nobody is signed in, and offer to try again with nothing lost."""
    retry = sessions.sign_in_url(area, next_path or HOMES[area])
    body = render_template("identity/sign_in_failed.html", retry=retry, away=status == 503)
    return make_response(body, status, {"Retry-After": "5"} if status == 503 else {})


def _area_of(slot: Slot, next_path: str) -> Area:
    """Where somebody was signing in; agents come from two areas, which the path they wanted tells apart."""
    if slot is Slot.AGENT and next_path.startswith(HOMES[Area.REVIEWER]):
        return Area.REVIEWER
    return next(area for area, of in sessions.SLOT_OF.items() if of is slot)


def _callback(kind: str) -> str:
    return config.current().base_url + url_for(".finish_sign_in", kind=kind)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("This is not an id.", code="invalid-id") from None


for _area in sessions.SIGN_IN_PATHS:
    _sign_in_routes(_area)
