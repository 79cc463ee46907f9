"""Reports on applications: their life, who reads what, the pages of each side."""

import itertools
import re
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from identity_core.rules import Role as AgentRole
from identity_core.service import organisations
from notification_core import queries as notifications
from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Invalid, NotFound
from store.errors import MotiveRequired, OwnOrganisation, RoleRequired, TransitionRefused
from store.models.audits import Audit
from store.models.reports import Report
from store.queries import reports as queries
from store.rules import reports as rules
from store.rules.reports import TRANSITIONS, Kind, State, Verb
from store.service import reports
from store.workflow import Role
from tests.signing_in import sign_in_agent, submit
from tests.store.conftest import People, bring_to

TEXT = "La courbe montre les pesées de quelqu’un d’autre."


def tell(application_id: UUID, *, text: str = TEXT, email: str = "") -> reports.Receipt:
    with transaction():
        return reports.receive_report(application_id=application_id, kind=Kind.PRIVACY, text=text, email=email)


def bring_report_to(state: State, people: People, *, email: str = "") -> reports.Receipt:
    """A report on a listed application of Alice's, in that state."""
    receipt = tell(bring_to("listed", people)[0], email=email)
    report_id = receipt.report_id
    acts = {
        State.ACKNOWLEDGED: lambda: reports.acknowledge_report(report_id=report_id, by=people.ines),
        State.FORWARDED: lambda: reports.forward_report(report_id=report_id, text="Des pesées mêlées.", by=people.ines),
        State.ANSWERED: lambda: reports.answer_report(report_id=report_id, text="C’est corrigé.", by=people.alice),
        State.CLOSED: lambda: reports.close_report(report_id=report_id, text="Corrigé le 2 mai.", by=people.ines),
    }
    with transaction():
        for reached in list(acts)[: list(acts).index(state) + 1] if state in acts else []:
            acts[reached]()
    return receipt


@pytest.mark.parametrize(
    ("state", "verb", "role"),
    [*itertools.product([None, *State], Verb, [None, *Role])],
    ids=str,
)
def test_what_the_table_does_not_allow_is_refused(state: State | None, verb: Verb, role: Role | None) -> None:
    transition, roles = TRANSITIONS[verb], {role} if role else set()
    if transition.role not in (None, role):
        with pytest.raises(RoleRequired):
            rules.apply(state, verb, roles=roles, text="Un texte.")
    elif state not in transition.sources:
        with pytest.raises(TransitionRefused):
            rules.apply(state, verb, roles=roles, text="Un texte.")
    else:
        assert rules.apply(state, verb, roles=roles, text="Un texte.") is transition.target


@pytest.mark.parametrize("verb", [verb for verb, one in TRANSITIONS.items() if one.text])
def test_an_act_that_somebody_reads_comes_with_words(verb: Verb) -> None:
    source, role = sorted(TRANSITIONS[verb].sources, key=str)[0], TRANSITIONS[verb].role
    with pytest.raises(MotiveRequired):
        rules.apply(source, verb, roles={role} if role else set(), text=" \n")


def test_every_report_can_be_concluded() -> None:
    """From every state but the last, some path of the table leads to the end."""
    ends = {State.CLOSED}
    for _ in State:
        ends |= {source for one in TRANSITIONS.values() if one.target in ends for source in one.sources if source}
    assert ends == set(State)


@pytest.mark.parametrize(
    ("text", "email", "field"),
    [
        (" ", "", "text"),
        ("x" * 4001, "", "text"),
        (TEXT, "camille", "email"),
        (TEXT, f"{'a' * 200}@exemple.fr", "email"),
    ],
)
def test_a_malformed_report_is_refused_with_its_field(people: People, text: str, email: str, field: str) -> None:
    application_id, _ = bring_to("listed", people)
    with pytest.raises(Invalid) as refused:
        tell(application_id, text=text, email=email)
    assert [fault.where for fault in refused.value.faults] == [field]


def test_what_people_write_rests_sealed_and_the_number_hashed(people: People) -> None:
    receipt = bring_report_to(State.FORWARDED, people, email="camille@exemple.fr")
    with transaction():
        row = db.session.execute(sa.select(Report.__table__)).one()
    stored = b" ".join(bytes(value) if isinstance(value, bytes) else str(value).encode() for value in row)
    for secret in (
        TEXT,
        "camille@exemple.fr",
        "Des pesées mêlées.",
        receipt.number,
        rules.plain_number(receipt.number),
    ):
        assert secret.encode() not in stored


def test_a_number_opens_its_report_however_it_is_copied(people: People) -> None:
    receipt = bring_report_to(State.RECEIVED, people)
    with transaction():
        for number in (receipt.number, receipt.number.lower(), f" {receipt.number.replace('-', ' ')} "):
            found = queries.find_by_number(number)
            assert found is not None and found.id == receipt.report_id
        assert queries.find_by_number(receipt.number[:-1]) is None
        assert queries.find_by_number("") is None


def test_the_publisher_reads_what_was_put_to_them_and_nothing_of_the_reporter(people: People) -> None:
    receipt = bring_report_to(State.FORWARDED, people, email="camille@exemple.fr")
    with transaction():
        mine = queries.get_own_report(receipt.report_id, by=people.alice)
        assert (mine.text, mine.forwarded) == (None, "Des pesées mêlées.")
        assert queries.count_waiting(by=people.alice) == 1
        assert queries.list_own_reports(by=people.bruno).total == 0
        with pytest.raises(NotFound):
            queries.get_own_report(receipt.report_id, by=people.bruno)


@pytest.mark.parametrize("state", [State.RECEIVED, State.ACKNOWLEDGED])
def test_the_publisher_does_not_see_a_report_before_it_is_put_to_them(people: People, state: State) -> None:
    receipt = bring_report_to(state, people)
    with transaction():
        assert queries.list_own_reports(by=people.alice).total == 0
        with pytest.raises(NotFound):
            queries.get_own_report(receipt.report_id, by=people.alice)


def test_somebody_elses_publisher_does_not_answer(people: People) -> None:
    receipt = bring_report_to(State.FORWARDED, people)
    with pytest.raises(NotFound), transaction():
        reports.answer_report(report_id=receipt.report_id, text="Non.", by=people.bruno)


def test_nobody_examines_a_report_on_their_own_organisation(people: People) -> None:
    receipt = bring_report_to(State.RECEIVED, people)
    with transaction():
        organisations.add_member(
            organisation_id=people.alice.organisation_id, agent_id=people.ines.id, role=AgentRole.PUBLISHER, by=SYSTEM
        )
    with pytest.raises(OwnOrganisation), transaction():
        reports.acknowledge_report(report_id=receipt.report_id, by=people.ines)


def test_the_reporter_is_told_once_and_their_address_erased(people: People) -> None:
    receipt = bring_report_to(State.CLOSED, people, email="camille@exemple.fr")
    with transaction():
        report = queries.get_report(receipt.report_id)
        letters = [email.body for email in notifications.list_emails() if "signalement" in email.subject]
    assert not report.answers_by_email
    assert len(letters) == 1
    assert "Corrigé" not in letters[0] and receipt.number not in letters[0]


def test_a_report_leads_to_an_audit_of_the_application(people: People) -> None:
    receipt = bring_report_to(State.ANSWERED, people)
    with transaction():
        audit_id = reports.open_audit(
            report_id=receipt.report_id, scope="Le cloisonnement des comptes.", by=people.ines
        )
        audit = db.session.get_one(Audit, audit_id)
        assert (audit.origin, audit.origin_id) == ("report", receipt.report_id)
        assert queries.get_report(receipt.report_id).state is State.UNDER_AUDIT
        reports.close_report(report_id=receipt.report_id, text="Un audit a eu lieu.", by=people.ines)


def test_what_people_wrote_is_erased_a_year_after_the_end(people: People, clock: FrozenClock) -> None:
    receipt = bring_report_to(State.CLOSED, people)
    clock.move(days=rules.KEPT_DAYS - 1)
    with transaction():
        assert reports.erase_old_reports(by=SYSTEM) == 0
    clock.move(days=2)
    with transaction():
        assert reports.erase_old_reports(by=SYSTEM) == 1
        assert reports.erase_old_reports(by=SYSTEM) == 0
        report = queries.get_report(receipt.report_id)
    assert (report.text, report.forwarded, report.answer) == (None, None, None)


def test_the_history_of_a_report_cannot_be_rewritten(people: People) -> None:
    bring_report_to(State.RECEIVED, people)
    for statement in ("UPDATE store_report_event SET verb = 'close'", "DELETE FROM store_report_event"):
        with pytest.raises(sa.exc.ProgrammingError), transaction():
            db.session.execute(sa.text(statement))


def test_anybody_tells_a_problem_and_follows_it_up(client: FlaskClient, people: People) -> None:
    bring_to("listed", people)
    answer = submit(client, "/catalogue/balance/signaler", {"kind": "bug", "text": TEXT, "email": "", "website": ""})
    assert (answer.status_code, answer.location) == (303, "/signalements/recu")
    (number,) = re.findall(r"[2-9A-Z]{5}(?:-[2-9A-Z]{5}){3}", client.get(answer.location).text)
    page = submit(client, "/signalements/suivi", {"number": number})
    assert page.status_code == 200
    assert "Signalement reçu" in page.text and TEXT in page.text


@pytest.mark.parametrize(
    ("posted", "field"),
    [
        ({"kind": "", "text": TEXT}, "kind"),
        ({"kind": "bug", "text": ""}, "text"),
        ({"kind": "bug", "text": TEXT, "email": "camille"}, "email"),
        ({"kind": "bug", "text": TEXT, "website": "https://robot.exemple.fr"}, "website"),
    ],
)
def test_a_wrong_report_is_refused_beside_its_field(
    client: FlaskClient, people: People, posted: dict[str, str], field: str
) -> None:
    bring_to("listed", people)
    answer = submit(client, "/catalogue/balance/signaler", posted)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    with transaction():
        assert queries.list_reports().total == 0


def test_reports_are_counted_out(client: FlaskClient, people: People) -> None:
    bring_to("listed", people)
    told = {"kind": "bug", "text": TEXT}
    statuses = [submit(client, "/catalogue/balance/signaler", told).status_code for _ in range(6)]
    assert statuses == [303] * 5 + [429]


def test_a_wrong_number_opens_nothing(client: FlaskClient, people: People) -> None:
    answer = submit(client, "/signalements/suivi", {"number": "AAAAA-BBBBB-CCCCC-DDDDD"})
    assert answer.status_code == 422
    assert client.get("/signalements/recu").status_code == 404


def test_a_reviewer_sorts_reads_and_acts(client: FlaskClient, people: People) -> None:
    receipt = bring_report_to(State.RECEIVED, people)
    sign_in_agent(client, agent_id=people.ines.id)
    assert "Balance+" in client.get("/instruction/signalements?etat=received&nature=privacy").text
    assert "Aucun signalement" in client.get("/instruction/signalements?nature=bug").text
    path = f"/instruction/signalements/{receipt.report_id}"
    assert submit(client, f"{path}/prendre-en-charge", page=path).status_code == 303
    refused = submit(client, f"{path}/transmettre", {"text-transmettre": " "}, page=path)
    assert (refused.status_code, 'id="text-transmettre-error"' in refused.text) == (422, True)
    assert submit(client, f"{path}/transmettre", {"text-transmettre": "Mêlées."}, page=path).status_code == 303
    assert submit(client, f"{path}/prendre-en-charge", page=path).status_code == 409
    assert client.post(f"{path}/conclure", data={"text-conclure": "Fin."}).status_code == 400


def test_a_publisher_answers_what_was_put_to_them(client: FlaskClient, people: People) -> None:
    receipt = bring_report_to(State.FORWARDED, people, email="camille@exemple.fr")
    sign_in_agent(client, agent_id=people.alice.id)
    path = f"/editeur/signalements/{receipt.report_id}"
    assert "Balance+" in client.get("/editeur/signalements").text
    page = client.get(path).text
    assert "Des pesées mêlées." in page and TEXT not in page and "camille@exemple.fr" not in page
    assert submit(client, path, {"text": ""}).status_code == 422
    assert submit(client, path, {"text": "C’est corrigé."}).status_code == 303
    assert "C’est corrigé." in client.get(path).text
    assert client.get(f"/instruction/signalements/{receipt.report_id}").status_code == 403
