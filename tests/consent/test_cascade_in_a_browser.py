"""The decider follows the effects of a suspension; the patient reads it on the dashboard."""

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from consent import tasks
from consent.queries import cascades
from consent.service.demonstration import fill_consents
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.ids import uuid7
from store.queries.applications import get_application
from store.service import listings

pytestmark = pytest.mark.browser


def test_the_authority_sees_how_far_a_suspension_has_come(
    page: Page,
    assert_accessible: Callable[..., None],
    applications: dict[str, UUID],
    agents: dict[str, Actor],
    owner: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cascades, "BATCH", 30)
    balance = applications["Balance+"]
    with transaction():
        application = get_application(balance)
    with owner.begin() as connection:
        fill_consents(connection, application=application, run=uuid7(), first=0, last=50)
    with transaction():
        listings.suspend_listing(application_id=balance, motive="Contrôle.", by=agents["omar"])
    page.goto("/instruction/dossiers")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Omar").click()
    page.locator("summary", has_text="Après le référencement").click()
    page.get_by_role("link", name="Effets des décisions").click()
    for progress, state in (("0 personnes", "En cours"), ("30 personnes", "En cours"), ("40 personnes", "Terminé")):
        page.reload()
        row = page.get_by_role("row").filter(has_text="Suspension").filter(has_text="Balance+")
        expect(row).to_contain_text(f"{progress} prévenues")
        expect(row).to_contain_text(state)
        assert_accessible(page)
        tasks.carry_cascade(str(balance))
        if progress.startswith("30"):
            tasks.carry_cascade(str(balance))
