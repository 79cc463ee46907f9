"""The consent screen (C1 to C22) in a real browser."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

Ask = Callable[..., UUID]
Check = Callable[..., None]


@pytest.fixture
def camilles(page: Page, camille: UUID) -> Page:
    """Camille signed in, on her permissions dashboard."""
    page.goto("/espace/applications")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/applications")
    return page


@pytest.fixture
def question(camilles: Page, ask: Ask, owner: sa.Engine) -> Page:
    """The screen of Balance+, open in Camille's browser."""
    with owner.connect() as connection:
        (key,) = connection.scalars(sa.text("SELECT data ->> 'browser_key' FROM identity_session"))
    camilles.goto(f"/consentement/{ask(browser_key=key)}")
    return camilles


def box(page: Page, category: str, action: str) -> Locator:
    return page.get_by_role("group", name=category, exact=True).get_by_role("checkbox", name=action)


def authorise(page: Page) -> None:
    """Tick weight, to read and to add, once a day; go to the confirmation."""
    box(page, "Poids", "Lire").check()
    box(page, "Poids", "Ajouter").check()
    page.get_by_label("Fréquence la plus élevée").select_option("1 fois par jour")
    page.get_by_role("button", name="Autoriser").click()


def look(button: Locator) -> list[str]:
    """What makes a button stand out: its size, colours, weight and place in the line."""
    script = """element => {
        const style = getComputedStyle(element), box = element.getBoundingClientRect();
        const looks = [style.color, style.backgroundColor, style.fontWeight, style.borderColor];
        return [box.width, box.height, box.top, ...looks].map(String);
    }"""
    found: list[str] = button.evaluate(script)
    return found


class TestScreen:
    def test_it_says_where_one_is_who_asks_and_for_whom(self, question: Page, assert_accessible: Check) -> None:
        """C1, C2, C3, C4, C13: platform, app, publisher, number, recipients, hosting, purpose, legal basis."""
        assert_accessible(question)
        expect(question.get_by_role("heading", level=1)).to_contain_text("Balance+")
        main = question.get_by_role("main")
        for said in (
            "ne verra jamais votre mot de passe",
            "Dossier de Camille Durand",
            "Balance+ SAS",
            re.compile(r"n°.ENS-2026-\d{4}, valable jusqu’au"),
            "certificat HDS",
            "Délégué à la protection des données",
            "Prévention",
            "RGPD",
        ):
            expect(main).to_contain_text(said)
        expect(main.get_by_role("link", name="Voir la fiche")).to_have_attribute("href", "/catalogue/balance")

    def test_nothing_is_checked_and_the_longest_is_never_the_default(self, question: Page) -> None:
        """C6, C8, C9, C11."""
        assert question.locator("input:checked").count() == 0
        for label in ("Fréquence la plus élevée", "Données du passé", "Durée de l’autorisation"):
            options = question.get_by_label(label).locator("option")
            chosen = question.get_by_label(label).locator("option:checked").inner_text()
            assert options.count() > 1 and chosen != options.last.inner_text()
        expect(question.get_by_label("Durée de l’autorisation").locator("option").first).to_contain_text("jusqu’au")

    def test_reading_and_adding_are_apart_explained_and_marked(self, question: Page) -> None:
        """C5, C6: one row for each category, why, what it includes, needed or optional."""
        row = question.get_by_role("group", name="Poids", exact=True)
        assert row.get_by_role("checkbox").count() == 2
        expect(row).to_contain_text("Pourquoi")
        expect(row).to_contain_text("Nécessaire au service")
        expect(question.get_by_role("group", name="Tension artérielle")).to_contain_text("Facultatif")
        row.locator("summary").click()
        expect(row).to_contain_text("balance")

    def test_the_risks_and_the_rights_are_told_before_deciding(self, question: Page) -> None:
        """C12."""
        main = question.get_by_role("main")
        for said in ("Les copies déjà faites ne sont pas effacées", "aucun effet sur vos soins", "CNIL", "révoquer"):
            expect(main).to_contain_text(said)
        expect(question.get_by_text("les données qui s’ajouteront")).to_be_visible()

    def test_both_answers_weigh_the_same(self, question: Page) -> None:
        """C14, C21: same size, same colours, same line, same number of clicks to refuse."""
        accept, refuse = (question.get_by_role("button", name=name) for name in ("Autoriser", "Refuser"))
        assert look(accept) == look(refuse)

    def test_an_empty_choice_is_an_error_that_is_said(self, question: Page, assert_accessible: Check) -> None:
        """C15."""
        question.get_by_role("button", name="Autoriser").click()
        assert_accessible(question, status=422)
        expect(question.get_by_role("alert")).to_contain_text("Cochez au moins une donnée")

    def test_no_code_is_visible(self, question: Page) -> None:
        """C22."""
        assert not re.search(r"measures\.|body-weight|on_demand|patient/Observation", question.inner_text("main"))

    def test_it_is_answered_by_keyboard_alone(self, question: Page) -> None:
        """C22."""
        box(question, "Poids", "Lire").focus()
        question.keyboard.press("Space")
        question.get_by_role("button", name="Autoriser").focus()
        question.keyboard.press("Enter")
        expect(question.get_by_role("heading", level=1)).to_have_text("Vérifiez votre choix pour Balance+")


class TestDecision:
    def test_it_is_checked_confirmed_and_leaves_a_receipt(self, question: Page, assert_accessible: Check) -> None:
        """C16, C17."""
        authorise(question)
        assert_accessible(question)
        expect(question.get_by_role("main")).to_contain_text("Rien n’est encore autorisé")
        question.get_by_role("link", name="Modifier mon choix").click()
        expect(box(question, "Poids", "Lire")).to_be_checked()
        expect(question.get_by_label("Fréquence la plus élevée").locator("option:checked")).to_have_text(
            "1 fois par jour"
        )
        question.get_by_role("button", name="Autoriser").click()
        question.get_by_role("button", name="Confirmer").click()
        assert_accessible(question)
        expect(question.get_by_role("heading", level=1)).to_have_text("Balance+ est autorisée")
        back = question.get_by_role("link", name="Retourner à Balance+")
        expect(back).to_have_attribute("href", "/oauth/authorize/resume/x")
        question.get_by_role("link", name="Voir le reçu").click()
        assert_accessible(question)
        expect(question.get_by_role("main")).to_contain_text("Empreinte SHA-256")
        expect(question.get_by_role("main")).to_contain_text("1 fois par jour")

    def test_what_was_read_before_deciding_stands_on_the_receipt(self, question: Page) -> None:
        """C17: the text of the page is the text of the receipt."""
        told = question.locator(".ens-notice-warning li").all_inner_texts()[:5]
        authorise(question)
        question.get_by_role("button", name="Confirmer").click()
        question.get_by_role("link", name="Voir le reçu").click()
        assert set(told) <= set(question.locator("main li").all_inner_texts())

    @pytest.mark.parametrize("answer", ["Refuser", "Décider plus tard"])
    def test_a_refusal_shares_nothing_and_leads_back(
        self, question: Page, assert_accessible: Check, answer: str
    ) -> None:
        """C18: one click, nothing shared, the way back."""
        question.get_by_role("button", name=answer).click()
        assert_accessible(question)
        expect(question.get_by_role("heading", level=1)).to_contain_text("Balance+")
        expect(question.get_by_role("main")).to_contain_text("Rien n’a été partagé")
        expect(question.get_by_role("link", name="Retourner à Balance+")).to_be_visible()
