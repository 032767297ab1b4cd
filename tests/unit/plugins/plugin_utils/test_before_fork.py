# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's main process loads before it forks its workers."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.authorities import (
    default_authorities,
)
from ansible_collections.ozonetel.cloudagent.plugins.plugin_utils import _before_fork

END = "-----END CERTIFICATE-----\n"

# Prints what it loaded.
LOAD_ACTION = """
import ssl, sys

load = ssl.SSLContext.load_verify_locations
def load_and_print(context, cafile=None, *others):
    print(cafile)
    load(context, cafile, *others)
ssl.SSLContext.load_verify_locations = load_and_print

from ansible.plugins.loader import action_loader, init_plugin_loader

init_plugin_loader()
assert action_loader.get("ozonetel.cloudagent.ozonetel_dynamic_dids", class_only=True)
assert "html.entities" in sys.modules
"""


def printed(**variables: str) -> str:
    """Return what the action plugin loads in a process with these environment variables."""
    env = {**os.environ, **variables}
    return subprocess.check_output([sys.executable, "-c", LOAD_ACTION], env=env, text=True)


@pytest.fixture(name="_plain", autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "OZONETEL_API_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(name="file")
def _file(tmp_path: pathlib.Path) -> str:
    file = tmp_path / "bundle.pem"
    public = pathlib.Path(default_authorities()).read_text("utf-8")
    file.write_text(public.partition(END)[0] + END, encoding="utf-8")
    return str(file)


def test_the_action_plugin_loads_the_default_authorities() -> None:
    assert printed() == f"{default_authorities()}\n"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_action_plugin_loads_those_from_the_environment(name: str, file: str) -> None:
    assert printed(**{name: file}) == f"{file}\n"


def test_the_action_plugin_loads_none_for_a_server_without_tls() -> None:
    assert printed(OZONETEL_API_URL="http://127.0.0.1:8000") == ""


class NothingLoaded(Exception):
    pass


@pytest.mark.parametrize("content", ["directory", "empty", "missing"])
def test_what_can_not_be_loaded_is_left_to_the_task(tmp_path: pathlib.Path, content: str) -> None:
    path = tmp_path / content
    if content == "directory":
        path.mkdir()
    elif content == "empty":
        path.write_bytes(b"")
    _before_fork.load_before_fork({"REQUESTS_CA_BUNDLE": str(path)})


def test_nothing_is_loaded_without_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(path: str) -> t.NoReturn:
        raise NothingLoaded(path)

    monkeypatch.setattr(_before_fork, "shared_context", load)
    with pytest.raises(NothingLoaded):
        _before_fork.load_before_fork({})
    monkeypatch.setattr(_before_fork, "REQUESTS_IMPORT_ERROR", "missing")
    _before_fork.load_before_fork({})
