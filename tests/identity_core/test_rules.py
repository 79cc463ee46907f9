"""Where one may be sent back to, how sure an identity is, how a space lives."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_core.rules import IdentityStatus, identity_status, local_path, reaches, surest
from identity_core.workflow import TRANSITIONS, SpaceState, SpaceVerb, next_state
from platform_core.errors import Conflict


@pytest.mark.parametrize(
    "path", ["/espace", "/consentement/0190-ab?x=1&y=%2F", "/espace#haut", "/", "/a//b", "/é", "/a?suite=https://b"]
)
def test_a_path_of_this_site_is_kept(path: str) -> None:
    assert local_path(path, "/espace") == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "espace",
        "https://ailleurs.example",
        "HTTPS://ailleurs.example",
        "//ailleurs.example",
        "///ailleurs.example",
        "/\\ailleurs.example",
        "\\\\ailleurs.example",
        "/\t/ailleurs.example",
        "/\n/ailleurs.example",
        "/\r\nLocation: https://ailleurs.example",
        "\x00//ailleurs.example",
        " //ailleurs.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "http:ailleurs.example",
        "@ailleurs.example",
        "/" + "a" * 2000,
    ],
)
def test_anything_that_could_lead_elsewhere_is_not(path: str) -> None:
    assert local_path(path, "/espace") == "/espace"


@given(st.text())
def test_what_is_kept_always_starts_with_exactly_one_slash(text: str) -> None:
    kept = local_path(text, "/espace")
    assert kept.startswith("/")
    assert kept[1:2] not in {"/", "\\"}


@pytest.mark.parametrize(
    ("ins_found", "acr", "status"),
    [
        (True, "eidas3", IdentityStatus.QUAL),
        (True, "eidas2", IdentityStatus.QUAL),
        (True, "eidas1", IdentityStatus.RECUP),
        (False, "eidas2", IdentityStatus.VALI),
        (False, "eidas1", IdentityStatus.PROV),
        (False, "made-up", IdentityStatus.PROV),
    ],
)
def test_the_ins_and_a_checked_identity_together_qualify(ins_found: bool, acr: str, status: IdentityStatus) -> None:
    assert identity_status(ins_found=ins_found, acr=acr) is status


def test_a_weaker_sign_in_takes_nothing_back() -> None:
    assert surest(IdentityStatus.QUAL, IdentityStatus.PROV) is IdentityStatus.QUAL
    assert surest(IdentityStatus.RECUP, IdentityStatus.QUAL) is IdentityStatus.QUAL


def test_an_unknown_level_reaches_nothing() -> None:
    assert reaches("eidas2", "eidas1")
    assert not reaches("eidas1", "eidas2")
    assert not reaches("eidas9", "eidas1")


EXPECTED = {
    ("invited", "open"): "open",
    ("invited", "oppose"): "opposed",
    ("opposed", "open"): "open",
    ("open", "close"): "closed",
    ("closed", "open"): "open",
    ("closed", "destroy"): "destroying",
    ("destroying", "forget"): "destroyed",
    ("destroyed", "open"): "open",
}


@pytest.mark.parametrize(("state", "verb"), list(product(SpaceState, SpaceVerb)))
def test_a_space_moves_as_drawn_and_not_otherwise(state: SpaceState, verb: SpaceVerb) -> None:
    if (str(state), str(verb)) in EXPECTED:
        assert next_state(state, verb) == EXPECTED[str(state), str(verb)]
    else:
        with pytest.raises(Conflict):
            next_state(state, verb)
    assert len(TRANSITIONS) == len(EXPECTED)
