"""The consent screens, C1 to C22, in a real browser: in French, by keyboard, without JavaScript, at 320 px."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Locator, Page, expect

from consent import queries
from consent.rules.calendar import months_after
from consent.service import granting, requests
from consent.workflow import Answer
from identity_core.service.seeding import Seeded
from notification_core import queries as inbox
from platform_core.access import DatePeriod
from platform_core.categories import SmartScope, registry
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import TooManyRequests
from platform_core.permission import Periodicity, Unit
from store.queries.listings import ListingView, find_listing
from tests import keyboard
from tests.consent.builders import PRESSURE, READ, WEIGHT, WRITE, permission
from tests.consent.calls import call, state_of
from tests.consent.conftest import ask
from tests.journeys.conftest import acting_as
from tests.signing_in import sign_in_citizen

__all__ = ["ask"]

pytestmark = pytest.mark.browser

Ask = Callable[..., UUID]
Check = Callable[[Page], None]
WEEKLY = Periodicity.recurring(1, Unit.WEEK)


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def page(
    new_page: Callable[..., Page], live_server: str, client: FlaskClient, people: Seeded, clock: FrozenClock
) -> Page:
    """Camille signed in, in a browser that runs no script, as narrow as a small phone."""
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    with client.session_transaction() as session:
        session["browser_key"] = "browser"
    name = client.application.session_interface.get_cookie_name(client.application)
    cookie = client.get_cookie(name)
    assert cookie
    bare = new_page(java_script_enabled=False, viewport={"width": 320, "height": 800})
    bare.context.add_cookies([{"name": name, "value": cookie.value, "url": live_server}])
    return bare


@pytest.fixture
def check(page: Page, new_page: Callable[..., Page], assert_accessible: Callable[..., None]) -> Check:
    """Axe, which is a script, reads the page in another window of the same person, where scripts run."""
    twin = new_page()

    def read(bare: Page) -> None:
        twin.context.add_cookies(bare.context.cookies())  # type: ignore[arg-type]
        twin.goto(bare.url)
        assert_accessible(twin)

    return read


def asked(clock: FrozenClock) -> list:  # type: ignore[type-arg]
    """Weight to read, over 300 days, and to add; blood pressure to read; each once a day."""
    year = DatePeriod(clock().date() - timedelta(days=300))
    return [permission(WEIGHT, READ, data=year), permission(WEIGHT, WRITE), permission(PRESSURE, READ, data=year)]


def box(page: Page, category: str, action: str) -> Locator:
    return page.get_by_role("group", name=category, exact=True).get_by_role("checkbox", name=action)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def plain(text: str) -> str:
    """A text with plain spaces."""
    return re.sub(r"\s+", " ", text).strip()


def said(page: Page) -> str:
    """What the page says."""
    return plain(page.locator("main").inner_text())


def options(page: Page, label: str) -> list[str]:
    return [plain(text) for text in page.get_by_label(label, exact=True).locator("option").all_inner_texts()]


def chosen(page: Page, label: str) -> str:
    return plain(page.get_by_label(label, exact=True).locator("option:checked").inner_text())


def look(found: Locator) -> list[str]:
    """What makes a button stand out: its size, colours, weight."""
    script = """element => {
        const style = getComputedStyle(element), box = element.getBoundingClientRect();
        return [box.width, box.height, style.color, style.backgroundColor, style.fontWeight, style.fontSize,
                style.borderColor, style.borderWidth].map(String);
    }"""
    looks: list[str] = found.evaluate(script)
    return looks


@dataclass(frozen=True)
class Seen:
    """The first question of Balance+, as it stands on the screen."""

    page: Page
    text: str
    listing: ListingView


def c1_it_says_where_one_is(seen: Seen) -> None:
    assert "Vous êtes sur l’espace numérique de santé. Balance+ ne verra jamais votre mot de passe." in seen.text


def c2_it_says_who_asks_and_for_whose_record(seen: Seen) -> None:
    assert "Balance+" in seen.page.get_by_role("heading", level=1).inner_text()
    assert "Dossier de Camille Durand" in seen.text and f"Éditeur {seen.listing.publisher_name}" in seen.text
    dates = r"depuis le \d+(er)? \w+ \d{4}, valable jusqu’au \d+(er)? \w+ \d{4}"
    assert re.search(rf"n° {seen.listing.number}, {dates}", seen.text)
    expect(seen.page.get_by_role("link", name="Voir la fiche")).to_have_attribute("href", "/catalogue/balance")


def c3_it_names_recipients_hosting_and_who_protects_data(seen: Seen) -> None:
    for fact in (seen.listing.hosting, *seen.listing.recipients, seen.listing.dpo_contact):
        assert plain(fact) in seen.text


def c4_purposes_come_from_the_approved_dossier(seen: Seen) -> None:
    assert "Finalité Prévention" in seen.text
    reasons = [item.why for item in seen.listing.ceiling.items if item.category == WEIGHT]
    assert len(reasons) == 2 and all(f"Pourquoi : {plain(why)}" in seen.text for why in reasons)


def c5_reading_and_adding_are_apart_in_one_row_that_unfolds(seen: Seen) -> None:
    row = seen.page.get_by_role("group", name="Poids", exact=True)
    assert row.get_by_role("checkbox").count() == 2
    description = row.get_by_text(registry.get(WEIGHT).long_fr)
    expect(description).to_be_hidden()
    row.locator("summary").focus()
    seen.page.keyboard.press("Space")
    expect(description).to_be_visible()


def c6_nothing_is_checked(seen: Seen) -> None:
    assert seen.page.locator("input:checked").count() == 0
    assert "Nécessaire au service. Sans cet accès, Balance+ peut ne pas fonctionner." in seen.text
    assert "Facultatif. Balance+ fonctionne sans cet accès." in seen.text


def c7_sensitive_data_stand_apart_and_masked_documents_never_leave(seen: Seen) -> None:
    heading = seen.page.get_by_role("heading", name="Données particulièrement sensibles")
    place = "(heading, category) => heading.compareDocumentPosition(document.querySelector(`[value*=${category}]`))"
    script = f"heading => [{', '.join(f'({place})(heading, {name!r})' for name in ('weight', 'pressure'))}]"
    assert heading.evaluate(script) == [2, 4], "only what is sensitive stands under its heading"
    assert "Cette donnée est particulièrement sensible." in seen.text
    assert "vous devrez prouver de nouveau votre identité" in seen.text
    assert "Les documents que vous avez masqués ne sont jamais transmis." in seen.text


def c8_history_begins_with_the_narrowest(seen: Seen) -> None:
    histories = ["À partir d’aujourd’hui seulement", "Depuis le 25 janvier 2026, comme demandé"]
    assert options(seen.page, "Données du passé") == histories
    assert chosen(seen.page, "Données du passé") == histories[0]


def c9_each_duration_says_its_end(seen: Seen) -> None:
    durations = ["1 mois, jusqu’au 21 décembre 2026", "3 mois, jusqu’au 21 février 2027"]
    assert options(seen.page, "Durée de l’autorisation") == [*durations, "6 mois, jusqu’au 21 mai 2027"]


def c10_frequencies_stay_within_what_is_asked(seen: Seen) -> None:
    frequencies = ["une seule fois, pendant une heure", "à ma demande seulement", "1 fois par mois"]
    expected = [*frequencies, "1 fois par semaine", "1 fois par jour"]
    assert options(seen.page, "Fréquence la plus élevée") == expected
    own = seen.page.get_by_role("group", name="Poids", exact=True).get_by_label("Fréquence pour « Lire »")
    assert own.locator("option").count() == 1 + len(expected)


def c11_the_longest_is_never_first(seen: Seen) -> None:
    for label in ("Fréquence la plus élevée", "Données du passé", "Durée de l’autorisation"):
        assert chosen(seen.page, label) != options(seen.page, label)[-1]


def c12_risks_and_rights_are_told(seen: Seen) -> None:
    for fact in (
        "sortent de l’espace numérique de santé",
        "Les copies déjà faites ne sont pas effacées",
        "qui doit vous répondre en un mois au plus",
        "Refuser n’a aucun effet sur vos soins ni sur vos remboursements",
        "puis la CNIL",
        "aussi pour les données futures",
    ):
        assert fact in seen.text
    link = seen.page.get_by_role("link", name="Voir et gérer mes autorisations")
    expect(link).to_have_attribute("href", "/espace/applications")


def c13_the_legal_basis_is_shown(seen: Seen) -> None:
    assert "consentement explicite (RGPD, articles 6 et 9)" in seen.text
    assert "ne remplace pas le consentement que Balance+ peut vous demander" in seen.text


def c14_both_answers_weigh_the_same(seen: Seen) -> None:
    accept, refuse = button(seen.page, "Autoriser"), button(seen.page, "Refuser")
    assert look(accept) == look(refuse)
    assert accept.evaluate("(one, other) => one.parentNode === other.parentNode", refuse.element_handle())
    expect(button(seen.page, "Décider plus tard")).to_be_visible()


def c21_nothing_presses(seen: Seen) -> None:
    assert not re.search(r"secondes|dommage|vraiment|êtes-vous sûr|je ne veux pas", seen.text, re.I)


def c22_everybody_can_use_it(seen: Seen) -> None:
    assert seen.page.locator("html").get_attribute("lang") == "fr"
    assert not re.search(r"measures\.|body-weight|on_demand|patient/|authorization_details", seen.text)
    assert "reste ouverte trente minutes" in seen.text
    stops = keyboard.walk(seen.page)
    assert {"Autoriser", "Refuser", "Décider plus tard"} <= set(stops)
    assert len([stop for stop in stops if stop.startswith("item-")]) == 3


ON_THE_SCREEN = (
    c1_it_says_where_one_is,
    c2_it_says_who_asks_and_for_whose_record,
    c3_it_names_recipients_hosting_and_who_protects_data,
    c4_purposes_come_from_the_approved_dossier,
    c6_nothing_is_checked,
    c7_sensitive_data_stand_apart_and_masked_documents_never_leave,
    c8_history_begins_with_the_narrowest,
    c9_each_duration_says_its_end,
    c10_frequencies_stay_within_what_is_asked,
    c11_the_longest_is_never_first,
    c12_risks_and_rights_are_told,
    c13_the_legal_basis_is_shown,
    c14_both_answers_weigh_the_same,
    c21_nothing_presses,
    c22_everybody_can_use_it,
    c5_reading_and_adding_are_apart_in_one_row_that_unfolds,
)


@pytest.mark.requirement(*(check.__name__.split("_")[0].upper() for check in ON_THE_SCREEN))
def test_the_screen_tells_all_that_a_decision_needs(
    page: Page,
    ask: Ask,
    applications: dict[str, UUID],
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
) -> None:
    intimate = replace(registry.get(PRESSURE), sensitive=True, smart=SmartScope("DocumentReference"))
    monkeypatch.setitem(registry._categories, PRESSURE, intimate)
    page.goto(f"/consentement/{ask(*asked(clock))}")
    with transaction():
        listing = find_listing(applications["Balance+"])
    assert listing
    for one in ON_THE_SCREEN:
        one(Seen(page, said(page), listing))
    check(page)


@pytest.mark.requirement("C10", "C15", "C16", "C17", "C22")
def test_a_choice_is_checked_proved_confirmed_and_leaves_a_receipt(
    page: Page,
    ask: Ask,
    camille: UUID,
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
) -> None:
    monkeypatch.setitem(registry._categories, PRESSURE, replace(registry.get(PRESSURE), sensitive=True))
    address = f"/consentement/{ask(*asked(clock))}"
    page.goto(address)
    read = page.locator(".ens-notice-warning li").all_inner_texts()
    read += [page.get_by_text("aussi pour les données futures").inner_text()]

    keyboard.press(page, button(page, "Autoriser"))  # C15: nothing ticked
    expect(page.get_by_role("alert")).to_contain_text("Cochez au moins une donnée")

    keyboard.press(page, box(page, "Poids", "Lire"), "Space")
    keyboard.press(page, box(page, "Tension artérielle", "Lire"), "Space")
    page.get_by_label("Fréquence la plus élevée").select_option("1 fois par semaine")
    keyboard.press(page, button(page, "Autoriser"))
    check(page)
    keyboard.walk(page)
    assert "Rien n’est encore autorisé." in said(page)  # C16: what will be granted, before it is
    keyboard.press(page, page.get_by_role("link", name="Modifier mon choix"))
    expect(box(page, "Poids", "Lire")).to_be_checked()  # C22: nothing is typed twice
    assert chosen(page, "Fréquence la plus élevée") == "1 fois par semaine"
    keyboard.press(page, button(page, "Autoriser"))

    expect(button(page, "Confirmer")).to_have_count(0)  # C16: sensitive data waits for a proof of identity
    keyboard.press(page, page.get_by_role("link", name="Prouver mon identité"))
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url(f"**{address}/confirmation")

    token = page.locator("form.ens-form input[name=csrf_token]").first.input_value()
    post = page.request.post
    assert post(f"{address}/confirmation", form={"choice": "x"}, max_redirects=0).status == 400  # C16: no token
    framing = page.request.get(address).headers
    assert "frame-ancestors 'none'" in framing["content-security-policy"]
    assert framing["x-frame-options"] == "DENY"
    with transaction(patient_id=camille):
        assert queries.list_states(camille) == []

    keyboard.press(page, button(page, "Confirmer"))
    check(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Balance+ est autorisée")
    for path in ("", "/confirmation"):
        again = post(f"{address}{path}", form={"csrf_token": token, "decision": "refuse"}, max_redirects=0)
        assert again.status == 409, "a question is answered once"

    keyboard.press(page, page.get_by_role("link", name="Voir le reçu"))
    check(page)
    receipt = said(page)  # C17: what was read stands on the receipt, and in the signed file
    assert all(plain(sentence) in receipt for sentence in read)
    signed = page.request.get(f"{page.url}.json").json()["receipt"]
    processing = signed["pii_processing"]
    assert [(item["label"], item["frequency"]) for item in processing["items"]] == [
        ("Poids", "1 fois par semaine"),
        ("Tension artérielle", "1 fois par semaine"),
    ]
    assert processing["privacy_notice"]["shown_sha256"] in receipt and processing["decision"]["acr"] == "eidas3"
    assert processing["referencing"]["risks"] in read
    with transaction(patient_id=camille):
        (state,) = queries.list_states(camille)
        assert any("Balance+" in told.title for told in inbox.list_messages(patient_id=camille).items)

    call(camille, state.grant_id, WEIGHT, now=clock())  # C10: enforced, the next one is told
    clock.move(minutes=20)
    with pytest.raises(TooManyRequests):
        call(camille, state.grant_id, WEIGHT, now=clock())
    page.goto(f"/espace/applications/{state.grant_id}")
    told = plain(page.locator("main").text_content() or "")
    assert "1 sur 1 cette semaine, prochaine le 23 novembre 2026 à 0 h 00" in told


@pytest.mark.requirement("C14", "C18", "C21", "C22")
def test_refusing_is_one_press_and_two_refusals_bring_peace(
    page: Page, ask: Ask, camille: UUID, clock: FrozenClock, check: Check
) -> None:
    page.goto(f"/consentement/{ask(*asked(clock))}")
    keyboard.press(page, button(page, "Décider plus tard"))
    check(page)
    assert "Rien n’a été partagé et rien n’est enregistré comme un refus" in said(page)
    page.goto("/catalogue/balance/autoriser")
    keyboard.press(page, page.get_by_role("link", name="Répondre à cette demande"))
    keyboard.press(page, button(page, "Refuser"))
    check(page)
    assert "Rien n’a été partagé. L’application saura seulement que vous avez refusé." in said(page)
    expect(page.get_by_role("link", name="Retourner à Balance+")).to_have_attribute("href", "/oauth/authorize/resume/x")

    page.goto(f"/consentement/{ask(*asked(clock))}")
    keyboard.press(page, button(page, "Refuser"))
    assert "Balance+ ne peut plus rien vous demander jusqu’au 19 février 2027" in said(page)
    page.goto(f"/consentement/{ask(*asked(clock))}")
    check(page)
    expect(button(page, "Autoriser")).to_have_count(0)
    expect(page.get_by_role("link", name="Retourner à Balance+")).to_be_visible()
    keyboard.press(page, button(page, "Laisser Balance+ me demander de nouveau"))
    check(page)
    page.goto(f"/consentement/{ask(*asked(clock))}")
    expect(button(page, "Autoriser")).to_be_visible()


@pytest.mark.requirement("C19", "C22")
def test_what_an_app_asks_to_change_is_marked_and_nothing_new_is_checked(
    page: Page, ask: Ask, camille: UUID, clock: FrozenClock, check: Check
) -> None:
    granted = [permission(WEIGHT, READ, data=DatePeriod(date(2026, 10, 1)), periodicity=WEEKLY), asked(clock)[2]]
    grant(ask(*asked(clock)), camille, granted, months_after(clock().date(), 3))
    read, add, _ = asked(clock)
    page.goto(f"/consentement/{ask(read, add)}")
    check(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Balance+ demande à modifier votre autorisation")
    text = said(page)
    assert "Plus qu’aujourd’hui" in text
    assert "Aujourd’hui : 1 fois par semaine, depuis le 1er octobre 2026." in text
    assert "Demandé : 1 fois par jour, depuis le 25 janvier 2026." in text
    assert re.search(r"ce ne sera plus autorisé : Tension artérielle \(lire\) Retiré", text)
    expect(box(page, "Poids", "Lire")).to_be_checked()
    expect(box(page, "Poids", "Ajouter")).not_to_be_checked()
    expect(page.get_by_role("group", name="Poids")).to_contain_text("Nouveau")
    assert chosen(page, "Durée de l’autorisation") == "Ne pas changer : jusqu’au 21 février 2027"

    keyboard.press(page, button(page, "Autoriser"))
    check(page)
    assert "votre autorisation actuelle reste en vigueur" in said(page)
    assert "Tension artérielle (lire), 1 fois par jour, depuis le 25 janvier 2026 : retiré" in said(page)
    assert state_of(camille, live(camille)).version == 1
    keyboard.press(page, button(page, "Confirmer"))
    state = state_of(camille, live(camille))
    assert (state.version, state.permissions) == (2, (granted[0],))

    with transaction(patient_id=camille):
        granting.amend_consent(
            patient_id=camille,
            grant_id=state.grant_id,
            items=granted[:1],
            valid_until=clock().date() + timedelta(days=20),
            by=acting_as(camille),
        )
    page.goto(f"/consentement/{ask(read)}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Balance+ demande à renouveler votre autorisation")
    assert "rien ne continue au-delà de cette date si vous ne le décidez pas" in said(page)


@pytest.mark.requirement("C20")
def test_a_representative_sees_for_whom_they_decide_and_is_named(
    page: Page, ask: Ask, people: Seeded, clock: FrozenClock, check: Check
) -> None:
    lea = people.patients["lea"]
    page.goto("/espace/agir-pour")
    page.get_by_label(re.compile("Léa")).check()
    page.get_by_role("button", name="Continuer").click()
    page.goto(f"/consentement/{ask(*asked(clock))}")
    check(page)
    assert re.search(r"Dossier de Léa \w+\. Vous décidez en tant que représentant : votre nom sera inscrit", said(page))
    keyboard.press(page, box(page, "Poids", "Ajouter"), "Space")
    keyboard.press(page, button(page, "Autoriser"))
    assert "Vous décidez en tant que représentant" in said(page)
    keyboard.press(page, button(page, "Confirmer"))
    keyboard.press(page, page.get_by_role("link", name="Voir le reçu"))
    assert "Par Camille Durand (représentant)" in said(page)
    with transaction(patient_id=lea):
        (state,) = queries.list_states(lea)
        (version,) = queries.list_versions(lea, state.grant_id)
    assert version.decider_kind == "representative"


def grant(request_id: UUID, patient_id: UUID, items: list, until: date) -> None:  # type: ignore[type-arg]
    with transaction(patient_id=patient_id):
        requests.decide_request(
            request_id=request_id,
            patient_id=patient_id,
            decision=Answer.GRANT,
            items=items,
            valid_until=until,
            by=acting_as(patient_id),
        )


def live(patient_id: UUID) -> UUID:
    with transaction(patient_id=patient_id):
        (state,) = queries.list_states(patient_id)
    return state.grant_id
