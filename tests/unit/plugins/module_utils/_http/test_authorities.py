# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One context for each file of authorities, and which file that is."""

from __future__ import annotations

import contextlib
import os
import pathlib
import ssl
import threading

import pytest

from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http import authorities
from ansible_collections.ozonetel.cloudagent.plugins.module_utils._http.authorities import (
    default_authorities,
    shared_context,
)

END = "-----END CERTIFICATE-----\n"


def certificates() -> list[str]:
    """Return certificates of the public bundle, which are in PEM form."""
    text = pathlib.Path(default_authorities()).read_text("utf-8")
    return [part[part.index("-----BEGIN") :] + END for part in text.split(END)[:2]]


@pytest.fixture(name="file")
def _file(tmp_path: pathlib.Path) -> pathlib.Path:
    file = tmp_path / "bundle.pem"
    file.write_text(certificates()[0], encoding="utf-8")
    return file


def test_a_file_has_one_context_which_verifies(file: pathlib.Path) -> None:
    context = shared_context(str(file))
    assert shared_context(str(file)) is context
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1


def test_another_file_has_another(file: pathlib.Path) -> None:
    other = file.with_name("other.pem")
    other.write_text(certificates()[1], encoding="utf-8")
    assert shared_context(str(other)) is not shared_context(str(file))


def test_a_file_with_another_content_has_another(file: pathlib.Path) -> None:
    first = shared_context(str(file))
    before = file.stat()
    both = "".join(certificates())
    file.write_text(both, encoding="utf-8")
    os.utime(str(file), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert len(shared_context(str(file)).get_ca_certs()) == 2
    assert len(first.get_ca_certs()) == 1


def test_another_file_of_the_same_name_size_and_time_has_another(file: pathlib.Path) -> None:
    first = shared_context(str(file))
    before = file.stat()
    other = file.with_name("other.pem")
    other.write_text(certificates()[0], encoding="utf-8")
    os.utime(str(other), ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)
    assert shared_context(str(file)) is not first


def test_a_relative_path_is_looked_up_each_time(
    file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = file.parent / "folder"
    folder.mkdir()
    (folder / file.name).write_text("".join(certificates()), encoding="utf-8")
    monkeypatch.chdir(file.parent)
    assert len(shared_context(file.name).get_ca_certs()) == 1
    monkeypatch.chdir(folder)
    assert len(shared_context(file.name).get_ca_certs()) == 2


def test_a_file_without_certificates(file: pathlib.Path) -> None:
    file.write_text("none", encoding="utf-8")
    with pytest.raises(ssl.SSLError):
        shared_context(str(file))


def test_a_file_that_is_gone_is_not_trusted(file: pathlib.Path) -> None:
    shared_context(str(file))
    file.unlink()
    with pytest.raises(FileNotFoundError):
        shared_context(str(file))


def test_threads_that_need_a_file_at_the_same_time_load_it_once(
    file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = authorities._new_context
    second_thread = threading.Barrier(2)
    contexts: list[ssl.SSLContext] = []

    def load_slowly(path: str) -> ssl.SSLContext:
        # Where another thread loads as well, they meet here at once.
        with contextlib.suppress(threading.BrokenBarrierError):
            second_thread.wait(0.5)
        return load(path)

    monkeypatch.setattr(authorities, "_new_context", load_slowly)
    threads = [
        threading.Thread(target=lambda: contexts.append(shared_context(str(file))))
        for _thread in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contexts[0] is contexts[1]
    assert second_thread.broken
