"""Menus and panels that gather several rooms on one page: each `wiring.py` adds its own, the shell shows them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from platform_core.access import Actor


class Area(StrEnum):
    """A part of the site with a menu of its own."""

    PUBLIC = "public"
    PATIENT = "patient"
    PROFESSIONAL = "pro"
    PUBLISHER = "publisher"
    REVIEWER = "reviewer"


@dataclass(frozen=True, slots=True)
class Link:
    """A menu entry. `label` is a French msgid; `endpoint` a Flask endpoint without required arguments.

    Entries of one `group`, a French msgid too, stand under its name, at the place of the first.
    """

    area: Area
    label: str
    endpoint: str
    order: int = 100
    group: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A block of an area's home page: a template and the function that loads its context.

    `load` runs inside the page's transaction and gets the actor and the keyword arguments of the page
    (`patient_id` in the patient's area, `application_id` on a publisher's application page).
    """

    area: Area
    page: str
    template: str
    load: Callable[..., Mapping[str, Any] | None]
    order: int = 100


_links: dict[tuple[Area, str], Link] = {}
_panels: dict[tuple[Area, str, str], Panel] = {}


def add_link(link: Link) -> None:
    _links[link.area, link.endpoint] = link


def add_panel(panel: Panel) -> None:
    _panels[panel.area, panel.page, panel.template] = panel


def links(area: Area) -> list[Link]:
    """The menu of an area, in order."""
    return sorted((link for link in _links.values() if link.area == area), key=lambda link: link.order)


def panels(area: Area, page: str, *, by: Actor | None, **arguments: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """The (template, context) pairs of a page, in order. A panel whose `load` gives None is not shown."""
    chosen = [panel for panel in _panels.values() if (panel.area, panel.page) == (area, page)]
    loaded = ((panel, panel.load(by=by, **arguments)) for panel in sorted(chosen, key=lambda panel: panel.order))
    return [(panel.template, context) for panel, context in loaded if context is not None]
