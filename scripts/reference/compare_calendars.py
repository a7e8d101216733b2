"""Compare XNYS of config/sessions.toml with the PyPI package exchange_calendars, day by day:
sessions, opens and closes (so early closes too) of every covered year.

    pip install exchange_calendars==4.13.2      # in a virtual environment; Python 3.11 or later
    python scripts/reference/compare_calendars.py

Prints every difference. Exits 1 if one of them is not explained in KNOWN_PACKAGE_ERRORS.
"""

import datetime as dt
import pathlib
import sys
import tomllib
import zoneinfo

import exchange_calendars

SESSIONS_TOML = pathlib.Path(__file__).parents[2] / "config" / "sessions.toml"
CODE = "XNYS"

# Dates on which the package is wrong, and the announcement that says so. None as of 4.13.2.
KNOWN_PACKAGE_ERRORS: dict[dt.date, str] = {}


def ours(table: dict) -> dict[dt.date, tuple[dt.time, dt.time]]:
    """Local open and close of each session from the first hours to provisional_from."""
    sessions = {}
    date = table["hours"][0]["from"]
    while date < table["provisional_from"]:
        if date.weekday() < 5 and date.isoformat() not in table["holidays"]:
            hours = [h for h in table["hours"] if h["from"] <= date][-1]
            open_, close = hours["regular"]
            if date.isoformat() in table["half_days"]:
                close = hours["half_day"]["close"]
            sessions[date] = (dt.time.fromisoformat(open_), dt.time.fromisoformat(close))
        date += dt.timedelta(days=1)
    return sessions


def theirs(table: dict) -> dict[dt.date, tuple[dt.time, dt.time]]:
    """The same from the package."""
    zone = zoneinfo.ZoneInfo(table["zone"])
    last = table["provisional_from"] - dt.timedelta(days=1)
    calendar = exchange_calendars.get_calendar(CODE, start=table["hours"][0]["from"], end=last)
    return {
        session.date(): tuple(row[edge].tz_convert(zone).time() for edge in ("open", "close"))
        for session, row in calendar.schedule.iterrows()
    }


def show(hours: tuple[dt.time, dt.time] | None) -> str:
    return "closed" if hours is None else f"{hours[0]:%H:%M}-{hours[1]:%H:%M}"


def main() -> int:
    table = tomllib.loads(SESSIONS_TOML.read_text(encoding="utf-8"))[CODE]
    mine, reference = ours(table), theirs(table)
    unexplained = 0
    for date in sorted(mine.keys() | reference.keys() | KNOWN_PACKAGE_ERRORS.keys()):
        a, b = mine.get(date), reference.get(date)
        known = KNOWN_PACKAGE_ERRORS.get(date)
        if a == b and known is None:
            continue
        if a == b:
            note = "no longer differs: remove it from KNOWN_PACKAGE_ERRORS"
        else:
            note = known or "unexplained"
            unexplained += known is None
        print(f"{date:%Y-%m-%d %a}: ours {show(a)}, package {show(b)}: {note}")
    version = exchange_calendars.__version__
    print(
        f"{CODE}: {len(mine)} sessions, {len(table['half_days'])} half days, "
        f"{len(table['holidays'])} holidays; {unexplained} unexplained differences from exchange_calendars {version}"
    )
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
