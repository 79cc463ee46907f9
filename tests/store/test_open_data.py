"""The catalogue as open data, and what search engines read."""

import csv
import io
from collections.abc import Callable
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from platform_core.clock import FrozenClock
from platform_core.database import transaction
from store import schemas
from store.pages import open_data
from store.queries import catalogue
from store.service import listings
from tests.store.conftest import People, bring_to


def test_every_field_of_the_entry_is_documented() -> None:
    documented = set(open_data.FIELDS) - {"data_read", "data_written"}
    assert documented == set(schemas.CatalogueEntry().fields)


def test_the_json_holds_every_published_application_with_its_licence(client: FlaskClient, people: People) -> None:
    bring_to("listed", people)
    bring_to("suspended", people, name="Zéphyr")
    bring_to("accepted", people, name="Secret")
    answer = client.get("/catalogue.json")
    body = answer.get_json()
    assert answer.mimetype == "application/json"
    assert body["licence"]["name"].startswith("Licence Ouverte")
    assert [(one["slug"], one["state"]) for one in body["applications"]] == [
        ("balance", "listed"),
        ("zephyr", "suspended"),
    ]
    assert body["applications"][0] == client.get("/api/v1/catalogue/balance").get_json()


def test_the_csv_is_read_back_as_it_was(client: FlaskClient, people: People) -> None:
    bring_to("listed", people, service={"tagline": '=cmd("x"), ou presque', "audience": ["adults", "carers"]})
    answer = client.get("/catalogue.csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert answer.mimetype == "text/csv"
    assert row["name"] == "Balance+"
    assert row["audience"] == "adults|carers"
    assert row["tagline"] == '\'=cmd("x"), ou presque'
    assert (row["data_read"], row["data_written"]) == ("storetest.weight", "")


@pytest.mark.parametrize("path", ["/catalogue.json", "/catalogue.csv", "/sitemap.xml"])
def test_who_has_the_present_edition_receives_nothing(
    client: FlaskClient, people: People, clock: FrozenClock, path: str
) -> None:
    application_id, _ = bring_to("listed", people)
    first = client.get(path)
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=known).status_code == 304
    assert client.get(path, headers={"If-Modified-Since": first.headers["Last-Modified"]}).status_code == 304
    clock.move(seconds=5)
    with transaction():
        listings.suspend_listing(application_id=application_id, motive="Fuite de données.", by=people.omar)
    again = client.get(path, headers=known)
    assert again.status_code == 200 and again.headers["ETag"] != first.headers["ETag"]


def test_a_listing_that_expires_changes_the_edition(client: FlaskClient, people: People, clock: FrozenClock) -> None:
    bring_to("listed", people)
    known = {"If-None-Match": client.get("/catalogue.json").headers["ETag"]}
    clock.move(days=1097)
    answer = client.get("/catalogue.json", headers=known)
    assert (answer.status_code, answer.get_json()["applications"]) == (200, [])


def test_a_long_catalogue_is_sent_batch_after_batch(
    client: FlaskClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Alpha", "Bêta", "Gamma"):
        bring_to("listed", people, name=name)
    read: Callable[..., object] = catalogue.list_published_after
    monkeypatch.setattr(open_data, "list_published_after", lambda slug: read(slug, size=2))
    assert [one["slug"] for one in client.get("/catalogue.json").get_json()["applications"]] == [
        "alpha",
        "beta",
        "gamma",
    ]


def test_the_sitemap_leads_to_every_page_of_the_catalogue(client: FlaskClient, people: People) -> None:
    bring_to("listed", people)
    root = ElementTree.fromstring(client.get("/sitemap.xml").data)
    places = [element.text or "" for element in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    paths = [urlsplit(place).path for place in places]
    assert {"/catalogue", "/catalogue/balance"} <= set(paths)
    assert [client.get(path).status_code for path in paths] == [200] * len(paths)


def test_robots_are_kept_from_the_private_areas(client: FlaskClient) -> None:
    text = client.get("/robots.txt").text
    assert "Disallow: /espace\n" in text
    assert "Disallow: /catalogue" not in text
    assert text.rstrip().endswith("/sitemap.xml")
