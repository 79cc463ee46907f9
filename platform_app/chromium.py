"""Where a Chromium is on this machine: the browser tests need one."""

import shutil
import sys
from pathlib import Path

# The one without a window first: it draws the same pages in half the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PLAYWRIGHT_BUILDS = Path.home() / ".cache" / "ms-playwright"


def find_chromium() -> str | None:
    """The path of a Chromium installed with the system, or by Playwright; None when there is none."""
    installed = next((path for path in map(shutil.which, NAMES) if path), None)
    if installed:
        return installed
    builds = sorted(_PLAYWRIGHT_BUILDS.glob("chromium-*/chrome-linux*/chrome"))
    return str(builds[-1]) if builds else None


if __name__ == "__main__":
    sys.exit(find_chromium() is None)
