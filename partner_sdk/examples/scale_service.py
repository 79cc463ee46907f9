"""Balance+, a connected-scale service: a complete partner app on the SDK, small enough to be read.

    python scale_service.py --config client.json --state balance.json

It reads what the makers of devices answer (a folder of files here, their APIs in a real service), sends the measures to
the espace numérique de santé of the person who allowed it, and reads them back. Needs Flask beside the SDK.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import secrets
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import words
from accounts import Accounts
from flask import Flask, Response, abort, flash, redirect, render_template, request, session, url_for
from synchronisation import tell, to_send, what_to_ask
from vendors import UnreadableAnswer, read_folder
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response as BaseResponse

from partner_sdk import Consent, ConsentEnded, PartnerClient, PartnerError, Space, StoredMeasure, Unauthorized

HERE = Path(__file__).parent
SHOWN = 20


class Pages:
    """The views. Each browser is an account: a service with sign-in would know its users better."""

    def __init__(self, ens: PartnerClient, accounts: Accounts, *, asked: dict[str, Any], answers: Path) -> None:
        self._ens = ens
        self._accounts = accounts
        self._asked = asked
        self._answers = answers
        self._read_back: dict[str, list[StoredMeasure]] = {}

    def home(self) -> str:
        consent, problem = self._find_consent()
        return render_template(
            "home.html",
            connected=self._accounts.get(_account()).grant is not None,
            consent=consent,
            problem=problem,
            measures=self._read_back.get(_account()),
        )

    def connect(self) -> BaseResponse:
        login = self._ens.start_authorization(**self._asked)
        self._accounts.keep_login(_account(), login)
        return redirect(login.url, 303)

    def callback(self) -> BaseResponse:
        login = self._accounts.get(_account()).login
        if login is None:
            return _home("warning", "Cette connexion est terminée ou a commencé ailleurs. Recommencez ici.")
        self._accounts.keep_grant(_account(), self._ens.finish_authorization(login, request.url))
        return _home("success", "Votre espace santé est connecté à Balance+.")

    def import_measures(self) -> BaseResponse:
        found = read_folder(self._answers)
        readings = to_send(found, self._accounts.get(_account()))
        report = self._space().measures.add_many(reading.measure for reading in readings)
        self._accounts.keep_sent(_account(), {readings[accepted.index].vendor_id for accepted in report.accepted})
        for tone, sentence in tell(report, readings, found):
            flash(sentence, tone)
        return _home()

    def read_again(self) -> BaseResponse:
        self._read_back[_account()] = list(islice(self._space().measures.list(), SHOWN))
        return _home()

    def disconnect(self) -> BaseResponse:
        self._space().end()
        self._forget()
        return _home("success", "Balance+ n’a plus accès à votre espace santé.")

    def explain(self, error: PartnerError) -> BaseResponse:
        """What the platform refused, told on the home page."""
        self._forget_if_over(error)
        return _home("warning", words.explain(error))

    def _space(self) -> Space:
        name = _account()
        grant = self._accounts.get(name).grant
        if grant is None:
            abort(409)
        return self._ens.open(grant, on_refresh=lambda renewed: self._accounts.keep_grant(name, renewed))

    def _find_consent(self) -> tuple[Consent | None, str | None]:
        if self._accounts.get(_account()).grant is None:
            return None, None
        try:
            return self._space().consent(), None
        except PartnerError as error:
            self._forget_if_over(error)
            return None, words.explain(error)

    def _forget_if_over(self, error: PartnerError) -> None:
        if isinstance(error, ConsentEnded) or (isinstance(error, Unauthorized) and error.code == "invalid_grant"):
            self._forget()

    def _forget(self) -> None:
        self._accounts.keep_grant(_account(), None)
        self._read_back.pop(_account(), None)


def create_app(
    config: dict[str, Any],
    *,
    state: Path,
    answers: Path = HERE / "vendor_answers",
    client: PartnerClient | None = None,
) -> Flask:
    """The web application of a configuration; tests give a `client` of their own."""
    accounts = Accounts(state)
    ens = client or PartnerClient(
        config["issuer"],
        client_id=config["client_id"],
        private_key=config.get("private_key"),
        redirect_uri=config["redirect_uri"],
        profile=config["profile"],
    )
    asked = what_to_ask(config.get("authorization_details_ceiling") or [])
    pages = Pages(ens, accounts, asked=asked, answers=answers)
    app = Flask(__name__)
    app.secret_key = accounts.secret_key
    # Cookies know no port: a name of our own leaves alone those of the platform on the same machine.
    app.config.update(SESSION_COOKIE_NAME="balance_session", SESSION_COOKIE_SAMESITE="Lax")
    app.jinja_env.globals.update(words=words, csrf_token=_csrf_token)
    app.before_request(_check_csrf)
    app.after_request(_protect)
    app.register_error_handler(PartnerError, pages.explain)
    app.register_error_handler(UnreadableAnswer, lambda wrong: _home("warning", str(wrong)))
    app.get("/")(pages.home)
    app.get("/callback")(pages.callback)
    app.post("/connexion")(pages.connect)
    app.post("/import")(pages.import_measures)
    app.post("/relecture")(pages.read_again)
    app.post("/deconnexion")(pages.disconnect)
    return app


def _home(tone: str = "", sentence: str = "") -> BaseResponse:
    if sentence:
        flash(sentence, tone)
    return redirect(url_for("home"), 303)


def _account() -> str:
    return str(session.setdefault("account", secrets.token_urlsafe(16)))


def _csrf_token() -> str:
    return str(session.setdefault("csrf", secrets.token_urlsafe(16)))


def _check_csrf() -> None:
    if request.method == "POST":
        given = request.form.get("csrf_token", "")
        if not hmac.compare_digest(given.encode(), _csrf_token().encode()):
            abort(400)


def _protect(response: Response) -> Response:
    # No form-action: browsers apply it to the redirections of a form too, and the sign-in may lead to any provider.
    response.headers["Content-Security-Policy"] = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


class _Discreet(WSGIRequestHandler):
    """Logs no request: the address of a callback holds the authorization code."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return None


def main(arguments: list[str] | None = None) -> None:
    """Read the configuration and serve on this machine."""
    parser = argparse.ArgumentParser(description="Balance+, a connected-scale service on the partner SDK.")
    parser.add_argument("--config", type=Path, required=True, help="what `ens demo client --out` wrote")
    parser.add_argument("--state", type=Path, default=Path("balance.json"), help="where to keep the grants")
    parser.add_argument("--answers", type=Path, default=HERE / "vendor_answers", help="answers of the makers")
    parser.add_argument("--port", type=int, default=int(os.environ.get("ENS_DEMO_PARTNER_PORT", "8001")))
    options = parser.parse_args(arguments)
    if not options.config.exists():
        sys.exit(f"There is no {options.config}: write it with `ens demo client --out {options.config}`.")
    config = json.loads(options.config.read_text())
    app = create_app(config, state=options.state, answers=options.answers)
    print(f"Balance+ on http://127.0.0.1:{options.port}", flush=True)
    make_server("127.0.0.1", options.port, app, threaded=True, request_handler=_Discreet).serve_forever()


if __name__ == "__main__":
    main()
