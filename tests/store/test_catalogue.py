"""The catalogue: how it is searched, narrowed and counted, by pages and by programs."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from store.models.listings import Listing
from store.queries.catalogue import count_facets, list_listed, search_catalogue
from store.rules import search
from store.rules.catalogue import Facet, facets, public_entry
from store.rules.procedure import PROCEDURE
from store.service import listings
from tests.store.conftest import People, bring_to, complete_dossier


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Pesée œdème", ["pesee", "oedeme"]),
        ("a & b | !c:*", ["b", "c"]),
        ("'; DROP TABLE", ["drop", "table"]),
        ("l’appli pour mes reins", ["reins"]),
        ("  ", []),
    ],
)
def test_a_search_keeps_the_words_that_mean_something(text: str, terms: list[str]) -> None:
    assert [term.split(":*")[0] for term in search.search_terms(text)] == terms


def test_a_word_brings_its_synonyms_in_the_plural_too() -> None:
    (term,) = search.search_terms("Tensions")
    assert term.startswith("tensions:* | ")
    assert "(tensiometre)" in term and "(pression <-> arterielle)" in term


def test_a_long_text_is_cut_to_its_first_words() -> None:
    assert len(search.search_terms(" ".join(f"mot{number}" for number in range(50)))) == search.MOST_WORDS


def test_the_facets_of_a_dossier_name_families_and_categories_of_data() -> None:
    found = facets(complete_dossier())
    assert {"data:storetest", "data:storetest.weight", "audience:adults", "territory:national"} <= set(found)
    assert found == sorted(found)
    assert {value.partition(":")[0] for value in found} <= set(Facet)


@pytest.mark.parametrize(
    ("text", "found", "near"),
    [
        ("pesee", 1, False),
        ("PESÉES", 1, False),
        ("balanc", 1, False),
        ("poids balance", 1, False),
        ("obésité", 1, False),
        ("glycémie", 0, True),
        ("ballance", 1, True),
        ("' | & :*", 1, False),
        ("", 1, False),
    ],
)
def test_the_catalogue_is_searched_in_french(people: People, text: str, found: int, near: bool) -> None:
    """Without accents, by the beginning of a word, by synonyms; then by words spelt alike."""
    bring_to("listed", people)
    with transaction():
        result = search_catalogue(text=text)
    assert (result.page.total, result.near) == (found, near)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({Facet.FAMILY: {"prevention"}}, 1),
        ({Facet.FAMILY: {"documents"}}, 0),
        ({Facet.FAMILY: {"documents", "prevention"}}, 1),
        ({Facet.DATA: {"storetest.weight"}}, 1),
        ({Facet.DATA: {"storetest"}}, 1),
        ({Facet.DATA: {"storetest.bmi"}}, 0),
        ({Facet.AUDIENCE: {"adults"}}, 1),
        ({Facet.AUDIENCE: {"adults"}, Facet.COST: {"paid"}}, 0),
        ({Facet.OWNERSHIP: {"private"}, Facet.TERRITORY: {"national"}, Facet.PLATFORM: {"web"}}, 1),
    ],
)
def test_the_catalogue_is_narrowed_by_its_facets(people: People, chosen: dict[Facet, set[str]], found: int) -> None:
    bring_to("listed", people)
    with transaction():
        assert list_listed(chosen={facet: frozenset(values) for facet, values in chosen.items()}).total == found


def test_a_count_says_what_choosing_the_value_would_show(people: People) -> None:
    """The choices of the other facets hold; that of the same facet does not, since its values add up."""
    bring_to("listed", people)
    bring_to("listed", people, name="Cadence", catalogue={"family": "appointments", "cost": "paid"})
    with transaction():
        counts = search_catalogue(chosen={Facet.FAMILY: frozenset({"appointments"})}).counts
    assert counts[Facet.FAMILY] == {"appointments": 1, "prevention": 1}
    assert counts[Facet.COST] == {"paid": 1}
    assert counts[Facet.REGION] == {}


def test_the_counts_kept_are_those_of_the_listings_in_force(people: People, clock: FrozenClock) -> None:
    """After each act on a listing, and on the day after the last one, before any sweep."""

    def compare(listed: int) -> None:
        with transaction():
            value = sa.func.unnest(Listing.facets)
            live = (Listing.state == "listed") & (Listing.expires_on >= clock().date())
            counted = sa.select(value, sa.func.count()).where(live).group_by(value)
            said = {f"{facet}:{code}": n for facet, codes in count_facets().items() for code, n in codes.items()}
            assert said == {found: count for found, count in db.session.execute(counted)}
            assert list_listed().total == listed

    first, _ = bring_to("listed", people)
    bring_to("listed", people, name="Cadence", catalogue={"family": "appointments", "cost": "paid"})
    compare(2)
    with transaction():
        listings.suspend_listing(application_id=first, motive="Fuite.", by=people.omar)
    compare(1)
    with transaction():
        listings.reinstate_listing(application_id=first, motive="Corrigé.", by=people.omar)
    compare(2)
    with transaction():
        listings.withdraw_listing(application_id=first, motive="Arrêt.", by=people.omar)
    compare(1)
    clock.move(days=PROCEDURE["listing_days"] + 2)
    compare(0)
    with transaction():
        assert listings.expire_listings(by=SYSTEM) == 1
    compare(0)


def test_the_name_weighs_more_than_the_description(people: People) -> None:
    service = complete_dossier()["service"]
    bring_to("listed", people, name="Agora", service={"description": f"{service['description']} Comme Zéphyr."})
    bring_to("listed", people, name="Zéphyr")
    with transaction():
        assert [listing.name for listing in list_listed(text="zephyr").items] == ["Zéphyr", "Agora"]


def test_programs_search_narrow_and_count_like_people(client: FlaskClient, people: People) -> None:
    bring_to("listed", people)
    answer = client.get("/api/v1/catalogue?q=pesee&family=prevention&family=documents&audience=adults")
    body: dict[str, Any] = answer.get_json()
    assert [line["slug"] for line in body["applications"]] == ["balance"]
    assert (body["total"], body["near"], body["facets"]["cost"]) == (1, False, {"free": 1})
    assert client.get("/api/v1/catalogue?cost=paid").get_json()["total"] == 0
    assert client.get(f"/api/v1/catalogue?q={'a' * 201}").status_code == 422


def test_how_a_service_protects_itself_is_not_public(people: People, client: FlaskClient) -> None:
    hosting = complete_dossier()["hosting"]
    bring_to("listed", people)
    assert set(public_entry(complete_dossier())["hosting"]) == {
        "hoster",
        "country",
        "hds_certificate",
        "hds_valid_until",
    }
    page = client.get("/catalogue/balance").text
    assert hosting["hoster"] in page
    assert hosting["encryption"] not in page


def test_the_page_of_an_application_says_what_it_asks_and_what_the_examination_found(
    people: People, client: FlaskClient
) -> None:
    bring_to("listed", people, catalogue={"ios_url": "https://magasin.exemple.fr/balance"})
    page = client.get("/catalogue/balance").text
    for text in (
        "Autoriser cette application",
        "Pour tracer la courbe",
        "Sécurité : <strong>",
        "https://magasin.exemple.fr",
    ):
        assert text in page
    bring_to("suspended", people, name="Zéphyr")
    page = client.get("/catalogue/zephyr").text
    assert "Référencement suspendu" in page and "Autoriser cette application" not in page
    assert "la suspension est levée" not in page and "le référencement est suspendu" in page
