"""What a demonstration person tells of their health, so that a summary of their record has something to say."""

from datetime import date
from uuid import UUID

from dmp_core.queries.profile import list_answers
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.profile.steps import STEPS
from dmp_core.rules.profile.told import Told
from dmp_core.service.profile.telling import tell
from dmp_core.service.typed import BY_HAND
from platform_core.access import Actor

_TOLD = (
    ("allergies", Told("Pénicilline", "high", "Urticaire géante", "1994")),
    ("maladies", Told("Lombalgie", "resolved", "Après un accident de vélo", "2012")),
    ("traitements", Told("Desloratadine 5 mg (essai)", "completed", "Un comprimé le soir", "2024")),
    ("famille", Told("Infarctus du myocarde avant 55 ans", "FTH")),
    ("habitudes", Told("Ancienne fumeuse, arrêt en 2018", "tobacco")),
    ("habitudes", Told("Marche une demi-heure par jour", "activity")),
    ("habitudes", Told("Vit avec sa fille, aide sa mère au quotidien", "other")),
)


def tell_profile_for_demo(*, patient_id: UUID, born: date, by: Actor) -> None:
    """Fill the health profile by hand; nothing where something was told already."""
    answers = list_answers(patient_id=patient_id, viewer=Viewer.of(by))
    if any(row.source == BY_HAND for answer in answers for row in (*answer.rows, *answer.stated)):
        return
    for name, told in _TOLD:
        tell(patient_id=patient_id, born=born, step=STEPS[name], told=told, by=by)
