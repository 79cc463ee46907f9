"""French in the pages: Flask-Babel with French as the language of the sources."""

from flask import Flask
from flask_babel import Babel, gettext

from platform_core.french import LOCALE, day_in_figures, day_in_words, in_words, number_in_words, size_in_words, typeset


def init_babel(app: Flask) -> None:
    """Set the language and the time zone of the pages; add the filters of dates, numbers and sizes.

    The language never follows the browser: the texts that people consent to exist in French only. The plural starts
    at two, as in French.
    """
    app.config.update(BABEL_DEFAULT_LOCALE=LOCALE, BABEL_DEFAULT_TIMEZONE="Europe/Paris")
    Babel(app, locale_selector=lambda: LOCALE)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: typeset(gettext(text)),
        ngettext=lambda one, many, count: typeset(gettext(one if abs(count) < 2 else many)),
        newstyle=True,
    )
    app.jinja_env.filters.update(
        datetime=in_words, date=day_in_words, short_date=day_in_figures, number=number_in_words, size=size_in_words
    )
