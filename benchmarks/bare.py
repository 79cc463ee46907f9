"""The yardstick: a bare Flask JSON route, served exactly as the platform is."""

from flask import Flask, Response, jsonify

app = Flask("bare")


@app.get("/")
def answer() -> Response:
    """A small JSON answer."""
    return jsonify(status="ok", values=[1, 2, 3])
