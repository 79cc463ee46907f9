"""What is wrong with a file, said in French to the person who sent it."""

from flask_babel import gettext

from platform_core import config
from platform_core.errors import DomainError
from store.rules.evidence import MOST_TITLE


def say_file_refusal(refused: DomainError) -> str:
    """The sentence of a refusal; each code has its own."""
    said = _SENTENCES.get(refused.code)
    most = config.current().evidence_most_bytes // 2**20
    return gettext(said, most=most) if said else gettext("Ce fichier ne peut pas être déposé.")


def say_errors(refused: DomainError) -> dict[str, str]:
    """What is wrong with a file or with what was said of it, by field; empty when something else was refused."""
    if refused.code == "evidence-invalid":
        return {fault.where: say_fault_of_field(fault.where, fault.code) for fault in refused.faults}
    return {"file": say_file_refusal(refused)} if refused.code in _SENTENCES else {}


def say_fault_of_field(where: str, code: str) -> str:
    """The sentence of a fault of the form."""
    said = _FAULTS.get((where, code))
    return gettext(said, most=MOST_TITLE) if said else gettext("Vérifiez ce champ.")


def _(text: str) -> str:
    """Marks a msgid."""
    return text


_SENTENCES = {
    "file-missing": _("Choisissez un fichier."),
    "file-name": _("Le nom du fichier est refusé : donnez-lui un nom simple, avec son extension, sans dossier."),
    "file-type": _(
        "Type de fichier refusé. Sont acceptés : PDF, PNG, JPEG, TIFF, ODT, ODS, DOCX, XLSX, TXT, CSV, JSON."
    ),
    "file-empty": _("Le fichier est vide."),
    "file-mismatch": _("Le contenu du fichier ne correspond pas à son extension. Déposez-le sous son vrai type."),
    "too-large": _("Le fichier dépasse %(most)s Mo. Réduisez-le ou déposez-le en plusieurs parties."),
    "json-too-large": _("Un fichier JSON ne peut pas dépasser 2 Mo."),
    "text-unreadable": _("Le texte est illisible : enregistrez-le en UTF-8."),
    "pdf-encrypted": _(
        "Le PDF est protégé par un mot de passe : personne ne pourrait l’examiner. Déposez-le sans mot de passe."
    ),
    "pdf-unreadable": _("Le PDF est abîmé : il ne s’ouvre pas. Exportez-le de nouveau."),
    "xml-doctype": _("Le document XML déclare un type de document : retirez cette déclaration."),
    "xml-unreadable": _("Le document XML est mal formé : exportez-le de nouveau."),
    "archive-unreadable": _("Le document est abîmé : il ne s’ouvre pas. Enregistrez-le de nouveau."),
    "archive-encrypted": _("Le document est protégé par un mot de passe : déposez une version sans mot de passe."),
    "archive-bomb": _("Le document est refusé : une fois décompressé, il prend une place démesurée."),
    "archive-nested": _("Le document contient une archive ou un autre document : déposez-les à part."),
    "archive-program": _("Le document contient un programme : retirez-le."),
    "archive-macros": _("Le document contient des macros : enregistrez-le sans macros, ou en PDF."),
    "file-infected": _("L’antivirus a refusé ce fichier."),
}
_FAULTS = {
    ("kind", "choice"): _("Choisissez ce que prouve ce fichier."),
    ("title", "required"): _("Donnez un intitulé."),
    ("title", "too-long"): _("L’intitulé dépasse %(most)s caractères."),
    ("valid_from", "date"): _("Écrivez la date comme 21/11/2026."),
    ("valid_until", "date"): _("Écrivez la date comme 21/11/2026."),
    ("valid_until", "required"): _("Dites jusqu’à quand cette pièce est valable."),
    ("valid_until", "order"): _("La fin de validité précède son début."),
    ("valid_until", "past"): _("Cette date est passée : la pièce ne prouve plus rien."),
}
