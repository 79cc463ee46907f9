"""Refusals told in French on the patient's pages; every other error is the shell's to show."""

from flask import Blueprint, render_template
from flask_babel import gettext

from platform_core.errors import Conflict, DomainError, Forbidden, NotFound
from platform_core.renderers import status_of
from platform_core.web import request_id


def explain_refusals(blueprint: Blueprint) -> None:
    """Have the pages of a blueprint explain what cannot be done, and where to go on."""
    for kind in (Conflict, Forbidden, NotFound):
        blueprint.register_error_handler(kind, _explain)


def _explain(error: DomainError) -> tuple[str, int]:
    title, text = _words(error.code)
    page = render_template("consent/explained.html", title=title, text=text, request_id=request_id())
    return page, status_of(error)


def _words(code: str) -> tuple[str, str]:
    known = {
        "already-answered": (
            gettext("Cette demande a déjà reçu une réponse"),
            gettext("Une demande ne sert qu’une fois. Retrouvez vos choix dans « Mes applications »."),
        ),
        "request-expired": (
            gettext("Cette demande a expiré"),
            gettext(
                "Une demande reste ouverte trente minutes au plus. Recommencez depuis l’application si vous voulez."
            ),
        ),
        "other-patient": (
            gettext("Cette demande est en cours pour une autre personne"),
            gettext("Revenez au dossier pour lequel vous aviez commencé, ou recommencez depuis l’application."),
        ),
        "other-record": (
            gettext("Cette page concernait un autre dossier"),
            gettext("Vous êtes passé à un autre dossier dans une autre fenêtre. Rien n’a été modifié : rechargez."),
        ),
        "outside-mandate": (
            gettext("Votre mandat ne va pas jusque-là"),
            gettext("La personne que vous aidez ne vous a pas confié cela. Elle seule peut en décider."),
        ),
        "sandbox-patients-only": (
            gettext("Application en bac à sable"),
            gettext("Cette application est en essai : elle ne peut demander que des patients de synthèse."),
        ),
        "application-suspended": (
            gettext("Le référencement de cette application est suspendu"),
            gettext("Par précaution, aucune donnée ne peut être échangée avec elle pour le moment."),
        ),
        "pilot-full": (
            gettext("Cette expérimentation est complète"),
            gettext("Toutes les places sont prises. Rien n’a été autorisé, et aucune donnée ne sera échangée."),
        ),
        "pilot-elsewhere": (
            gettext("Cette expérimentation se déroule dans une autre région"),
            gettext("Elle est réservée aux habitants des régions indiquées sur sa fiche du catalogue."),
        ),
        "pilot-region-needed": (
            gettext("Dites d’abord dans quelle région vous habitez"),
            gettext("Cette expérimentation est réservée à certaines régions. Indiquez la vôtre dans vos paramètres."),
        ),
        "not-live": (
            gettext("L’autorisation à modifier a pris fin"),
            gettext("Recommencez depuis l’application pour donner une nouvelle autorisation."),
        ),
        "not-found": (
            gettext("Cette page n’existe pas pour vous"),
            gettext("L’adresse est incomplète, ou la demande a été ouverte dans un autre navigateur."),
        ),
    }
    otherwise = (
        gettext("Ce n’est pas possible en l’état"),
        gettext("L’autorisation a changé entre-temps. Rien n’a été modifié : rechargez la page et vérifiez son état."),
    )
    return known.get(code, otherwise)
