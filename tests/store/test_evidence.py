"""Evidence at the service: filed once, used in dossiers, replaced and never lost, told of before it ends."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from notification_core.models import AgentMessage
from platform_core import clock as clock_module
from platform_core import config as settings_module
from platform_core import crypto
from platform_core.access import SYSTEM, Actor
from platform_core.blobs import service as blobs
from platform_core.blobs.stores import store_of
from platform_core.clock import FrozenClock
from platform_core.config import Config
from platform_core.database import DatabaseRole, db, transaction
from platform_core.errors import Conflict, DomainError, Invalid, NotFound, TooLarge, UnsupportedType
from store.errors import RoleRequired, SectionLocked
from store.models.evidence import Evidence, EvidenceLink
from store.models.submissions import Submission
from store.queries import evidence as queries
from store.rules import grid
from store.rules.evidence import KINDS, TargetKind, check_description, days_left
from store.service import dossiers, evidence, questions
from tests import files
from tests.store.conftest import People, bring_to

CRITERION, OTHER = "SEC-01", "SEC-02"
TODAY = date(2026, 11, 21)
PDF = files.pdf()


@pytest.fixture(autouse=True)
def blob_folder(app: Flask, config: Config, tmp_path: Path, clock: FrozenClock) -> Iterator[Path]:
    """An empty folder of blobs, as that of the process."""
    settings_module.configure(replace(config, blob_url=f"file://{tmp_path}/blobs"))
    yield tmp_path / "blobs"
    settings_module.configure(config)


def add(by: Actor, content: bytes = PDF, **fields: object) -> UUID:
    said = {"kind": "other", "title": "Attestation", "valid_from": None, "valid_until": None, **fields}
    with evidence.receive_file(files.stream(content), "pièce.pdf") as upload, transaction():
        return evidence.add_evidence(upload=upload, by=by, **said)  # type: ignore[arg-type]


def replace_file(evidence_id: UUID, by: Actor, content: bytes = PDF, valid_until: date | None = None) -> UUID:
    with evidence.receive_file(files.stream(content), "pièce.pdf") as upload, transaction():
        return evidence.replace_evidence(
            evidence_id=evidence_id, upload=upload, title="Nouvelle", valid_from=None, valid_until=valid_until, by=by
        )


def link(application_id: UUID, evidence_id: UUID, by: Actor, target: str = CRITERION) -> None:
    with transaction():
        evidence.link_evidence(
            application_id=application_id,
            target_kind=TargetKind.CRITERION,
            target=target,
            evidence_id=evidence_id,
            by=by,
        )


def unlink(application_id: UUID, evidence_id: UUID, by: Actor) -> None:
    with transaction():
        evidence.unlink_evidence(
            application_id=application_id,
            target_kind=TargetKind.CRITERION,
            target=CRITERION,
            evidence_id=evidence_id,
            by=by,
        )


def backing(submission_id: UUID) -> list[UUID]:
    with transaction():
        return [found.evidence.id for found in queries.list_links(submission_id)]


def sent(submission_id: UUID) -> list[UUID]:
    with transaction():
        return [found.evidence.id for found in queries.list_submitted_links(submission_id)]


def count(model: type) -> int:
    with transaction():
        return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_a_filed_file_comes_back_as_it_was(people: People, blob_folder: Path) -> None:
    evidence_id = add(people.alice, title="  Certificat  ")
    with transaction():
        view = queries.get_own_evidence(evidence_id, by=people.alice)
        key = crypto.organisation_key(view.organisation_id, create=False)
    assert b"".join(blobs.read(view.blob, key=key)) == PDF
    assert (view.title, view.file_name, view.media_type, view.blob.size) == (
        "Certificat",
        "pièce.pdf",
        "application/pdf",
        len(PDF),
    )
    assert not any(PDF[:20] in path.read_bytes() for path in blob_folder.rglob("*") if path.is_file())


REFUSED: dict[str, tuple[str, bytes, type[DomainError], str]] = {
    "a renamed program": ("rapport.pdf", files.PROGRAM, Invalid, "file-mismatch"),
    "a program": ("outil.exe", files.PROGRAM, UnsupportedType, "file-type"),
    "a bomb": ("a.docx", files.docx(**{"word/a.xml": bytes(20 * files.MB)}), Invalid, "archive-bomb"),
    "macros": ("a.docx", files.docx(**{"word/vbaProject.bin": b"a"}), Invalid, "archive-macros"),
    "an empty file": ("rapport.pdf", b"", Invalid, "file-empty"),
    "a path": ("../../rapport.pdf", PDF, Invalid, "file-name"),
    "an encrypted PDF": ("rapport.pdf", files.pdf(password="secret"), Invalid, "pdf-encrypted"),
    "a false extension": ("photo.png", PDF, Invalid, "file-mismatch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_file_leaves_nothing(people: People, blob_folder: Path, case: str) -> None:
    name, content, kind, code = REFUSED[case]
    with pytest.raises(kind) as refused, evidence.receive_file(files.stream(content), name):
        pytest.fail("The file was received.")
    assert refused.value.code == code
    assert count(Evidence) == 0 and not any(path.is_file() for path in blob_folder.rglob("*"))


def test_a_file_of_200_mb_is_refused_without_being_read(people: People, blob_folder: Path) -> None:
    large = files.Hole(200 * files.MB, start=b"%PDF-1.7")
    with pytest.raises(TooLarge, match="25 MB"), evidence.receive_file(large, "rapport.pdf"):
        pytest.fail("The file was received.")
    assert large.given == 0 and not any(path.is_file() for path in blob_folder.rglob("*"))


def test_a_file_whose_row_is_refused_leaves_nothing(people: People, blob_folder: Path) -> None:
    with pytest.raises(Invalid):
        add(people.alice, kind="hds-certificate")
    with pytest.raises(RoleRequired):
        add(people.ines)
    assert count(Evidence) == 0 and not any(path.is_file() for path in blob_folder.rglob("*"))


FAULTS = {
    "an unknown kind": ({"kind": "poem"}, ("kind", "choice")),
    "no title": ({"title": "  "}, ("title", "required")),
    "an endless title": ({"title": "a" * 151}, ("title", "too-long")),
    "a certificate without an end": ({"kind": "hds-certificate", "valid_until": None}, ("valid_until", "required")),
    "an end before the beginning": ({"valid_from": TODAY + timedelta(days=9)}, ("valid_until", "order")),
    "an end that is past": ({"valid_until": TODAY - timedelta(days=1)}, ("valid_until", "past")),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_said_of_a_file_is_checked(case: str) -> None:
    fields, fault = FAULTS[case]
    said = {"kind": "other", "title": "Pièce", "valid_from": None, "valid_until": TODAY, **fields}
    with pytest.raises(Invalid) as refused:
        check_description(today=TODAY, **said)  # type: ignore[arg-type]
    assert [(found.where, found.code) for found in refused.value.faults] == [fault]


def test_the_last_day_still_holds() -> None:
    check_description(kind="other", title="Pièce", valid_from=TODAY, valid_until=TODAY, today=TODAY)
    assert (days_left(TODAY, TODAY), days_left(None, TODAY)) == (0, None)


def test_each_kind_says_what_it_is() -> None:
    assert all(kind.label and kind.hint.endswith(".") for kind in KINDS.values())
    assert {code for code, kind in KINDS.items() if kind.dated} >= {"hds-certificate", "ce-certificate"}


def test_one_file_serves_two_applications_of_its_organisation_and_no_other(people: People) -> None:
    first, _ = bring_to("draft", people)
    second, _ = bring_to("draft", people, name="Tension+")
    evidence_id = add(people.alice)
    link(first, evidence_id, people.alice)
    link(first, evidence_id, people.alice)
    link(second, evidence_id, people.alice)
    with transaction():
        uses = queries.list_uses(organisation_id=people.alice.organisation_id)  # type: ignore[arg-type]
    assert [use.name for use in uses[evidence_id]] == ["Balance+", "Tension+"] and count(EvidenceLink) == 2
    with pytest.raises(NotFound):
        link(first, add(people.bruno), people.alice)
    with pytest.raises(NotFound):
        link(first, evidence_id, people.bruno)
    with transaction(), pytest.raises(NotFound):
        queries.get_own_evidence(evidence_id, by=people.bruno)


@pytest.mark.parametrize(("kind", "target"), [(TargetKind.CRITERION, "XXX-99"), (TargetKind.SECTION, "nowhere")])
def test_a_part_that_the_dossier_has_not_is_not_found(people: People, kind: TargetKind, target: str) -> None:
    application_id, _ = bring_to("draft", people)
    evidence_id = add(people.alice)
    with pytest.raises(NotFound), transaction():
        evidence.link_evidence(
            application_id=application_id, target_kind=kind, target=target, evidence_id=evidence_id, by=people.alice
        )


def submitted_with(evidence_ids: list[UUID], people: People, clock: FrozenClock) -> tuple[UUID, UUID]:
    """An application of Alice's sent to review with these files on one criterion."""
    application_id, submission_id = bring_to("draft", people)
    for evidence_id in evidence_ids:
        link(application_id, evidence_id, people.alice)
    clock.move(minutes=5)
    with transaction():
        dossiers.submit(application_id=application_id, by=people.alice)
    clock.move(minutes=5)
    return application_id, submission_id


def test_a_dossier_under_review_keeps_what_it_was_sent_with(people: People, clock: FrozenClock) -> None:
    evidence_id = add(people.alice)
    application_id, submission_id = submitted_with([evidence_id], people, clock)
    with pytest.raises(SectionLocked):
        unlink(application_id, evidence_id, people.alice)
    with pytest.raises(SectionLocked):
        link(application_id, evidence_id, people.alice, target=OTHER)
    newer = replace_file(evidence_id, people.alice)
    assert sent(submission_id) == backing(submission_id) == [evidence_id] != [newer]
    with pytest.raises(Conflict) as refused:
        replace_file(evidence_id, people.alice)
    assert refused.value.code == "evidence-superseded"


def test_in_a_draft_the_newer_file_takes_the_place_of_the_older(people: People) -> None:
    application_id, submission_id = bring_to("draft", people)
    evidence_id = add(people.alice)
    link(application_id, evidence_id, people.alice)
    newer = replace_file(evidence_id, people.alice, content=files.pdf(pages=2))
    assert backing(submission_id) == [newer] and sent(submission_id) == []
    with pytest.raises(Conflict):
        link(application_id, evidence_id, people.alice)
    with transaction():
        older = queries.get_own_evidence(evidence_id, by=people.alice)
    assert older.superseded_by == newer


def test_reviewers_read_what_was_submitted_and_nothing_else(people: People, clock: FrozenClock) -> None:
    used, unused = add(people.alice), add(people.alice, title="Brouillon")
    with transaction(), pytest.raises(NotFound):
        queries.get_submitted_evidence(used)
    submitted_with([used], people, clock)
    with transaction():
        assert queries.get_submitted_evidence(used).id == used
        with pytest.raises(NotFound):
            queries.get_submitted_evidence(unused)


def test_a_file_of_a_submitted_dossier_is_never_deleted(people: People, clock: FrozenClock) -> None:
    used, unused, linked = add(people.alice), add(people.alice), add(people.alice)
    application_id, _ = bring_to("draft", people, name="Tension+")
    link(application_id, linked, people.alice)
    submitted_with([used], people, clock)
    newer = replace_file(unused, people.alice)
    for kept in (used, unused, newer):
        with pytest.raises(Conflict) as refused, transaction():
            evidence.delete_evidence(evidence_id=kept, by=people.alice)
        assert refused.value.code == "evidence-in-use"
    with pytest.raises(NotFound), transaction():
        evidence.delete_evidence(evidence_id=linked, by=people.bruno)
    with transaction():
        evidence.delete_evidence(evidence_id=linked, by=people.alice)
    assert count(Evidence) == 3 and count(EvidenceLink) == 1


def test_a_file_given_with_an_answer_is_read_by_reviewers_and_kept(people: People) -> None:
    given = add(people.alice)
    _, submission_id = bring_to("in_evaluation", people)
    with transaction():
        question_id = questions.ask(submission_id=submission_id, text="Où ?", criterion=CRITERION, by=people.ines)
    with transaction():
        questions.answer(question_id=question_id, text="Ici.", evidence_ids=[given], by=people.alice)
    with transaction():
        assert queries.get_submitted_evidence(given).id == given
    with pytest.raises(Conflict), transaction():
        evidence.delete_evidence(evidence_id=given, by=people.alice)


def test_the_content_of_a_deleted_file_goes_with_the_sweep_unless_another_shares_it(
    people: People, clock: FrozenClock, config: Config
) -> None:
    shared, alone = files.pdf(), files.pdf(pages=2)
    first, second, third = add(people.alice, shared), add(people.alice, shared), add(people.alice, alone)
    with transaction():
        evidence.delete_evidence(evidence_id=first, by=people.alice)
        evidence.delete_evidence(evidence_id=third, by=people.alice)
        kept = queries.get_own_evidence(second, by=people.alice).blob.name
    clock.instant = clock_module._system_now() + timedelta(hours=25)
    for names in blobs.list_settled("evidence"):
        with transaction(role=DatabaseRole.BATCH):
            blobs.delete_orphans("evidence", names)
    left = store_of(settings_module.current()).list_older("evidence", clock.instant)
    assert list(left) == [kept]


def test_a_new_dossier_starts_with_what_backed_the_last_one(people: People, clock: FrozenClock) -> None:
    evidence_id = add(people.alice)
    _, old = submitted_with([evidence_id], people, clock)
    newer = replace_file(evidence_id, people.alice)
    other, new = bring_to("draft", people, name="Tension+")
    for _ in range(2):
        with transaction():
            evidence.carry_links(from_submission=old, to_submission=new, by=people.alice)
    assert backing(new) == [newer] and backing(old) == [evidence_id]


def test_what_backed_a_retired_criterion_stays_behind(people: People, clock: FrozenClock) -> None:
    [retired, *_] = grid.load("2026.2").retired
    evidence_id = add(people.alice)
    application_id, old = bring_to("draft", people)
    _, new = bring_to("draft", people, name="Tension+")
    with transaction():
        for submission_id, version in ((old, "2026.1"), (new, "2026.2")):
            db.session.get_one(Submission, submission_id).grid_version = version
    link(application_id, evidence_id, people.alice, target=retired)
    with transaction():
        evidence.carry_links(from_submission=old, to_submission=new, by=people.alice)
    assert backing(old) == [evidence_id] and backing(new) == []


def titles(agent: Actor) -> list[str]:
    with transaction():
        found = sa.select(AgentMessage.title).where(
            AgentMessage.agent_id == agent.id, AgentMessage.kind.startswith("store.evidence")
        )
        return list(db.session.scalars(found.order_by(AgentMessage.created_at)))


def warn() -> int:
    with transaction():
        return evidence.warn_expiring(by=SYSTEM)


def test_the_end_of_a_file_is_told_at_each_distance_once(people: People, clock: FrozenClock) -> None:
    add(people.alice, title="HDS", valid_until=TODAY + timedelta(days=120))
    add(people.alice, title="Sans fin")
    told, start = [], clock.instant
    for day in (0, 29, 30, 31, 89, 90, 112, 113, 120, 121, 122, 400):
        clock.instant = start + timedelta(days=day)
        told += [day] * warn()
        assert warn() == 0
    assert told == [30, 90, 113, 121]
    assert titles(people.alice) == ["Preuve bientôt expirée : HDS"] * 3 + ["Preuve expirée : HDS"]
    assert titles(people.bruno) == []


def test_a_file_that_ends_soon_is_told_of_once_at_the_nearest_distance(people: People) -> None:
    add(people.alice, title="HDS", valid_until=TODAY + timedelta(days=5))
    assert (warn(), warn()) == (1, 0)


def test_a_replaced_file_is_told_of_no_more(people: People, clock: FrozenClock) -> None:
    evidence_id = add(people.alice, title="HDS", valid_until=TODAY + timedelta(days=5))
    replace_file(evidence_id, people.alice, valid_until=TODAY + timedelta(days=500))
    assert warn() == 0


def test_reviewers_learn_that_a_listed_application_leans_on_a_file_that_ended(
    people: People, clock: FrozenClock
) -> None:
    evidence_id = add(people.alice, title="HDS", valid_until=TODAY + timedelta(days=5))
    _, submission_id = bring_to("listed", people)
    with transaction():
        db.session.add(
            EvidenceLink(
                submission_id=submission_id,
                target_kind=TargetKind.CRITERION,
                target=CRITERION,
                evidence_id=evidence_id,
                linked_by=people.alice.id,
                linked_at=clock.instant,
            )
        )
    warn()
    assert titles(people.ines) == []
    clock.move(days=6)
    warn()
    assert titles(people.ines) == ["Balance+ : preuve expirée"]
