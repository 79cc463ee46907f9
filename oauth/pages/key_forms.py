"""The keys that publishers type, and what is wrong with them in French."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import request
from flask_babel import gettext

from oauth import service
from oauth.rules.clients import Profile
from platform_core.errors import DomainError, Fault, Invalid


@dataclass(frozen=True, slots=True)
class OfferedKey:
    """The public key to register, its private half when it was made here, or the address where keys are published."""

    public: Mapping[str, Any] | None = None
    private: Mapping[str, Any] | None = None
    address: str | None = None


def read_key(profile: Profile) -> OfferedKey:
    """The key that the form offers. Raises `Invalid` on the field `key` or `jwk`."""
    match request.form.get("key"):
        case "generate":
            private = service.generate_key(profile)
            return OfferedKey(service.public_half(private), private)
        case "paste":
            return OfferedKey(_pasted(request.form.get("jwk", "")))
        case "address":
            return OfferedKey(address=request.form.get("jwks_uri", "").strip())
        case "public":
            return OfferedKey()
    raise Invalid("Choose a key.", faults=[Fault("key", gettext("Choisissez comment la clé est fournie."))])


def _pasted(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Invalid("The JWK is not readable.", faults=[Fault("jwk", gettext("Collez un objet JSON (JWK public)."))])
    return found


def said(error: DomainError | None) -> dict[str, str]:
    """The error in French, by field of the form."""
    if error is None:
        return {}
    sentences = {
        "invalid_redirect_uri": gettext(
            "Adresse de retour refusée : donnez des adresses https sans fragment ni joker, une par ligne, et gardez-en"
            " au moins une (http://127.0.0.1 est admis en bac à sable)."
        ),
        "invalid_client_metadata": gettext(
            "Clé refusée : collez une clé publique (jamais la clé privée) d’un algorithme admis par le profil."
        ),
        "application-not-listed": gettext(
            "Les identifiants de production attendent que l’application soit référencée."
        ),
        "key-known": gettext("Cette clé est déjà enregistrée."),
        "keys-published": gettext("Ces identifiants publient leurs clés : changez-les à leur adresse."),
        "last-key": gettext("C’est la dernière clé : ajoutez-en une autre d’abord, ou fermez les identifiants."),
        "too-many-keys": gettext("Trop de clés se recouvrent : attendez la fin des plus anciennes."),
        "public-client": gettext("Un client public n’a pas de clé."),
    }
    address = gettext("Adresse des clés refusée : donnez une adresse https, sans fragment.")
    by_field = {
        "uses": gettext("Donnez un nombre d’enregistrements, de 1 à 100."),
        "days": gettext("Donnez un nombre de jours, de 1 à 30."),
        "jwks_uri": address,
        "overlap": gettext("Choisissez une durée de recouvrement."),
    }
    fields = [fault.where for fault in error.faults] or [""]
    return {field: by_field.get(field) or sentences.get(error.code) or error.faults[0].message for field in fields}
