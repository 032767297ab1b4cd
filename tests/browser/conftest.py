# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser for the tests; where there is none, they are skipped, and named as not run."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser

    # Pytest may load this file before the collection can be imported.
    from ansible_collections.ozonetel.cloudagent.tests.browser.chromium import Pages


@pytest.fixture(name="browser", scope="session")
def _browser() -> t.Iterator[Browser]:
    from ansible_collections.ozonetel.cloudagent.tests.browser.chromium import (
        running_browser,
        why_no_browser,
    )

    why = why_no_browser()
    if why is not None:
        pytest.skip(why)
    with running_browser() as browser:
        yield browser


@pytest.fixture(name="pages")
def _pages(browser: Browser) -> t.Iterator[Pages]:
    """Return what opens pages; the test fails if any of them asks for anything from elsewhere."""
    from ansible_collections.ozonetel.cloudagent.tests.browser.chromium import Pages

    pages = Pages(browser)
    yield pages
    pages.close()
    assert pages.faults == []
