"""A call and its pilot as everybody, a candidate and the authority read them, at 320 px; every page passes axe."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from identity_core.gateway import openid
from identity_core.service.seeding import seed_people
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from tests.store import piloting
from tests.store.conftest import People, bring_to
from tests.store.filling import sign_in

pytestmark = pytest.mark.browser


def test_a_call_its_candidacy_and_its_pilot_are_read_by_everybody_concerned(
    new_page: Callable[[], Page], people: People, assert_accessible: Callable[..., None]
) -> None:
    with transaction():
        seed_people(load_people(), issuer=openid.provider("agent").issuer_key)
    call_id = piloting.publish(people.ines, people.omar)
    candidacy_id = piloting.file(call_id, bring_to("draft", people)[0], people.alice)
    authority = sign_in(new_page(), "/instruction/appels/nouveau", "Inès Faure")
    authority.set_viewport_size({"width": 320, "height": 800})
    assert_accessible(authority)
    authority.goto("/instruction/appels")
    assert_accessible(authority)
    with transaction():
        piloting.calls.close(call_id=call_id, by=people.omar)
    authority.get_by_role("link", name=piloting.TERMS.title).click()
    assert_accessible(authority)
    authority.get_by_role("link", name="Balance+").click()
    assert_accessible(authority)
    for reader in (people.ines, people.noe):
        piloting.score(candidacy_id, reader)
    with transaction():
        piloting.candidacies.select(candidacy_id=candidacy_id, motive=piloting.MOTIVE, by=people.omar)
        piloting.calls.conclude(call_id=call_id, by=people.omar)
    piloting.open_pilot(candidacy_id, people.omar)
    page = new_page()
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto("/appels")
    assert_accessible(page)
    page.get_by_role("link", name=piloting.TERMS.title).click()
    assert_accessible(page)
    page.get_by_role("link", name="Balance+").click()
    assert_accessible(page)
