# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests share a session."""

from __future__ import annotations

import os
import threading

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import HttpRequest
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.session import SessionCache

REQUEST = HttpRequest("https://cc.partner.example/update", {}, b"")


def test_requests_to_one_server_share_a_session() -> None:
    sessions = SessionCache()
    session = sessions.session_for(REQUEST)
    other = REQUEST._replace(url="https://cc.partner.example/other", headers={"a": "b"}, body=b"x")
    assert sessions.session_for(other) is session


@pytest.mark.parametrize(
    "other",
    [
        REQUEST._replace(url="https://cc.partner.example:8443/update"),
        REQUEST._replace(url="http://cc.partner.example/update"),
        REQUEST._replace(verify="/etc/authority.pem"),
        REQUEST._replace(verify=False),
        REQUEST._replace(proxy="http://proxy.example:3128"),
    ],
)
def test_another_server_tls_setting_or_proxy_gets_another_session(other: HttpRequest) -> None:
    sessions = SessionCache()
    assert sessions.session_for(REQUEST) is not sessions.session_for(other)


def test_another_thread_gets_another_session() -> None:
    sessions = SessionCache()
    found = []
    thread = threading.Thread(target=lambda: found.append(sessions.session_for(REQUEST)))
    thread.start()
    thread.join()
    assert found[0] is not sessions.session_for(REQUEST)


def test_a_forked_process_gets_another_session(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = SessionCache()
    session = sessions.session_for(REQUEST)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert sessions.session_for(REQUEST) is not session
