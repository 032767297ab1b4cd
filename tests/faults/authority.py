# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority of the tests, which issues certificates."""

from __future__ import annotations

import datetime
import pathlib
import ssl

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
