# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several property tests share: runs of the whole module, from its options to the request's body."""

from __future__ import annotations

import json
import typing as t
import unicodedata

import pytest
from hypothesis import HealthCheck, settings
from requests.structures import CaseInsensitiveDict

from ansible_collections.ozonetel.cloudagent.plugins.module_utils import _run
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.attempt import HttpRequest
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.client import HttpClient
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.watchdog import (
    Watchdog,
    current_guard,
)
from ansible_collections.ozonetel.cloudagent.tests.unit.support import (
    ClockDouble,
    Ended,
    ModuleDouble,
    no_wait,
)

SUCCESS = "Dynamic DIDs updated successfully"

_WATCHDOG = Watchdog()


def examples(count: int) -> settings:
    """Return settings with which a test tries so many examples, the same ones each time."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


class Answer(t.NamedTuple):
    """An answer as it comes, which may be anything."""

    status: int
    body: bytes
    headers: t.Mapping[str, str] = {}


CONFIRMED = Answer(200, json.dumps({"Message": SUCCESS}).encode())


class _Response:
    """Has what the HTTP helper uses of an answer of requests."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self.headers = CaseInsensitiveDict(answer.headers)
        self.raw = self
        self._body = answer.body

    def read(self, size: int, decode_content: bool) -> bytes:
        assert not decode_content
        part, self._body = self._body[:size], self._body[size:]
        return part

    @property
    def closed(self) -> bool:
        return not self._body

    def close(self) -> None:
        pass


class _Sessions:
    """Stands in for the session cache and its sessions; keeps the bodies that were sent."""

    def __init__(self, answers: t.Iterable[Answer]) -> None:
        self.bodies: list[bytes] = []
        self._answers = iter(answers)

    def session_for(self, _request: object) -> _Sessions:
        return self

    def post_bytes(self, request: HttpRequest, timeout: object) -> _Response:
        guard = current_guard()
        assert guard is not None
        guard.connected = guard.request_started = True
        self.bodies.append(request.body)
        return _Response(next(self._answers))


class Ran(t.NamedTuple):
    """What came of a run.

    Attributes:
        result: the module's.
        warnings: its warnings.
        bodies: what was sent, by attempt.
    """

    result: dict[str, t.Any]
    warnings: list[str]
    bodies: list[bytes]

    @property
    def has_failed(self) -> bool:
        """Tell whether Ansible would say "failed"."""
        return bool(self.result.get("failed"))

    @property
    def shown(self) -> str:
        """Return all that the user may see, as Ansible gives it on."""
        return json.dumps([self.result, self.warnings], ensure_ascii=False)


def run(*answers: Answer, check_mode: bool = False, **options: t.Any) -> Ran:
    """Run the module for one campaign; there must be an answer for each attempt."""
    module = ModuleDouble(check_mode=check_mode, **options)
    sessions = _Sessions(answers)
    client = HttpClient(t.cast(t.Any, sessions), _WATCHDOG, ClockDouble(), no_wait)
    with pytest.raises(Ended):
        _run.run(module, client)
    assert "Unexpected error" not in module.result["msg"], module.result["msg"]
    return Ran(module.result, module.warnings, sessions.bodies)


def is_fit_for_a_screen(text: str) -> bool:
    """Tell whether a terminal obeys nothing in it, and shows all of it."""
    return not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in text)
