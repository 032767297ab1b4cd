# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of the benchmark, which confirm every update; run by uvicorn.

``server:answer`` is fast, ``server:slow_answer`` takes a tenth of a second.
"""

from __future__ import annotations

import asyncio
import typing as t

CONFIRMED = b'{"Message": "Dynamic DIDs updated successfully"}'
SLOW_SECONDS = 0.1
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


async def slow_answer(
    scope: Event, receive: t.Callable[[], t.Any], send: t.Callable[[Event], t.Any]
) -> None:
    """Do the same, after a tenth of a second."""
    await asyncio.sleep(SLOW_SECONDS)
    await answer(scope, receive, send)
