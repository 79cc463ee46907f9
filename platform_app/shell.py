"""The frame around every page: style sheets, menus, who is signed in."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext
from flask_bootstrap import Bootstrap5

from identity_core.sessions import Present
from platform_core.access import ActorKind
from platform_core.navigation import Area, Link, links
from platform_core.web import public

HOMES = {
    Area.PUBLIC: "shell.home",
    Area.PATIENT: "shell.patient_home",
    Area.PROFESSIONAL: "shell.professional_home",
    Area.PUBLISHER: "shell.publisher_home",
    Area.REVIEWER: "shell.reviewer_home",
}
AREA_NAMES = {
    Area.PROFESSIONAL: "Professionnels",
    Area.PUBLISHER: "Éditeurs",
    Area.REVIEWER: "Instruction",
}
_A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry of a menu; `current` is the value of `aria-current`: `page`, `true` for a page below it, or empty.

    A group has entries of its own instead of an address.
    """

    label: str
    href: str
    current: str
    entries: tuple["MenuItem", ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in, the patient they act for when it is somebody else, by a mandate or not (`helps`), and whether
    they may turn to another record (`switches`)."""

    name: str
    acting_for: str
    helps: bool = False
    switches: bool = False


def init_shell(app: Flask) -> None:
    """Serve Bootstrap's style sheet from here, date static files by their content, give the frame what it shows."""
    app.config.update(BOOTSTRAP_SERVE_LOCAL=True, SEND_FILE_MAX_AGE_DEFAULT=_A_YEAR)
    Bootstrap5(app)
    for endpoint in ("static", "bootstrap.static"):
        app.view_functions[endpoint] = public("files of the theme")(app.view_functions[endpoint])
    app.url_defaults(_name_by_content)
    app.jinja_env.globals.update(
        menu=menu, account=account, homes=HOMES, area_names=AREA_NAMES, record_of_page=record_of_page
    )


def menu(area: str) -> list[MenuItem]:
    """The menu of an area as far as the person present may open it, the entry of the present page marked."""
    home, entries = url_for(HOMES[Area(area)]), defaultdict[str, list[MenuItem]](list)
    for link in filter(_opens, links(Area(area))):
        href = url_for(link.endpoint)
        entries[link.group or link.endpoint].append(MenuItem(gettext(link.label), href, _current(href, home)))
    return [found[0] if len(found) == 1 else _group(name, found) for name, found in entries.items()]


def _opens(link: Link) -> bool:
    """Whether the guard of the page lets the person present read it, as far as their roles tell, or their mandate."""
    present: Present | None = g.get("present")
    if present is None:
        return True
    view = current_app.view_functions[link.endpoint]
    if present.actor.kind is ActorKind.HELPER and link.area is Area.PATIENT:
        powers, families = getattr(view, "__powers__", ()), getattr(view, "__families__", ())
        return not present.actor.roles.isdisjoint(powers) and all(map(present.actor.reaches, families))
    roles = getattr(view, "__roles__", None)
    return roles is None or not present.actor.roles.isdisjoint(roles)


def _group(name: str, found: Sequence[MenuItem]) -> MenuItem:
    return MenuItem(gettext(name), "", "true" if any(one.current for one in found) else "", tuple(found))


def _current(href: str, home: str) -> str:
    if request.path == href:
        return "page"
    return "true" if href != home and request.path.startswith(f"{href}/") else ""


def account(area: str) -> Account | None:
    """Who is signed in, where a guard has looked. Public pages do not ask: they never need the database."""
    present: Present | None = g.get("present")
    if present is None or area == Area.PUBLIC:
        return None
    acts = present.actor.on_behalf_of is not None
    helps = present.actor.kind is ActorKind.HELPER
    return Account(present.actor.name, present.patient_name if acts else "", helps, present.switches)


def record_of_page() -> UUID | None:
    """The record that the forms of a patient's page are about: a guard compares it when they come back."""
    present: Present | None = g.get("present")
    return present.patient.id if present and present.patient else None


def _name_by_content(endpoint: str, values: dict[str, Any]) -> None:
    """A changed file gets a new address: the browser may keep the old one for a year."""
    if endpoint == "static" and "filename" in values:
        values["v"] = _digest(str(Path(__file__).with_name("static") / values["filename"]))
    elif endpoint == "bootstrap.static":
        values["v"] = Bootstrap5.bootstrap_version


@lru_cache
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
