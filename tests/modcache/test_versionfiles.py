"""The time in a ``.info`` file: is it of a day that there is?"""

from __future__ import annotations

import calendar
import json

import pytest

from fastverify.modcache.versionfiles import info_problem


@pytest.mark.parametrize("year", [0, 1900, 2000, 2023, 2024, 2100, 9999])
def test_days_of_every_month(year: int) -> None:
    for month in range(1, 13):
        last = calendar.monthrange(year, month)[1]
        for day in range(28, 32):
            time = f"{year:04}-{month:02}-{day:02}T12:00:00Z"
            record = json.dumps({"Version": "v1.0.0", "Time": time}).encode()
            expected = "" if day <= last else f"its time is no RFC 3339 time: {time!r}"
            assert info_problem(record, "v1.0.0") == expected
