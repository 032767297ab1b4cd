# Copyright (c) 2026, ozonetel.cloudagent contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests share: settings of Hypothesis for a machine that may be very busy."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# By default, an example that takes over 200 ms fails, and failures are kept in the working directory.
settings.register_profile(
    "cloudagent", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cloudagent")
