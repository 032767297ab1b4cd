# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which authorities a connection trusts while connections share them, on real sockets."""

from __future__ import annotations

import pathlib
import threading
import typing as t

import pytest

from ansible_collections.ozonetel.cloudagent.tests.faults.authority import Authority, Loading
from ansible_collections.ozonetel.cloudagent.tests.faults.raw_server import RawServer, answer
from ansible_collections.ozonetel.cloudagent.tests.faults.support import (
    failure,
    hasty_client,
    update,
)


@pytest.fixture(name="server")
def _server(authority: Authority) -> t.Iterator[RawServer]:
    with RawServer(answer(), tls=authority.context("127.0.0.1")) as server:
        yield server


def test_authorities_are_loaded_once_for_all_sessions(
    authority: Authority, server: RawServer, loading: Loading
) -> None:
    for _turn in range(3):
        assert update(server.url, hasty_client(), ca_path=authority.path)["changed"] is True
    assert server.connections == 3
    assert loading.files == [authority.path]


def test_authorities_are_loaded_once_for_all_threads(
    authority: Authority, server: RawServer, loading: Loading
) -> None:
    begin = threading.Barrier(4)
    changed: list[bool] = []

    def work() -> None:
        begin.wait(30)
        changed.append(update(server.url, hasty_client(), ca_path=authority.path)["changed"])

    threads = [threading.Thread(target=work) for _thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert changed == [True] * 4
    assert loading.files == [authority.path]


def test_nothing_changes_a_shared_context_while_another_thread_may_connect(
    authority: Authority, server: RawServer, loading: Loading
) -> None:
    for _turn in range(3):
        update(server.url, hasty_client(), ca_path=authority.path)
    assert loading.protocols == 1


def test_the_authorities_from_the_environment_are_shared(
    authority: Authority, server: RawServer, loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority.path)
    for _turn in range(2):
        assert update(server.url, hasty_client())["changed"] is True
    assert loading.files == [authority.path]


def test_the_default_authorities_are_shared(server: RawServer, loading: Loading) -> None:
    for _turn in range(2):
        result = update(server.url, hasty_client())
        assert failure(result) == ("tls_failed", "not_applied", 1)
    # Another test may have loaded them before.
    assert len(loading.files) <= 1


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_changed_is_loaded_anew(
    authority: Authority, server: RawServer, tmp_path: pathlib.Path, replaced: bool
) -> None:
    file = tmp_path / "bundle.pem"
    (tmp_path / "other").mkdir()
    file.write_bytes(pathlib.Path(Authority(tmp_path / "other").path).read_bytes())
    client = hasty_client()
    first = update(server.url, client, ca_path=str(file))
    assert failure(first) == ("tls_failed", "not_applied", 1)
    if replaced:
        pathlib.Path(authority.path).replace(file)
    else:
        file.write_bytes(pathlib.Path(authority.path).read_bytes())
    assert update(server.url, client, ca_path=str(file))["changed"] is True


def test_an_authority_that_was_taken_out_is_trusted_no_longer(
    authority: Authority, server: RawServer, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "bundle.pem"
    (tmp_path / "other").mkdir()
    file.write_bytes(pathlib.Path(authority.path).read_bytes())
    assert update(server.url, ca_path=str(file))["changed"] is True
    file.write_bytes(pathlib.Path(Authority(tmp_path / "other").path).read_bytes())
    assert failure(update(server.url, ca_path=str(file)))[0] == "tls_failed"


def test_no_verification_stays_with_the_task_that_asked_for_it(
    authority: Authority, server: RawServer, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "other").mkdir()
    untrusted = Authority(tmp_path / "other").path
    client = hasty_client()
    for _turn in range(2):
        assert failure(update(server.url, client, ca_path=untrusted))[0] == "tls_failed"
        assert update(server.url, client, validate_certs=False)["changed"] is True
        options = {"ca_path": untrusted, "validate_certs": False}
        assert update(server.url, client, **options)["http_status"] == 200
        assert update(server.url, client, ca_path=authority.path)["http_status"] == 200


def test_a_directory_of_authorities(server: RawServer, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "authorities"
    folder.mkdir()
    assert failure(update(server.url, ca_path=str(folder)))[0] == "tls_failed"


def test_a_server_is_connected_to_again_with_what_the_file_holds_then(
    authority: Authority, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "bundle.pem"
    (tmp_path / "other").mkdir()
    file.write_bytes(pathlib.Path(authority.path).read_bytes())
    client = hasty_client()
    with RawServer(answer(close=True), tls=authority.context("127.0.0.1")) as server:
        assert update(server.url, client, ca_path=str(file))["changed"] is True
        assert server.closed.acquire(timeout=30)
        file.write_bytes(pathlib.Path(Authority(tmp_path / "other").path).read_bytes())
        assert failure(update(server.url, client, ca_path=str(file)))[0] == "tls_failed"
