"""What everybody may read of the referencing, and the steps of the procedure."""

import json
from importlib.resources import files

import pytest
from flask.testing import FlaskClient

from store.rules import convention, course, grid
from store.rules.course import Progress
from store.rules.delays import Phase
from store.rules.procedure import PROCEDURE
from store.workflow import SubmissionState


def test_the_procedure_says_its_steps_its_delays_and_the_ways_of_appeal(client: FlaskClient) -> None:
    shown = client.get("/referencement").text
    assert [one.title for one in (*course.STEPS, *course.AFTERWARDS) if one.title not in shown] == []
    assert [one.source for one in course.APPEALS if one.source not in shown] == []
    assert f'<td role="cell" data-label="Jours">{PROCEDURE["delays_days"]["evaluation"]}</td>' in shown


@pytest.mark.parametrize("version", grid.list_versions())
def test_each_version_of_the_grid_is_readable_and_downloadable(client: FlaskClient, version: str) -> None:
    shown = client.get(f"/referencement/grille/{version}").text
    assert [one for one in grid.load(version).criteria if f"{one} : " not in shown] == []
    answer = client.get(f"/referencement/grille/{version}.json")
    assert answer.json == json.loads(files("store").joinpath(f"data/grid-{version}.json").read_text())
    again = client.get(f"/referencement/grille/{version}.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_the_grid_in_force_says_what_changed_and_whom_a_criterion_concerns(client: FlaskClient) -> None:
    shown = client.get("/referencement/grille").text
    assert "En vigueur" in shown and "Ce qui a changé depuis la grille 2026.1" in shown
    assert "Le service échangera-t-il des données" in shown and "Oui" in shown
    assert "Remplacée" in client.get("/referencement/grille/2026.1").text


@pytest.mark.parametrize("version", ["1999.1", "..", "procedure", "2026.1.json.json"])
def test_an_unknown_version_of_the_grid_is_not_found(client: FlaskClient, version: str) -> None:
    assert client.get(f"/referencement/grille/{version}").status_code == 404


def test_the_text_of_the_convention_is_public_with_its_hash(client: FlaskClient) -> None:
    text = convention.present()
    shown = client.get("/referencement/convention").text
    assert text.hash in shown and text.articles[-1].title in shown


@pytest.mark.parametrize(
    ("state", "phases", "done", "mark"),
    [
        (SubmissionState.DRAFT, [], 0, Progress.CURRENT),
        (SubmissionState.SUBMITTED, [Phase.ADMISSIBILITY], 1, Progress.CURRENT),
        (SubmissionState.COMPLEMENTS_REQUESTED, [Phase.EVALUATION, Phase.COMPLEMENTS], 2, Progress.CURRENT),
        (SubmissionState.REFUSED, [Phase.EVALUATION, Phase.DECISION], 3, Progress.STOPPED),
        (SubmissionState.ABANDONED, [], 0, Progress.STOPPED),
        (SubmissionState.INTEROP_TESTS, [Phase.DECISION, Phase.LISTING], 6, Progress.CURRENT),
        (SubmissionState.LISTED, [Phase.LISTING], 7, None),
    ],
)
def test_a_submission_is_at_one_step(
    state: SubmissionState, phases: list[Phase], done: int, mark: Progress | None
) -> None:
    marks = [progress for _, progress in course.list_progress(state, phases)]
    here = [mark] if mark else []
    assert marks == [Progress.DONE] * done + here + [Progress.TO_COME] * (len(course.STEPS) - done - len(here))


def test_every_phase_belongs_to_a_step() -> None:
    assert {*course.STEP_OF} == {*Phase}
    assert {*course.STEP_OF.values()} <= {step.code for step in course.STEPS}
