"""The application as a WSGI server loads it: `platform_app.wsgi:app`."""

from platform_app.factory import create_app
from platform_core.config import from_environ

app = create_app(from_environ())
