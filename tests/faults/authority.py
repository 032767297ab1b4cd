# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority of the tests, which issues certificates, and how often authorities are loaded."""

from __future__ import annotations

import datetime
import pathlib
import ssl
import typing as t

import pytest
import trustme


class Authority:
    """A private certificate authority and servers that it vouches for."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._authority = trustme.CA()
        self.path = str(folder / "authority.pem")
        self._authority.cert_pem.write_to_path(self.path)

    def context(self, name: str, expired: bool = False) -> ssl.SSLContext:
        yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(name, not_after=yesterday if expired else None).configure_cert(
            context
        )
        return context


class Loading:
    """How often authorities were loaded, and ALPN protocols set, in any context.

    Attributes:
        files: the files of authorities, None for a directory.
        protocols: how often protocols were set.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: list[str | None] = []
        self.protocols = 0
        load = ssl.SSLContext.load_verify_locations
        set_protocols = ssl.SSLContext.set_alpn_protocols

        def count_load(context: ssl.SSLContext, cafile: t.Any = None, *others: t.Any) -> None:
            self.files.append(cafile)
            load(context, cafile, *others)

        def count_protocols(context: ssl.SSLContext, protocols: list[str]) -> None:
            self.protocols += 1
            set_protocols(context, protocols)

        monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", count_load)
        monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", count_protocols)
