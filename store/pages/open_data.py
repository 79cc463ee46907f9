"""The catalogue as open data (JSON, CSV), and what search engines read: sitemap, robots."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import escape

import orjson
from flask import Blueprint, Response, render_template, request, stream_with_context, url_for

from platform_core import config
from platform_core.database import transaction
from platform_core.navigation import Area, links
from platform_core.web import public, rate_limit
from store import schemas
from store.queries.catalogue import Edition, find_edition, list_published_after
from store.queries.listings import ListingView

blueprint = Blueprint("open_data", __name__, template_folder="../templates")

LICENCE = {
    "name": "Licence Ouverte / Open Licence 2.0 (Etalab)",
    "url": "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
}
FIELDS: Mapping[str, str] = json.loads(files("store").joinpath("data/open_data.json").read_text())
COLUMNS = tuple(name for name in FIELDS if name != "items")
_CSV_ONLY = ("data_read", "data_written")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_PRIVATE = ("/api/", "/appareil", "/connexion", "/editeur", "/espace", "/fhir", "/instruction", "/oauth/", "/pro/")


@blueprint.get("/catalogue/donnees-ouvertes")
@public("the catalogue is public")
def describe() -> str:
    return render_template("store/catalogue/open_data.html", fields=FIELDS, licence=LICENCE)


@blueprint.get("/catalogue.json")
@public("the catalogue is open data")
@rate_limit("30 per minute")
def export_json() -> Response:
    edition = _edition()
    return _serve(_json(edition), "application/json", edition)


@blueprint.get("/catalogue.csv")
@public("the catalogue is open data")
@rate_limit("30 per minute")
def export_csv() -> Response:
    return _serve(_csv(), "text/csv", _edition())


@blueprint.get("/sitemap.xml")
@public("search engines read it")
@rate_limit("30 per minute")
def map_site() -> Response:
    return _serve(_sitemap(), "application/xml", _edition())


@blueprint.get("/robots.txt")
@public("search engines read it")
def guide_robots() -> Response:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _PRIVATE), f"Sitemap: {_site()}{url_for('.map_site')}"]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


def _edition() -> Edition:
    with transaction():
        return find_edition()


def _serve(parts: Iterator[str], mimetype: str, edition: Edition) -> Response:
    """Stream, unless the caller has this edition already (RFC 9110 §13)."""
    answer = Response(stream_with_context(parts), mimetype=mimetype)
    answer.set_etag(hashlib.sha256(f"{edition.count} {edition.changed_at}".encode()).hexdigest()[:32], weak=True)
    answer.last_modified = edition.changed_at
    answer.headers["Cache-Control"] = "public, no-cache"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.make_conditional(request)
    return answer


def _published() -> Iterator[ListingView]:
    """Every published listing; each batch is read in a transaction of its own, none stays open while sending."""
    slug = ""
    while True:
        with transaction():
            batch = list_published_after(slug)
        yield from batch
        if not batch:
            return
        slug = batch[-1].slug


def _record(listing: ListingView) -> dict[str, Any]:
    record: dict[str, Any] = schemas.CatalogueEntry().dump(schemas.describe(listing))
    return record


def _json(edition: Edition) -> Iterator[str]:
    head = {
        "title": "Catalogue des applications de l’espace numérique de santé",
        "licence": LICENCE,
        "updated_at": edition.changed_at,
        "documentation": _site() + url_for(".describe"),
    }
    yield orjson.dumps(head).decode()[:-1] + ',"applications":['
    for number, listing in enumerate(_published()):
        yield ("," if number else "") + orjson.dumps(_record(listing)).decode()
    yield "]}"


def _csv() -> Iterator[str]:
    yield _line(COLUMNS)
    for listing in _published():
        record = _record(listing)
        for access, column in zip(("read", "write"), _CSV_ONLY, strict=True):
            record[column] = [item["category"] for item in record["items"] if item["access"] == access]
        yield _line([_cell(record[column]) for column in COLUMNS])


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _cell(value: Any) -> str:
    """Lists are joined by a bar; a text that a spreadsheet would run as a formula is quoted by an apostrophe."""
    text = "|".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _sitemap() -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    for link in links(Area.PUBLIC):
        yield f"<url><loc>{escape(_site() + url_for(link.endpoint))}</loc></url>\n"
    for listing in _published():
        address = _site() + url_for("catalogue.show_entry", slug=listing.slug)
        yield f"<url><loc>{escape(address)}</loc><lastmod>{listing.listed_on}</lastmod></url>\n"
    yield "</urlset>\n"


def _site() -> str:
    return config.current().base_url
