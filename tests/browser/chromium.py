# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Chromium on PATH, driven by Playwright, without any network but what a test allows."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import re
import shutil
import tempfile
import typing as t

if t.TYPE_CHECKING:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        ConsoleMessage,
        Page,
        Route,
        WebSocketRoute,
    )

_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    # Also for what the browser itself looks for.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
_HEIGHT = 900
# A machine that is busy with other tests may be this slow.
_MOST_SECONDS = 120
_ANY = re.compile("")


def why_no_browser() -> str | None:
    """Return why nothing can be tested in a browser here, or None."""
    if importlib.util.find_spec("playwright") is None:
        return "there is no playwright"
    if shutil.which("chromium") is None:
        return "there is no chromium on PATH"
    return None


@contextlib.contextmanager
def running_browser() -> t.Iterator[Browser]:
    """Start Chromium with a new profile, in a HOME of its own; stop it at the end."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="cloudagent-") as home, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=list(_FLAGS),
            env={**os.environ, "HOME": home},
        )
        try:
            yield browser
        finally:
            browser.close()


class Pages:
    """Pages of one test; each has a browser context of its own, so they share nothing.

    Attributes:
        faults: the requests to where none may go, which were stopped; exceptions that no script
            caught; errors on the console. A test whose list is not empty fails.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.faults: list[str] = []

    def open(
        self,
        address: str | pathlib.Path,
        within: str | pathlib.Path | None = None,
        *,
        width: int = 1280,
        dark: bool = False,
        scripts: bool = True,
    ) -> Page:
        """Return a page that has loaded.

        Args:
            address: a local file, or a URL of a server on loopback.
            within: the folder or the beginning of the URLs to which requests may go; without it
                the page may load nothing but itself.
            width: of the window, in CSS pixels.
            dark: whether the user prefers dark colours.
            scripts: whether scripts run.
        """
        url = _url(address)
        allowed = url if within is None else _url(within).rstrip("/") + "/"
        context = self._browser.new_context(
            viewport={"width": width, "height": _HEIGHT},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            # What one of them loads passes by the routes.
            service_workers="block",
        )
        context.set_default_timeout(_MOST_SECONDS * 1000)
        self._contexts.append(context)
        self._guard(context, url, allowed)
        page = context.new_page()
        page.goto(url)
        return page

    def _guard(self, context: BrowserContext, url: str, allowed: str) -> None:
        def answer(route: Route) -> None:
            target = route.request.url
            is_page = target.partition("#")[0] == url.partition("#")[0]
            if is_page or (allowed != url and target.startswith(allowed)):
                route.continue_()
                return
            self.faults.append(f"request: {target}")
            route.abort()

        def refuse(socket: WebSocketRoute) -> None:
            self.faults.append(f"request: {socket.url}")
            socket.close()

        def hear(said: ConsoleMessage) -> None:
            if said.type == "error":
                self.faults.append(f"console: {said.text}")

        context.route(_ANY, answer)
        context.route_web_socket(_ANY, refuse)
        context.on("weberror", lambda error: self.faults.append(f"exception: {error.error}"))
        context.on("console", hear)

    def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            context.close()


def _url(address: str | pathlib.Path) -> str:
    return address if isinstance(address, str) else address.resolve().as_uri()
