"""Made-up spaces in number: the arithmetic says what is written, and a run that was cut goes on."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask

from platform_app.scale import service
from platform_app.scale.cli import scale
from platform_app.scale.rules import Law, Shape, count_spaces
from platform_app.scale.tables import SHAPES
from platform_core import clock


def test_a_law_is_told_by_its_median_and_its_tail() -> None:
    law = Law(0.5, 100, 20_000)
    assert (law.quantile(0), law.quantile(0.5), law.quantile(0.99)) == (100, 158, 2154)
    assert law.quantile(0.999_999_9) == 20_000
    drawn = [law.quantile((n + 0.5) / 100_000) for n in range(100_000)]
    assert law.share * sum(drawn) / len(drawn) == pytest.approx(law.mean, rel=0.01)
    assert Shape("t", law, 10).rows(1_000) == round(1_000 * law.mean)
    assert (count_spaces(1_000_000, 0.001), count_spaces(10, 0.001)) == (1_000, 1)


def test_the_spaces_written_hold_what_the_law_says_and_are_written_once(
    app: Flask, owner: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 10)
    law = {"identity_patient": Law(1.0, 1, 1), "dmp_measure": Law(0.5, 4, 50), "dmp_entry": Law(1.0, 2, 30)}
    shapes = [replace(shape, law=law[shape.table]) for shape in SHAPES if shape.table in law]
    begun = service.generate(owner, spaces=30, now=clock.now(), shapes=shapes)
    assert next(begun)[0] == 10
    begun.close()
    rest = [rows for _, rows in service.generate(owner, spaces=30, now=clock.now(), shapes=shapes)]
    assert len(rest) == 3 and all(rest)
    assert [rows for _, rows in service.generate(owner, spaces=30, now=clock.now(), shapes=shapes)] == [0, 0, 0]
    found = {one.table: one for one in service.weigh(owner)}
    assert found["identity_patient"].rows == 30
    assert sum(one.rows for one in found.values()) == sum(rest)
    assert 30 * 2 <= found["dmp_entry"].rows <= 30 * 30
    assert found["dmp_measure"].heap > 300 and found["dmp_measure"].indexes > 100


def test_the_arithmetic_is_told_without_writing_anything(app: Flask, owner: sa.Engine) -> None:
    told = CliRunner().invoke(scale, ["generate", "--spaces", "1000000", "--fraction", "0.001", "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "1000 spaces" in told.output and "dmp_measure" in told.output
    assert service.weigh(owner) == []
