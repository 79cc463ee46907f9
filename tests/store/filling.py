"""How a publisher fills a dossier in a browser, by keyboard: fields are focused and typed in, choices take a space."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page

Check = Callable[..., None]


def sign_in(page: Page, path: str, name: str) -> Page:
    page.goto(path)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name=name).click()
    return page


def choose(control: Locator) -> None:
    """Check a box or a radio button."""
    control.focus()
    control.press("Space")


def press(page: Page, name: str) -> None:
    """Press a button that leads to another page, and be there: a draft on its way may delay it."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).press("Enter")


def follow(page: Page, name: str, *, exact: bool = False) -> None:
    """Follow a link."""
    with page.expect_navigation():
        page.get_by_role("link", name=name, exact=exact).press("Enter")


def save(page: Page, check: Check) -> None:
    check(page)
    press(page, "Enregistrer et continuer")


def answer(page: Page, question: str, value: str) -> None:
    """Answer a question that has radio buttons or boxes."""
    choose(page.get_by_role("group", name=question).get_by_label(value, exact=True))


def create_application(page: Page, name: str, check: Check) -> None:
    """From the list: the questions of eligibility, then the name."""
    follow(page, "Nouvelle application")
    check(page)
    press(page, "Vérifier")
    check(page, status=422)
    answer(page, "À quoi le service sert-il avant tout", "Prévention")
    answer(page, "Le service échangera-t-il des données", "Oui")
    answer(page, "Où les données de santé sont-elles hébergées", "En France")
    press(page, "Vérifier")
    check(page)
    page.get_by_label("Nom de l’application").fill(name)
    press(page, "Créer l’application")
    check(page)


def fill_dossier(page: Page, check: Check) -> None:
    """From the hub, section after section; ends on the hub."""
    orient(page, check)
    page.get_by_label("Le service en une phrase").fill("Un carnet de sommeil à montrer à votre médecin.")
    page.get_by_label("Description").fill("Vous notez vos nuits chaque matin et vous voyez ce qui les trouble.")
    answer(page, "Publics", "Adultes")
    answer(page, "Où l’utiliser", "Site web")
    page.get_by_label("Adresse du site").fill("https://sommeil-zen.exemple.fr")
    save(page, check)
    page.get_by_label("Adresse du siège").fill("12 rue des Mesures, 44000 Nantes")
    page.get_by_label("Adresse électronique de contact").fill("contact@sommeil-zen.exemple.fr")
    save(page, check)
    answer(page, "Finalités", "Prévention")
    answer(page, "Durée la plus longue", "Trois mois")
    press(page, "Enregistrer et continuer")
    _protect(page, check)
    _qualify(page, check)
    answer_criteria(page, check)
    _publish(page, check)


def orient(page: Page, check: Check) -> None:
    follow(page, "Orientation")
    answer(page, "Le service est-il un dispositif médical", "Non")
    save(page, check)
    for question in ("Des mineurs", "Des professionnels", "Permet-il de consulter", "Publie-t-il", "Emploie-t-il"):
        answer(page, question, "Non")
    save(page, check)
    for question in ("Y a-t-il une application mobile", "Reçoit-il des mesures", "La personne peut-elle"):
        answer(page, question, "Non")
    save(page, check)


def _protect(page: Page, check: Check) -> None:
    """Security and hosting, protection of data, interoperability."""
    page.get_by_label("Hébergeur", exact=True).fill("Nuage Clair")
    page.get_by_label("Pays d’hébergement").fill("France")
    page.get_by_label("Numéro du certificat HDS").fill("HDS-2024-0117")
    page.get_by_label("Certificat HDS valable jusqu’au").fill("2028-03-31")
    save(page, check)
    answer(page, "Comment les personnes se connectent", "Clé d’accès")
    page.get_by_label("Chiffrement des données conservées").fill("Bases et sauvegardes chiffrées par nos clés.")
    save(page, check)
    page.get_by_label("Contact du délégué").fill("dpo@sommeil-zen.exemple.fr")
    page.get_by_label("Destinataires et sous-traitants").fill("Nuage Clair, hébergeur, France")
    page.get_by_label("Conservation et effacement").fill("Tout est effacé trente jours après la fin.")
    page.get_by_label("Risques pour la personne").fill("Vos nuits peuvent révéler vos habitudes.")
    page.get_by_label("Recours").fill("Écrivez à notre délégué, puis à la CNIL.")
    save(page, check)
    answer(page, "Base légale", "Contrat avec la personne")
    answer(page, "Analyse d’impact (AIPD)", "Faite et validée")
    page.get_by_label("Date de l’analyse d’impact").fill("2026-03-02")
    page.get_by_label("Principaux risques").fill("Téléphone laissé ouvert : verrouillage. Fuite : chiffrement.")
    save(page, check)
    answer(page, "Profil du client", "SMART App Launch : application mobile ou web sans serveur")
    answer(page, "Le service recevra-t-il les notifications", "Non")
    answer(page, "Formats maîtrisés", "HL7 FHIR R4")
    save(page, check)


def _qualify(page: Page, check: Check) -> None:
    """Accessibility and ethics."""
    page.get_by_label("Part des critères respectés").fill("80")
    page.get_by_label("Date de l’audit").fill("2026-04-01")
    answer(page, "Auteur de l’audit", "Un tiers")
    page.get_by_label("Adresse de la déclaration").fill("https://sommeil-zen.exemple.fr/accessibilite")
    page.get_by_label("Ce qui n’est pas encore accessible").fill("Rien")
    save(page, check)
    answer(page, "De quoi vit le service", "Paiements des usagers")
    page.get_by_label("Liens d’intérêts").fill("Aucun")
    page.get_by_label("Aide aux personnes en difficulté").fill("Par téléphone, de 9 h à 18 h.")
    save(page, check)


def answer_criteria(page: Page, check: Check) -> None:
    """Every criterion of every family, at the first level that is enough: the first by hand, the others like it."""
    check(page)
    follow(page, "Urbanisation")
    check(page)
    for _ in range(7):
        first = page.locator(".ens-card").first
        choose(first.get_by_label("Niveau 1"))
        first.get_by_label("Ce qui le montre").fill("Voir la pièce, qui le décrit.")
        page.get_by_label("Niveau 1").evaluate_all("all => all.forEach(one => { one.checked = true })")
        page.locator("textarea").evaluate_all("all => all.forEach(one => { one.value = 'Montrée à la visite.' })")
        press(page, "Enregistrer et continuer")


def _publish(page: Page, check: Check) -> None:
    """Contacts and the catalogue's entry."""
    page.get_by_label("Responsable du dossier").fill("Alice Roche")
    page.get_by_label("Son adresse électronique").fill("alice@sommeil-zen.exemple.fr")
    page.get_by_label("Adresse électronique de l’équipe technique").fill("technique@sommeil-zen.exemple.fr")
    page.get_by_label("Adresse électronique pour les incidents").fill("securite@sommeil-zen.exemple.fr")
    page.get_by_label("Téléphone pour les incidents").fill("02 40 00 00 00")
    page.get_by_label("Signataire de la convention").fill("Alice Roche")
    page.get_by_label("Sa qualité").fill("présidente")
    save(page, check)
    answer(page, "Rubrique", "Bien-être")
    answer(page, "Coût pour la personne", "Gratuit")
    answer(page, "Nature de l’éditeur", "Service privé")
    answer(page, "Territoire", "Toute la France")
    save(page, check)
    page.get_by_label("Mots de recherche").fill("insomnie\nnuit")
    page.get_by_label("Assistance aux utilisateurs").fill("aide@sommeil-zen.exemple.fr")
    save(page, check)


def add_item(page: Page, check: Check) -> None:
    """From the hub: the pulse, to read; ends on the section « Données et finalités »."""
    follow(page, "Données et finalités")
    follow(page, "Ajouter une donnée")
    check(page)
    press(page, "Enregistrer cette donnée")
    check(page, status=422)
    page.get_by_label("Donnée", exact=True).select_option("measures.heart-rate")
    choose(page.get_by_label("Lire", exact=True))
    page.get_by_label("Pourquoi").fill("Pour rapprocher votre pouls de vos nuits.")
    choose(page.get_by_label("Oui", exact=True))
    choose(page.get_by_label("Plusieurs fois"))
    page.get_by_label("Rythme : nombre de fois").fill("1")
    press(page, "Enregistrer cette donnée")
    check(page)


def submit_dossier(page: Page, check: Check) -> None:
    """From the hub: read again, attest, send; ends on the receipt."""
    follow(page, "Vérifier et soumettre")
    check(page)
    choose(page.get_by_label("J’atteste"))
    press(page, "Soumettre le dossier")
    check(page)
