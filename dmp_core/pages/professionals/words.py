"""What the pages of professionals say: professions, qualities, refusals."""

from datetime import datetime

from flask_babel import gettext

from dmp_core.queries.professionals import AgreementView
from dmp_core.rules.professionals.agreements import Mode
from dmp_core.rules.professionals.matrix import reach_of
from identity_core.queries import ProfessionalView
from platform_core.errors import DomainError
from platform_core.french import day_in_words, hour_in_words


def profession(one: ProfessionalView) -> str:
    """The profession of somebody, in a word."""
    return reach_of(one.profession).label or gettext("Professionnel de santé")


def mode(mode: Mode) -> str:
    """In what quality a professional comes."""
    return {
        Mode.TREATING_DOCTOR: gettext("Médecin traitant"),
        Mode.CARE_TEAM: gettext("Équipe de soins"),
        Mode.CODE: gettext("Code donné par la personne"),
        Mode.EMERGENCY: gettext("Urgence"),
    }[mode]


def until(agreement: AgreementView) -> str:
    """Until when an agreement holds."""
    end = agreement.ends_at
    if end is None:
        return gettext("jusqu’à ce que vous y mettiez fin")
    if agreement.mode is Mode.CARE_TEAM:
        return gettext("jusqu’au %(day)s inclus", day=_last_day(end))
    return gettext("jusqu’au %(day)s à %(hour)s", day=day_in_words(end), hour=hour_in_words(end))


def opposition() -> dict[str, str]:
    """What a professional is told whom the patient keeps out, of everything or in an emergency: the same words."""
    return {"": gettext("Cette personne s’oppose à cette consultation, même en urgence.")}


def refusal(error: DomainError) -> dict[str, str]:
    """The error of a form, by field."""
    said = {
        "invalid-agreement": {"until": gettext("Choisissez une date dans l’année qui vient.")},
        "unknown-professional": {"professional": gettext("Choisissez un professionnel.")},
        "not-a-doctor": {"professional": gettext("Seul un médecin peut être médecin traitant.")},
        "professional-blocked": {
            "professional": gettext("Cette personne est bloquée : débloquez-la d’abord."),
        },
        "agreed-already": {
            "professional": gettext("Ce médecin est déjà votre médecin traitant, ou attend votre réponse."),
        },
        "invalid-motive": {"motive": gettext("Donnez le motif de l’urgence, en 10 à 500 caractères.")},
        "emergency-refused": opposition(),
        "content-missing": {"file": gettext("Joignez un fichier, ou écrivez le texte du document.")},
        "too-many-failures": {"": gettext("Trop d’essais sans succès : attendez une heure.")},
        "writing-refused": {"": gettext("Cette personne s’oppose à ce que vous déposiez des documents.")},
        "identity-not-qualified": {
            "": gettext("L’identité de cette personne n’est pas qualifiée : rien ne se dépose.")
        },
    }
    return said.get(error.code, {"": gettext("Ce n’est pas possible : vérifiez ce que vous avez saisi.")})


def _last_day(end: datetime) -> str:
    """The last whole day before an end, which is a midnight."""
    return day_in_words(end.fromtimestamp(end.timestamp() - 1, end.tzinfo))
