# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast server of the benchmark: confirms every update. Run by uvicorn as ``server:answer``."""

from __future__ import annotations

import typing as t

CONFIRMED = b'{"Message": "Dynamic DIDs updated successfully"}'
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(CONFIRMED)).encode()),
]

Event = t.Dict[str, t.Any]


async def answer(
    scope: Event, receive: t.Callable[[], t.Any], send: t.Callable[[Event], t.Any]
) -> None:
    """Read a request to its end and confirm it."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": CONFIRMED})
