"""How reviewer and decider take a submitted dossier to the catalogue in a browser.

What the commission, the publisher and the sandbox do in between is played by the use cases.
"""

from collections.abc import Callable
from uuid import UUID

from playwright.sync_api import Page

from platform_core.database import transaction
from store.service import rehearsal
from store.workflow import SubmissionState
from tests.store.filling import sign_in

Check = Callable[..., None]


def act(page: Page, check: Check, name: str, motive: str = "") -> None:
    page.get_by_role("link", name=name).click()
    check(page)
    if motive:
        page.get_by_label("Motif", exact=True).fill(motive)
        page.get_by_role("button", name="Voir l’aperçu").click()
        check(page)
    page.get_by_role("button", name="Confirmer").click()
    check(page)


def examine_and_list(new_page: Callable[[], Page], check: Check, name: str, cast: rehearsal.Cast) -> None:
    ines = sign_in(new_page(), "/instruction/dossiers", "Inès Faure")
    check(ines)
    ines.get_by_role("link", name=name, exact=True).click()
    check(ines)
    submission_id = UUID(ines.url.rpartition("/")[2])
    for step in ("Prendre en charge", "Déclarer recevable", "Commencer l’évaluation"):
        act(ines, check, step)
    ines.get_by_role("link", name="Examiner les critères").click()
    check(ines)
    ines.get_by_role("link", name="SEC-01").click()
    check(ines)
    ines.get_by_label("Conforme", exact=True).check()
    ines.get_by_role("button", name="Enregistrer le verdict").click()
    ines.get_by_role("link", name="Synthèse").click()
    with transaction():
        rehearsal.find_all_conforming(submission_id=submission_id, by=cast.reviewer)
    act(ines, check, "Proposer un avis", "Tous les critères sont conformes.")
    with transaction():
        rehearsal.advance(submission_id=submission_id, to=SubmissionState.OPINION_GIVEN, cast=cast)
    omar = sign_in(new_page(), f"/instruction/dossiers/{submission_id}", "Omar")
    act(omar, check, "Accepter le dossier", "Le dossier répond à la grille.")
    with transaction():
        rehearsal.sign(submission_id, cast)
    omar.reload()
    act(omar, check, "Contresigner la convention")
    with transaction():
        rehearsal.show_behaviours(submission_id)
    omar.reload()
    act(omar, check, "Inscrire au catalogue")
