"""What the pages of documents say: who sees a document, what was done to it, why a file is refused."""

from collections.abc import Iterable
from typing import Any

from flask_babel import format_decimal, gettext

from dmp_core.models.documents import DocumentRow
from dmp_core.queries.documents import VersionView
from dmp_core.rules.documents.metadata import CONTENT_TYPES
from dmp_core.service.documents.contents import MOST
from platform_core.errors import DomainError, Fault

_FORMATS = {"xml": "CDA", "pdf": "PDF", "jpg": "JPEG", "png": "PNG", "tif": "TIFF", "txt": "Texte", "dcm": "DICOM"}
_ODD = '/\\:*?"<>|'


def _(text: str) -> str:
    """Marks a msgid."""
    return text


_REFUSALS = {
    "file-missing": _("Choisissez un fichier."),
    "file-name": _("Le nom du fichier est refusé : donnez-lui un nom simple, avec son extension."),
    "file-type": _("Type de fichier refusé. Sont acceptés : PDF, JPEG, PNG, TIFF et texte."),
    "file-empty": _("Le fichier est vide."),
    "file-mismatch": _("Le contenu du fichier ne correspond pas à son extension."),
    "too-large": _("Le fichier dépasse %(most)s Mo."),
    "text-unreadable": _("Le texte est illisible : enregistrez-le en UTF-8."),
    "pdf-encrypted": _("Le PDF est protégé par un mot de passe : ajoutez-le sans mot de passe."),
    "pdf-unreadable": _("Le PDF est abîmé : il ne s’ouvre pas."),
    "file-infected": _("L’antivirus a refusé ce fichier."),
}
_FIELDS = {
    "title": _("Donnez un titre, de 200 caractères au plus."),
    "type": _("Choisissez ce qu’est le document."),
    "date": _("La date ne peut pas être dans le futur."),
}
_DONE = {
    "masquer": _("Le document est masqué : les professionnels et les applications ne le voient plus."),
    "montrer": _("Le document n’est plus masqué."),
    "ranger": _("Le document est archivé : il n’apparaît plus dans la liste."),
    "ressortir": _("Le document est de retour dans la liste."),
    "supprimer": _("Le document est supprimé."),
}
_ACTS = {
    "publish": _("Ajouté au dossier"),
    "replace": _("Remplacé par une nouvelle version"),
    "delete": _("Supprimé par son auteur"),
    "archive": _("Archivé"),
    "unarchive": _("Sorti des archives"),
    "mask": _("Masqué aux professionnels et aux applications"),
    "unmask": _("Montré de nouveau aux professionnels et aux applications"),
    "withhold": _("Retenu jusqu’à une consultation d’annonce"),
    "announce": _("Annoncé : visible dans votre dossier"),
    "hide": _("Caché à vos représentants"),
    "unhide": _("Montré de nouveau à vos représentants"),
    "withdraw": _("Retiré avec les autres données de l’application"),
}


def refusal(code: str) -> str:
    """The sentence of a refused file."""
    said = _REFUSALS.get(code)
    return gettext(said, most=MOST // 2**20) if said else gettext("Ce fichier est refusé.")


def errors_of_form(error: DomainError) -> dict[str, str]:
    """The errors of the form by field."""
    return errors_of_fields(error.faults) if error.code == "invalid-document" else {"file": refusal(error.code)}


def errors_of_fields(faults: Iterable[Fault]) -> dict[str, str]:
    """What each wrong field says."""
    return {fault.where: gettext(_FIELDS[fault.where]) for fault in faults}


def done(act: str) -> str:
    """What was just done."""
    return gettext(_DONE[act])


def seen_by(row: DocumentRow) -> list[tuple[str, str]]:
    """Who sees a document, in pairs of who and whether."""
    yes, no = gettext("Oui"), gettext("Non")
    open_to_apps = not (row.masked or row.invisible_to_representatives or row.invisible_to_patient)
    return [
        (gettext("Vous"), yes),
        (gettext("Les professionnels de santé qui vous soignent"), no if row.masked else yes),
        (gettext("Les applications que vous autorisez à lire ce type de document"), yes if open_to_apps else no),
        (gettext("Vos représentants et aidants"), no if row.invisible_to_representatives else yes),
    ]


def version_entry(version: VersionView) -> dict[str, Any]:
    """A version as an entry of a timeline."""
    return {"title": gettext(_ACTS[version.act]), "at": version.at, "by": version.by_name}


def period_names() -> dict[str, str]:
    return {
        "mois": gettext("Le dernier mois"),
        "annee": gettext("Les douze derniers mois"),
        "deux-ans": gettext("Les deux dernières années"),
        "cinq-ans": gettext("Les cinq dernières années"),
    }


def size(row: DocumentRow) -> str:
    """The size as people read it: `718 octets`, `12 Ko`, `1,4 Mo`."""
    if row.size < 1000:
        return gettext("%(size)s octets", size=row.size)
    if row.size < 1_000_000:
        return gettext("%(size)s Ko", size=round(row.size / 1000))
    return gettext("%(size)s Mo", size=format_decimal(row.size / 1_000_000, "0.#"))


def format_name(row: DocumentRow) -> str:
    """What the file is: the PDF/A that it says it is, else the name of its type."""
    return row.pdf_a or _FORMATS[CONTENT_TYPES[row.media_type]]


def file_name(row: DocumentRow) -> str:
    """The name under which a document is downloaded: its title and the extension of its type."""
    title = "".join(" " if letter in _ODD or ord(letter) < 32 else letter for letter in row.title).strip(" .")
    return f"{title[:120] or 'document'}.{CONTENT_TYPES[row.media_type]}"
