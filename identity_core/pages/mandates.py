"""Pages of mandates: the patient proposes, confirms and takes back; the helper accepts, declines and lays down."""

from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from identity_core import queries
from identity_core.queries import RepresentationView
from identity_core.rules import MANDATE_MONTHS, Mandate, Power, RepresentationKind, months_after
from identity_core.service import mandates
from identity_core.sessions import citizen_or_helper, current_actor, current_patient, myself, patient_required
from platform_core import clock
from platform_core.categories import registry
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, Fault, Invalid, NotFound
from platform_core.french import day_in_words
from platform_core.web import rate_limit

blueprint = Blueprint("mandates", __name__, template_folder="../templates")

_PATH = "/espace/parametres/aidants"
_MINE = "/espace/agir-pour"


@blueprint.get(_PATH)
@patient_required
def list_helpers() -> str:
    """Who represents the patient, who helps them and within which limits, who did."""
    patient = current_patient()
    with transaction(patient_id=patient.id):
        found = queries.list_representations(patient.id)
    return render_template(
        "identity/helpers.html",
        patient=patient,
        me=current_actor(),
        legal=[one for one in found if not one.is_mandate and one.is_active],
        mandates=[one for one in found if one.is_mandate and (one.is_active or one.is_waiting)],
        past=[one for one in found if not one.is_active and not one.is_waiting],
        words=Words(),
    )


@blueprint.get(f"{_PATH}/nouveau")
@patient_required
def show_proposal() -> str:
    return _proposal_page()


@blueprint.post(f"{_PATH}/nouveau")
@rate_limit("10 per minute")
@patient_required
def propose() -> Response | tuple[str, int]:
    patient = current_patient()
    try:
        with transaction(patient_id=patient.id):
            mandates.give_mandate(
                patient_id=patient.id, email=request.form.get("email", ""), mandate=_read_mandate(), by=current_actor()
            )
    except (Invalid, Conflict) as error:
        return _proposal_page(error), 422
    flash(gettext("Invitation envoyée. Vous confirmerez le mandat quand la personne l’aura accepté."), "success")
    return redirect(url_for(".list_helpers"), 303)


@blueprint.post(f"{_PATH}/<uuid:representation_id>/confirmation")
@patient_required
def confirm(representation_id: UUID) -> Response:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        mandates.confirm_mandate(patient_id=patient.id, representation_id=representation_id, by=current_actor())
    flash(gettext("Le mandat est en vigueur. Vous pouvez y mettre fin à tout moment."), "success")
    return redirect(url_for(".list_helpers"), 303)


@blueprint.post(f"{_PATH}/<uuid:representation_id>/revocation")
@patient_required
def revoke(representation_id: UUID) -> Response:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        mandates.revoke_mandate(patient_id=patient.id, representation_id=representation_id, by=current_actor())
    flash(gettext("Le mandat a pris fin : cette personne n’accède plus à rien."), "success")
    return redirect(url_for(".list_helpers"), 303)


@blueprint.post(f"{_MINE}/<uuid:representation_id>/acceptation")
@citizen_or_helper
def accept(representation_id: UUID) -> Response:
    with transaction(patient_id=_patient_of(representation_id)):
        mandates.accept_mandate(representation_id=representation_id, by=myself())
    flash(gettext("Mandat accepté. Il vaudra quand la personne aura confirmé que c’est bien vous."), "success")
    return redirect(url_for("identity.show_acting_for"), 303)


@blueprint.post(f"{_MINE}/<uuid:representation_id>/refus")
@citizen_or_helper
def refuse(representation_id: UUID) -> Response:
    with transaction(patient_id=_patient_of(representation_id)):
        mandates.refuse_mandate(representation_id=representation_id, by=myself())
    flash(gettext("Mandat refusé."), "success")
    return redirect(url_for("identity.show_acting_for"), 303)


@blueprint.post(f"{_MINE}/<uuid:representation_id>/fin")
@citizen_or_helper
def leave(representation_id: UUID) -> Response:
    with transaction(patient_id=_patient_of(representation_id)):
        mandates.leave_mandate(representation_id=representation_id, by=myself())
    flash(gettext("Vous n’êtes plus aidant de cette personne."), "success")
    return redirect(url_for("identity.show_acting_for"), 303)


class Words:
    """Kinds, states, powers and families of data in the words of the pages."""

    @staticmethod
    def kind(kind: RepresentationKind) -> str:
        return {
            RepresentationKind.PARENTAL_AUTHORITY: gettext("Autorité parentale"),
            RepresentationKind.GUARDIANSHIP: gettext("Tutelle"),
            RepresentationKind.MANDATE: gettext("Mandat d’aidant"),
        }[kind]

    @staticmethod
    def state(state: str) -> str:
        return {
            "invited": gettext("Invitation envoyée"),
            "accepted": gettext("À confirmer"),
            "active": gettext("En vigueur"),
            "refused": gettext("Refusé"),
            "revoked": gettext("Retiré"),
            "expired": gettext("Arrivé à son terme"),
            "ended": gettext("Terminé"),
        }[state]

    @staticmethod
    def power(power: Power) -> str:
        return {
            Power.RECORD: gettext("Consulter le dossier"),
            Power.APPOINTMENTS: gettext("Gérer les rendez-vous"),
            Power.PERMISSIONS: gettext("Gérer les autorisations des applications"),
        }[power]

    def powers(self, mandate: RepresentationView) -> str:
        """What a mandate allows, in one line, in the order of the form."""
        return ", ".join(self.power(power) for power in Power if power in mandate.powers)

    @staticmethod
    def excluded(mandate: RepresentationView) -> str:
        """The families that it leaves out, in one line."""
        return ", ".join(family.label_fr for family in registry.families() if family.code in mandate.excluded)


def load_panel(*, patient_id: UUID, by: object) -> dict[str, object] | None:
    """What a helper finds at home instead of the record: what the mandate allows, and until when."""
    acting = queries.find_acting(person_id=myself().id, patient_id=patient_id)  # type: ignore[arg-type]
    return {"mandate": acting, "words": Words()} if acting else None


def _read_mandate() -> Mandate:
    """The limits in the form. Raises `Invalid` on what no page offers."""
    try:
        powers = frozenset(Power(power) for power in request.form.getlist("powers"))
        until = date.fromisoformat(request.form.get("until", ""))
    except ValueError:
        raise Invalid("Choose among the answers.", code="invalid-mandate", faults=[Fault("until", "unread")]) from None
    return Mandate(powers, frozenset(request.form.getlist("excluded")), until)


def _proposal_page(error: DomainError | None = None) -> str:
    form, words = request.form, Words()
    hints = {
        Power.RECORD: gettext("Lire vos données de santé, sans rien y changer."),
        Power.APPOINTMENTS: gettext("Voir, prendre et annuler vos rendez-vous."),
        Power.PERMISSIONS: gettext(
            "Autoriser, mettre en pause et révoquer. Va avec la consultation : une application autorisée montre ce "
            "qu’elle lit."
        ),
    }
    return render_template(
        "identity/proposal.html",
        form=form,
        powers=[{"value": power, "label": words.power(power), "hint": hints[power]} for power in Power],
        families=[{"value": family.code, "label": family.label_fr} for family in registry.families()],
        ends=[(end.isoformat(), _duration(months, end)) for months, end in _ends()],
        errors=_said(error),
    )


def _ends() -> list[tuple[int, date]]:
    return [(months, months_after(clock.today(), months)) for months in MANDATE_MONTHS]


def _duration(months: int, end: date) -> str:
    day = day_in_words(end)
    return ngettext("%(num)s mois, jusqu’au %(day)s", "%(num)s mois, jusqu’au %(day)s", months, day=day)


def _said(error: DomainError | None) -> dict[str, str]:
    """The error in French, by field of the form."""
    if error is None:
        return {}
    words = {
        "email": gettext("Donnez l’adresse électronique de votre aidant, et non la vôtre."),
        "powers": gettext("Cochez au moins un droit ; gérer les autorisations va avec la consultation du dossier."),
        "excluded": gettext("Choisissez parmi les familles proposées."),
        "until": gettext("Choisissez une des durées proposées."),
        "": gettext("Vous avez donné autant de mandats qu’il est possible : retirez-en un d’abord."),
    }
    return {where: words[where] for where in dict.fromkeys(fault.where for fault in error.faults)} or {"": words[""]}


def _patient_of(representation_id: UUID) -> UUID:
    """The patient of a mandate, to whom the transaction is bound; the service then checks whose answer it is."""
    with transaction():
        found = queries.find_representation(representation_id)
    if found is None:
        raise NotFound("This mandate does not exist.")
    return found.patient_id
