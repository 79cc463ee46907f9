"""Every route declares who may pass."""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Flask


def views(app: Flask) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Each view with the name of its route; a class gives one view for each method."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        view_class = getattr(view, "view_class", None)
        if view_class is None:
            yield f"{rule.rule} → {rule.endpoint}", view
            continue
        for method in (rule.methods or set()) & set(view_class.methods):
            yield f"{method} {rule.rule} → {rule.endpoint}", getattr(view_class, method.lower())


def test_every_route_declares_its_guard(application: Flask) -> None:
    open_views = {name for name, view in views(application) if not hasattr(view, "__guard__")}
    assert {name for name in open_views if not name.endswith("static")} == set()


def test_a_public_route_says_why(application: Flask) -> None:
    guards = [getattr(view, "__guard__", "") for _, view in views(application)]
    public = [guard for guard in guards if guard.startswith("public")]
    assert public
    assert all(len(guard.removeprefix("public:").strip()) > 10 for guard in public)
