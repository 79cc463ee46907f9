"""A fault of the program: told without details, logged without what the database quotes."""

import logging

import pytest
import sqlalchemy as sa
from flask import Flask

from platform_app.errors import render_fault
from platform_core.database import db, run, transaction

SECRET = "72.4-de-Camille"


def by_mapper() -> None:
    db.session.execute(sa.text("SELECT CAST(:value AS integer)"), {"value": SECRET})


def by_driver() -> None:
    run("SELECT CAST(%(value)s AS text)::integer", {"value": SECRET})


@pytest.mark.parametrize("send", [by_mapper, by_driver])
def test_what_the_database_quotes_is_not_logged(app: Flask, caplog: pytest.LogCaptureFixture, send) -> None:
    with pytest.raises(sa.exc.DBAPIError) as raised, transaction():
        send()
    assert SECRET in str(raised.value.orig), "PostgreSQL does quote the value"
    with app.test_request_context("/api/v1/categories"), caplog.at_level(logging.DEBUG):
        answer = render_fault(raised.value)
    assert (answer.status_code, SECRET in answer.get_data(as_text=True)) == (500, False)
    assert "SQLSTATE 22P02" in caplog.text
    assert SECRET not in caplog.text


def test_another_fault_is_logged_with_its_words(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    with app.test_request_context("/"):
        render_fault(ZeroDivisionError("division by zero"))
    assert "division by zero" in caplog.text
