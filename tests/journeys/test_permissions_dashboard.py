"""The permissions dashboard, D1 to D10, in a real browser: in French, by keyboard, without JavaScript, at 320 px."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from consent.rules.calendar import months_after
from consent.service import granting, lifecycle, requests
from consent.workflow import Answer, Status
from dmp_core.categories import KINDS
from dmp_core.queries import points
from dmp_core.service.typed import type_measure
from identity_core.service.seeding import Seeded
from platform_core.access import ALWAYS, Access, Actor, ActorKind, DatePeriod
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.ids import uuid7
from platform_core.journal import service as journal
from platform_core.permission import Ceiling, CeilingItem, Periodicity, PermissionItem, Purpose, Unit
from store.service import listings
from tests.consent.calls import call, state_of
from tests.journeys.conftest import acting_as
from tests.keyboard import press, walk

pytestmark = pytest.mark.browser

Check = Callable[..., None]
WEIGHT, PRESSURE = "measures.body-weight", "measures.blood-pressure"
FOUR_A_DAY = Periodicity.recurring(4, Unit.DAY)
READS = PermissionItem(WEIGHT, Access.READ, DatePeriod(date(2026, 1, 1)), FOUR_A_DAY)
WRITES = PermissionItem(WEIGHT, Access.WRITE, ALWAYS, FOUR_A_DAY)


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


def grant(patient: UUID, name: str, *items: PermissionItem, app_id: UUID | None = None, until: date) -> UUID:
    """A consent of the patient: to an app of the store, or to one of the sandbox."""
    own = app_id or uuid7()
    environment = "production" if app_id else "sandbox"
    chosen = items or (READS,)
    terms = granting.Terms(own, own, environment, name, "Éditeur", Purpose.PREVENTION, chosen, until, {})
    with transaction(patient_id=patient):
        return granting.grant(patient_id=patient, terms=terms, by=acting_as(patient)).id


def refuse(patient: UUID, name: str) -> None:
    app = requests.AppFacts(uuid7(), uuid7(), "sandbox", name, "Éditeur", None)
    ceiling = Ceiling((CeilingItem(WEIGHT, Access.READ, FOUR_A_DAY),), frozenset({Purpose.PREVENTION}))
    with transaction(patient_id=patient):
        asked = requests.open_request(
            app=app,
            items=[READS],
            ceiling=ceiling,
            purpose=Purpose.PREVENTION,
            valid_until=date(2027, 1, 1),
            resume_path="/x",
            browser_key="x",
            by=Actor(ActorKind.APPLICATION, app.app_id, name),
        )
        requests.decide_request(request_id=asked, patient_id=patient, decision=Answer.REFUSE, by=acting_as(patient))


def note(patient: UUID, app_id: UUID, grant_id: UUID, access: Access, outcome: str, code: str = "") -> None:
    """One line of the journal, as the guard writes it."""
    with transaction(patient_id=patient):
        journal.record(
            journal.Entry(
                patient_id=patient,
                actor=Actor(ActorKind.APPLICATION, app_id, "Balance+"),
                interaction="search" if access is Access.READ else "create",
                resource="Observation",
                access=access,
                outcome=outcome,
                request_id="request-1",
                categories=[WEIGHT],
                count=2 if outcome == "served" else 0,
                code=code,
                app_id=app_id,
                grant_id=grant_id,
            )
        )


@pytest.fixture
def balance(camille: UUID, applications: dict[str, UUID], clock: FrozenClock) -> UUID:
    """Camille's consent to Balance+, which has read twice, was refused once and has added once, a minute ago."""
    app_id = applications["Balance+"]
    granted = grant(camille, "Balance+", READS, WRITES, app_id=app_id, until=months_after(clock().date(), 1))
    for days in (1, 2):
        clock.move(days=days)
        note(camille, app_id, granted, Access.READ, "served")
    clock.move(minutes=5)
    note(camille, app_id, granted, Access.READ, "refused", "consent-frequency-exceeded")
    note(camille, app_id, granted, Access.WRITE, "served")
    call(camille, granted, WEIGHT, now=clock())
    clock.move(minutes=1)
    return granted


def sign_in(page: Page, path: str) -> Page:
    page.goto(path)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url(f"**{path}")
    return page


@pytest.fixture
def bare(new_page: Callable[..., Page]) -> Page:
    """A page of a browser that runs no script, as narrow as a small phone."""
    return new_page(java_script_enabled=False, viewport={"width": 320, "height": 800})


class Keyboard:
    """Somebody who has no mouse, and counts what would be clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def press(self, target: Locator, key: str = "Enter") -> None:
        self.clicks += 1
        press(self.page, target, key)


@pytest.mark.requirement("D1", "D2", "D9", "D10")
def test_the_dashboard_counts_filters_and_tells_of_each_app(
    page: Page,
    balance: UUID,
    camille: UUID,
    applications: dict[str, UUID],
    omar: Actor,
    clock: FrozenClock,
    assert_accessible: Check,
) -> None:
    today = clock().date()
    until = months_after(today, 6)
    grant(camille, "Agenda clair", until=until)
    paused, revoked = grant(camille, "Podo", until=until), grant(camille, "Sommeil", until=until)
    grant(camille, "Vue nette", until=today)
    with transaction(patient_id=camille):
        lifecycle.pause_consent(patient_id=camille, grant_id=paused, by=acting_as(camille))
        lifecycle.revoke_consent(patient_id=camille, grant_id=revoked, by=acting_as(camille))
    clock.move(days=1)
    refuse(camille, "Gourmande")

    sign_in(page, "/espace")
    main = page.get_by_role("main")
    expect(main).to_contain_text(re.compile("2.applications ont accès"))
    main.get_by_role("link", name="Mes applications").click()
    assert_accessible(page)
    expect(main).to_contain_text(re.compile("2.applications ont accès à ce dossier"))
    filters = page.get_by_role("navigation", name="Filtrer les autorisations")
    counted = {"Toutes": 5, "Actives": 2, "En pause": 1, "Expirées": 1, "Révoquées ou terminées": 1, "Refusées": 1}
    for label, count in counted.items():
        expect(filters.get_by_role("link", name=f"{label} ({count})", exact=True)).to_be_visible()
    card = main.locator(".ens-card", has=page.get_by_role("link", name="Balance+", exact=True))
    for said in (
        "Active",
        "Poids",
        re.compile(r"Expire le\s*21.décembre.2026, dans \d+.jours"),
        re.compile("4.fois par jour"),
        re.compile("0 sur 4 aujourd.hui"),
        re.compile(r"Dernier accès\s*24.novembre.2026 à.10.h.05.: Ajout, Poids"),
        re.compile("3.accès en 30.jours, sur 2.jours.; 2 au plus en un jour"),
    ):
        expect(card).to_contain_text(said)
    assert card.locator("svg rect").count() == 2
    old = page.get_by_role("heading", name="Anciennes autorisations")
    expect(old).to_be_visible()
    filters.get_by_role("link", name="Refusées (1)").click()
    expect(main).to_contain_text("Gourmande")
    expect(main.get_by_role("heading", name="Podo")).to_have_count(0)

    with transaction():
        listings.suspend_listing(application_id=applications["Balance+"], motive="Contrôle", by=omar)
    filters.get_by_role("link", name="Toutes (5)").click()
    expect(main).to_contain_text(re.compile("1.application a accès"))
    expect(card.get_by_text("Référencement suspendu", exact=True)).to_be_visible()
    card.get_by_role("link", name="Balance+", exact=True).click()
    expect(main).to_contain_text("Par précaution, elle n’accède plus à vos données. Votre choix est conservé.")
    expect(page.get_by_role("button", name="Synchroniser maintenant")).to_have_count(0)


@pytest.mark.requirement("D3", "D4", "D10")
def test_one_app_tells_all_of_its_authorization(
    page: Page, balance: UUID, camille: UUID, clock: FrozenClock, assert_accessible: Check
) -> None:
    with transaction(patient_id=camille):
        granting.amend_consent(
            patient_id=camille,
            grant_id=balance,
            items=[READS, WRITES],
            valid_until=clock().date() + timedelta(days=10),
            by=acting_as(camille),
        )
    address = f"/espace/applications/{balance}"
    sign_in(page, address)
    main = page.get_by_role("main")
    assert_accessible(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Balance+")
    cluster = main.locator("details", has_text="Poids").first
    expect(cluster.get_by_role("heading", name="Lire")).to_be_hidden()
    cluster.locator("summary").click()
    expect(cluster).to_contain_text(
        re.compile(r"Lire.*4.fois par jour.*1 sur 4 aujourd.hui, prochaine à.10.h.20", re.S)
    )
    for said in ("Prévention", "Destinataires", "Hébergement", "certificat HDS", "Réclamations"):
        expect(main).to_contain_text(said)
    expect(main.get_by_role("link", name="Adresser une réclamation à la CNIL")).to_be_visible()
    steps = main.locator(".ens-timeline li")
    expect(steps.first).to_contain_text("Autorisation modifiée")
    expect(steps.first).to_contain_text(re.compile("Fin avancée du 21.décembre.2026 au 4.décembre.2026"))
    expect(main.get_by_role("link", name="Reçu n° 1 : Autorisation donnée")).to_be_visible()
    expect(main).to_contain_text("Refusé : trop fréquent")

    page.emulate_media(media="print")
    expect(cluster.get_by_text("Lire", exact=True)).to_be_visible()
    expect(main.locator(".ens-actions").first).to_be_hidden()
    page.emulate_media(media="screen")
    main.get_by_role("link", name="Tous les accès de Balance+").click()
    expect(main).to_contain_text(re.compile("trop fréquent"))
    expect(page.get_by_role("link", name=re.compile("CSV|tableur"))).to_be_visible()


@pytest.mark.requirement("D5", "D6", "D7", "D8")
def test_an_authorization_is_changed_and_left_by_keyboard_without_a_script(
    bare: Page, balance: UUID, camille: UUID, clock: FrozenClock
) -> None:
    main, keyboard = bare.get_by_role("main"), Keyboard(bare)
    sign_in(bare, f"/espace/applications/{balance}")

    keyboard.press(main.get_by_role("button", name="Mettre en pause"))
    assert state_of(camille, balance).stored is Status.PAUSED
    keyboard.press(main.get_by_role("button", name="Reprendre"))
    keyboard.press(main.get_by_role("link", name="Modifier"))
    keyboard.press(main.get_by_role("group", name="Poids").get_by_role("checkbox", name="Lire"), "Space")
    keyboard.press(main.get_by_role("button", name="Enregistrer"))
    assert [str(item.access) for item in state_of(camille, balance).items] == ["write"]

    keyboard.press(main.get_by_role("link", name="Modifier"))
    keyboard.press(main.get_by_role("button", name="Autoriser davantage"))
    expect(bare.get_by_role("heading", level=1)).to_contain_text("Balance+")
    asked = main.get_by_role("group", name="Poids", exact=True)
    expect(asked.get_by_role("checkbox", name="Lire")).not_to_be_checked()
    assert [str(item.access) for item in state_of(camille, balance).items] == ["write"], "nothing before the answer"
    keyboard.clicks = 0
    keyboard.press(asked.get_by_role("checkbox", name="Lire"), "Space")
    keyboard.press(main.get_by_role("button", name="Autoriser"))
    keyboard.press(main.get_by_role("button", name="Confirmer"))
    to_grant = keyboard.clicks
    assert sorted(str(item.access) for item in state_of(camille, balance).items) == ["read", "write"]

    bare.goto("/espace/applications")
    assert {"Modifier", "Révoquer", "Tout arrêter"} <= set(walk(bare))
    keyboard.clicks = 0
    keyboard.press(main.get_by_role("link", name="Révoquer Balance+"))
    for said in ("Elle vaut tout de suite", "ne sont pas effacées", "effacées sous trente jours", "peut s’arrêter"):
        expect(main).to_contain_text(said)
    expect(
        main.get_by_role("group", name="Ce que Balance+ a ajouté à votre dossier").locator(":checked")
    ).to_have_count(1)
    without = keyboard.clicks + 1
    assert without <= 2 <= to_grant, "withdrawing is as easy as granting"
    keyboard.press(main.get_by_role("radio", name="Garder"), "ArrowDown")
    expect(main.get_by_role("radio", name="Masquer")).to_be_checked()
    keyboard.press(main.get_by_role("checkbox", name="effacer mes données"), "Space")
    keyboard.press(main.get_by_role("button", name="Révoquer"))

    assert state_of(camille, balance).stored is Status.REVOKED
    for said in ("Révoquée", "Demandé", "Réponse attendue jusqu’au", "est masqué aux applications"):
        expect(main.get_by_text(said, exact=said in {"Révoquée", "Demandé"}).first).to_be_attached()
    expect(main.get_by_role("link", name=re.compile(r"Reçu n° \d+ : Révocation"))).to_be_visible()
    bare.goto("/espace/applications")
    expect(main.get_by_role("heading", name="Anciennes autorisations")).to_be_visible()
    bare.goto("/espace/notifications")
    expect(main).to_contain_text("Vous avez révoqué l’autorisation de Balance+")
    expect(main).to_contain_text("d’effacer vos données")


@pytest.mark.requirement("D5", "D10")
def test_one_measure_is_kept_from_one_app_and_everything_is_stopped(
    page: Page, balance: UUID, camille: UUID, clock: FrozenClock, assert_accessible: Check
) -> None:
    with transaction(patient_id=camille):
        weight = KINDS["body-weight"]
        values = [Decimal("72.5")]
        type_measure(
            patient_id=camille, kind=weight, values=values, at=clock(), circumstance=None, by=acting_as(camille)
        )
        (latest,) = points.list_latest(patient_id=camille)
    sign_in(page, f"/espace/mesures/body-weight/{latest.id}")
    main = page.get_by_role("main")
    assert_accessible(page)
    main.get_by_role("button", name="Ne pas montrer à cette application").click()
    expect(main.get_by_text("Non montrée")).to_be_visible()
    main.get_by_role("link", name="Balance+").click()
    expect(main).to_contain_text(re.compile("Ce que vous ne montrez pas à cette application.*72,5.kg", re.S))
    main.get_by_role("button", name="Montrer de nouveau").click()
    expect(main.get_by_text("Ce que vous ne montrez pas")).to_have_count(0)
    main.get_by_role("link", name="Révoquer").click()
    assert_accessible(page)

    page.goto("/espace/applications")
    main.get_by_role("link", name="Tout arrêter").click()
    assert_accessible(page)
    expect(main).to_contain_text("Balance+")
    main.get_by_role("button", name="Tout révoquer").click()
    assert_accessible(page)
    assert state_of(camille, balance).stored is Status.REVOKED
    expect(main).to_contain_text("Aucune application n’a accès à ce dossier.")
    main.get_by_role("link", name="Balance+").click()
    assert_accessible(page)
    main.get_by_role("button", name="Demander l’effacement").click()
    expect(main.get_by_text("Demandé", exact=True)).to_be_visible()
    assert_accessible(page)
    page.goto("/espace/applications?statut=actives")
    expect(main.get_by_text("Rien à montrer ici")).to_be_visible()
