"""D4, D8: Camille reads her journal, does not recognise an access, and follows what the authority makes of it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from consent import tasks
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import DatabaseRole, transaction
from platform_core.ids import uuid7
from platform_core.journal import service as journal
from tests.consent.builders import PRESSURE
from tests.consent.calls import state_of
from tests.consent.journaling import write_line

pytestmark = pytest.mark.browser


@pytest.fixture
def history(
    grant_consent: Callable[..., UUID], camille: UUID, applications: dict[str, UUID], clock: FrozenClock
) -> UUID:
    """Ten days of readings of Balance+, then one of a great many measures, refusals, and a professional's access."""
    balance = applications["Balance+"]
    clock.instant -= timedelta(days=10)
    given = grant_consent(patient_id=camille, app_id=balance, environment="production")
    for day in range(10):
        write_line(camille, app_id=balance, grant_id=given, count=28 + day % 3)
        clock.move(days=1)
    write_line(camille, app_id=balance, grant_id=given, count=4800, request_id="req-great-many")
    for _ in range(3):
        clock.move(minutes=2)
        write_line(camille, app_id=balance, grant_id=given, code="consent-frequency-exceeded")
    clock.move(minutes=2)
    doctor = Actor(ActorKind.PROFESSIONAL, uuid7(), "Dr Sophie Martin")
    write_line(camille, by=doctor, categories=[PRESSURE], count=2)
    with transaction(role=DatabaseRole.BATCH):
        journal.seal_batch()
    tasks.watch_volumes()
    return given


def test_an_access_is_contested_examined_and_answered(
    new_page: Callable[[], Page], assert_accessible: Callable[..., None], history: UUID, camille: UUID
) -> None:
    page = new_page()
    page.goto("/espace/journal")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/journal")
    main = page.get_by_role("main")
    expect(main).to_contain_text("d’habitude environ 29")
    expect(main).to_contain_text("Balance+ a voulu lire des mesures, 3 fois : Poids")
    expect(main).to_contain_text("Dr Sophie Martin a lu 2 mesures : Tension artérielle")
    assert_accessible(page)

    page.get_by_text("Filtrer les accès").click()
    page.get_by_label("Données", exact=True).select_option("Poids")
    page.get_by_role("button", name="Filtrer").click()
    expect(main).not_to_contain_text("Dr Sophie Martin a lu")
    assert page.url.endswith("/espace/journal")

    page.get_by_role("link", name="Je ne reconnais pas cet accès : Balance+ a lu 4").click()
    assert_accessible(page)
    page.get_by_label("Le nombre de données m’étonne").check()
    page.get_by_label("Mettre Balance+ en pause tout de suite").check()
    page.get_by_role("button", name="Envoyer le signalement").click()
    expect(main).to_contain_text("req-great-many")
    assert_accessible(page)
    receipt = page.url
    assert state_of(camille, history).status == "paused"

    authority = new_page()
    authority.goto("/instruction/acces-contestes")
    authority.get_by_role("button", name="Se connecter").click()
    authority.get_by_role("button", name="Inès").click()
    authority.wait_for_url("**/acces-contestes")
    expect(authority.get_by_role("main")).to_contain_text("Bien plus de données lues que d’habitude")
    assert_accessible(authority)
    authority.get_by_role("link", name="n° ").click()
    authority.get_by_role("button", name="Commencer l’examen").click()
    assert_accessible(authority)
    authority.get_by_label("Votre réponse").fill("L’éditeur a rattrapé une panne de trois jours.")
    authority.get_by_role("button", name="Répondre à la personne").click()
    expect(authority.get_by_role("main")).to_contain_text("Répondu")

    page.goto(receipt)
    expect(main).to_contain_text("L’éditeur a rattrapé une panne")
    page.get_by_role("button", name="La réponse me suffit").click()
    expect(main).to_contain_text("Clos")
    page.get_by_role("link", name="Mes signalements d’accès").click()
    assert_accessible(page)
