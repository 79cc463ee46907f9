"""Evidence by clicking: filed, refused, used for a criterion, replaced; every page seen is accessible."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import seed_people
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from tests import files
from tests.store.test_in_a_browser import sign_in

pytestmark = pytest.mark.browser


def test_a_file_is_filed_once_used_for_a_criterion_and_replaced(
    app: object, new_page: Callable[[], Page], assert_accessible: Callable[..., None], tmp_path: Path
) -> None:
    with transaction():
        seed_people(load_people(), issuer=openid.provider("agent").issuer_key)
    good, bad = tmp_path / "certificat.pdf", tmp_path / "programme.pdf"
    good.write_bytes(files.pdf())
    bad.write_bytes(files.PROGRAM)

    alice = sign_in(new_page(), "/editeur/preuves", "Alice Roche")
    assert_accessible(alice)
    alice.get_by_role("link", name="Déposer une preuve").click()
    assert_accessible(alice)
    alice.get_by_label("Ce que prouve le fichier").select_option("Certificat HDS")
    alice.get_by_label("Intitulé").fill("Certificat HDS 2026-2029")
    alice.get_by_label("Valable jusqu’au").fill("2099-12-31")
    alice.get_by_label("Fichier", exact=True).set_input_files(bad)
    alice.get_by_role("button", name="Déposer cette preuve").click()
    assert_accessible(alice, status=422)
    expect(alice.get_by_role("alert")).to_contain_text("ne correspond pas à son extension")
    alice.get_by_label("Fichier", exact=True).set_input_files(good)
    alice.get_by_role("button", name="Déposer cette preuve").click()
    expect(alice.get_by_text("Valable jusqu’au 31")).to_be_visible()
    assert_accessible(alice)
    with alice.expect_download() as download:
        alice.get_by_role("link", name="Télécharger").click()
    assert Path(download.value.path()).read_bytes() == good.read_bytes()

    alice.goto("/editeur/applications/nouvelle")
    alice.get_by_label("Nom de l’application").fill("Sommeil Zen")
    alice.get_by_role("button", name="Créer l’application").click()
    alice.goto(f"{alice.url}/preuves")
    assert_accessible(alice)
    alice.get_by_role("link", name="SEC-01").click()
    assert_accessible(alice)
    alice.get_by_label("Certificat HDS 2026-2029").check()
    alice.get_by_role("button", name="Utiliser ces preuves").click()
    assert_accessible(alice)
    alice.get_by_role("link", name="Preuves").last.click()
    expect(alice.get_by_role("listitem").filter(has_text="SEC-01")).to_contain_text("1 pièce")

    alice.goto("/editeur/preuves")
    alice.get_by_role("link", name="Remplacer Certificat HDS 2026-2029").click()
    assert_accessible(alice)
    alice.get_by_label("Valable jusqu’au").fill("2099-12-31")
    alice.get_by_label("Fichier", exact=True).set_input_files(good)
    alice.get_by_role("button", name="Déposer la nouvelle version").click()
    alice.get_by_text("Historique : 1 version remplacée").click()
    assert_accessible(alice)
