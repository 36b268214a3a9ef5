"""A real browser for tests: a Chromium on the PATH, or playwright's own.

`python -m tests.browser` ends with 0 where one starts, and else says what is missing.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "no Chromium that starts: `make browser` sets one up (Debian: apt-get install chromium; "
    "elsewhere: playwright install chromium)"
)


@contextmanager
def browsing() -> Iterator:
    """A headless Chromium; without one the test is skipped, or fails where `CI` is set."""
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        path = next(filter(None, map(shutil.which, NAMES)), own if Path(own).exists() else None)
        try:
            if path is None:
                raise Error("there is none")
            # Nothing that the browser itself would fetch, and no sandbox: root has none.
            quiet = ["--no-sandbox", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=path, args=quiet)
        except Error as error:
            why = f"{MISSING}; {error.message.splitlines()[0]}"
            if os.environ.get("CI"):
                pytest.fail(why)
            pytest.skip(why)
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":
    try:
        with browsing() as browser:
            print(f"Chromium {browser.version}")
    except pytest.skip.Exception as error:
        sys.exit(str(error))
    except pytest.fail.Exception as error:
        sys.exit(str(error))
