# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard around the pages of the other tests, and where the browser comes from."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.browser.chromium import Pages, why_no_browser
from ansible_collections.ozonetel.cloudagent.tests.unit.support import wait_for

if t.TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(name="unchecked")
def _unchecked(browser: Browser) -> t.Iterator[Pages]:
    """Return pages that the test itself checks for faults."""
    pages = Pages(browser)
    yield pages
    pages.close()


def write(folder: pathlib.Path, html: str, name: str = "page.html") -> pathlib.Path:
    path = folder / name
    path.write_text(f"<!doctype html><title>Page</title>{html}", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ('<img src="http://192.0.2.1/pixel.png">', "http://192.0.2.1/pixel.png"),
        ('<link rel="stylesheet" href="https://cdn.example/a.css">', "https://cdn.example/a.css"),
        ("<script>fetch('http://192.0.2.1/told').catch(() => 0)</script>", "http://192.0.2.1/told"),
        ("<script>navigator.sendBeacon('http://192.0.2.1/told')</script>", "http://192.0.2.1/told"),
        ("<script>new WebSocket('ws://192.0.2.1/told')</script>", "ws://192.0.2.1/told"),
        ('<iframe src="http://192.0.2.1/"></iframe>', "http://192.0.2.1/"),
    ],
)
def test_a_request_to_elsewhere_is_stopped_and_told(
    unchecked: Pages, tmp_path: pathlib.Path, html: str, url: str
) -> None:
    page = unchecked.open(write(tmp_path, html))

    # Events of the browser are taken while the test waits for an answer of it.
    wait_for(lambda: page.evaluate("true") and f"request: {url}" in unchecked.faults)


def test_a_file_beside_the_page_may_be_loaded_only_within_the_folder(
    unchecked: Pages, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "style.css").write_text("h1 { width: 123px }", encoding="ascii")
    html = '<link rel="stylesheet" href="style.css"><h1>Page</h1>'
    path = write(tmp_path, html)

    page = unchecked.open(path, within=tmp_path)
    assert page.locator("h1").bounding_box()["width"] == 123  # type: ignore[index]
    assert unchecked.faults == []

    unchecked.open(path)
    assert f"request: {(tmp_path / 'style.css').as_uri()}" in unchecked.faults


def test_an_exception_in_a_script_is_told(unchecked: Pages, tmp_path: pathlib.Path) -> None:
    unchecked.open(write(tmp_path, "<script>throw new Error('oh')</script>"))

    assert unchecked.faults == ["exception: oh"]


def test_a_page_has_the_width_and_the_colours_of_its_device(
    pages: Pages, tmp_path: pathlib.Path
) -> None:
    path = write(tmp_path, "<p>Text</p>")
    page = pages.open(path, width=390, dark=True)

    assert page.evaluate("innerWidth") == 390
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is True
    assert pages.open(path).evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is False


def test_without_chromium_on_path_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert why_no_browser() == "there is no chromium on PATH"


@pytest.mark.parametrize(
    ("user", "has_chromium", "installs"), [(0, False, True), (0, True, False), (1000, False, False)]
)
@pytest.mark.parametrize("status", [0, 100])
def test_ci_installs_chromium_and_runs_the_tests_whatever_comes_of_it(
    tmp_path: pathlib.Path, user: int, has_chromium: bool, installs: bool, status: int
) -> None:
    log = tmp_path / "log"
    programs = {
        "id": f"echo {user}",
        "apt-get": f'echo "apt-get $*" >>{log}; exit {status}',
        "make": f'echo "make $*" >>{log}',
    }
    if has_chromium:
        programs["chromium"] = ""
    for name, script in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")

    done = subprocess.run(
        [str(tmp_path / "bash"), str(ROOT / ".ci" / "run")],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    calls = log.read_text(encoding="utf-8").splitlines()
    assert calls[-1] == "make test"
    assert (len(calls) > 1) is installs
    assert ("chromium could not be installed" in done.stderr) is (installs and status != 0)
