"""Key rules of the national identifiers. The matricules are published vectors of the key rule, nobody's."""

import pytest

from platform_core.errors import Invalid
from platform_core.health_identity import INS_NIA, INS_NIR, INS_NIR_DEMO, INS_NIR_TEST, Finess, Ins, Rpps, Siren


@pytest.mark.parametrize("matricule", ["253072A07300443", "253072B07300470", "295109912611193", "279035121518989"])
@pytest.mark.parametrize("oid", [INS_NIR, INS_NIA, INS_NIR_TEST])
def test_a_right_key_is_accepted_in_mainland_corsica_and_overseas(matricule, oid):
    assert Ins(matricule, oid).key_is_valid


@pytest.mark.parametrize("matricule", ["253072A07300444", "123456789012244", "222127505611201"])
def test_a_wrong_key_is_refused_in_production_and_told_in_test(matricule):
    with pytest.raises(Invalid):
        Ins(matricule, INS_NIR)
    for oid in (INS_NIR_TEST, INS_NIR_DEMO):
        assert not Ins(matricule, oid).key_is_valid


@pytest.mark.parametrize("matricule", ["", "27903512151898", "2790351215189890", "253072C07300443", "abc"])
def test_a_matricule_of_another_shape_is_refused(matricule):
    with pytest.raises(Invalid):
        Ins(matricule, INS_NIR_TEST)


def test_an_oid_that_is_not_of_the_ins_is_refused():
    with pytest.raises(Invalid):
        Ins("279035121518989", "1.2.3")


def test_a_matricule_does_not_show_in_a_repr():
    assert "279035121518989" not in repr(Ins("279035121518989", INS_NIR_TEST))


def test_the_keys_of_rpps_siren_and_finess():
    assert Rpps("10000000009").national_id == "810000000009"
    assert Siren("732829320") and Finess("2A0000014")
    for wrong in (lambda: Rpps("10000000008"), lambda: Siren("732829321"), lambda: Rpps("1"), lambda: Finess("x")):
        with pytest.raises(Invalid):
            wrong()
