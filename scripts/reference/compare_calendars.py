"""Compare config/sessions.toml with the PyPI package exchange_calendars, day by day: sessions,
opens and closes (so early closes too) of every covered year that the package has.

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

# Our exchange -> the package's calendar. It has none of XNSE, which keeps the days of XBOM; and of
# Cboe the futures exchange, which has the days and hours of the index options.
PACKAGE_CALENDARS = {"XNYS": "XNYS", "XCBO": "XCBF", "XNSE": "XBOM", "XBOM": "XBOM"}

HALF_DAY = "half day: the package's Cboe calendar has only the day after Thanksgiving"
SPECIAL = "special session: the package's Bombay calendar has none"

# Where the package is wrong, and why we are sure. None of XNYS as of 4.13.2.
KNOWN_PACKAGE_ERRORS: dict[str, dict[str, str]] = {
    "XCBF": {
        "2020-12-24": HALF_DAY,
        "2023-07-03": HALF_DAY,
        "2024-07-03": HALF_DAY,
        "2024-12-24": HALF_DAY,
        "2025-07-03": HALF_DAY,
        "2025-12-24": HALF_DAY,
        "2026-12-24": HALF_DAY,
        "2028-07-03": HALF_DAY,
    },
    "XBOM": {
        "2020-02-01": SPECIAL,
        "2020-11-14": SPECIAL,
        "2021-02-24": "NSE's outage of 2021-02-24: both exchanges traded to 17:00",
        "2021-11-04": SPECIAL,
        "2022-10-24": SPECIAL,
        "2023-11-12": SPECIAL,
        "2024-01-20": SPECIAL,
        "2024-03-02": SPECIAL,
        "2024-05-18": SPECIAL,
        "2024-11-01": SPECIAL,
        "2025-02-01": SPECIAL,
        "2025-10-21": SPECIAL,
        "2026-02-01": SPECIAL,
    },
}

Hours = tuple[dt.time, dt.time]


def ours(table: dict, days: dict, end: dt.date) -> dict[dt.date, Hours]:
    """Local open and close of each session from the first hours until before `end`."""
    sessions = {}
    date = table["hours"][0]["from"]
    while date < end:
        key = date.isoformat()
        hours = [h for h in table["hours"] if h["from"] <= date][-1]
        open_, close = hours["regular"]
        if key in days.get("half_days", {}):
            close = hours["half_day"]["close"]
        special = days.get("special_sessions", {}).get(key)
        if special:
            open_, close, _ = special
        if special or (date.weekday() < 5 and key not in days["holidays"]):
            sessions[date] = (dt.time.fromisoformat(open_), dt.time.fromisoformat(close))
        date += dt.timedelta(days=1)
    return sessions


def theirs(code: str, table: dict, end: dt.date) -> dict[dt.date, Hours]:
    """The same from the package."""
    zone = zoneinfo.ZoneInfo(table["zone"])
    last = end - dt.timedelta(days=1)
    calendar = exchange_calendars.get_calendar(code, start=table["hours"][0]["from"], end=last)
    return {
        session.date(): tuple(row[edge].tz_convert(zone).time() for edge in ("open", "close"))
        for session, row in calendar.schedule.iterrows()
    }


def show(hours: Hours | None) -> str:
    return "closed" if hours is None else f"{hours[0]:%H:%M}-{hours[1]:%H:%M}"


def compare(code: str, tables: dict) -> int:
    """Prints the differences of one exchange; how many are unexplained."""
    table, package_code = tables[code], PACKAGE_CALENDARS[code]
    days = tables[table["days_of"]] if "days_of" in table else table
    end = days["provisional_from"]
    known = KNOWN_PACKAGE_ERRORS.get(package_code, {})
    mine, reference = ours(table, days, end), theirs(package_code, table, end)
    unexplained = explained = 0
    listed = {dt.date.fromisoformat(date) for date in known}
    for date in sorted(mine.keys() | reference.keys() | listed):
        a, b = mine.get(date), reference.get(date)
        if a == b:
            if date.isoformat() in known:
                print(f"{code} {date}: no longer differs: remove it from KNOWN_PACKAGE_ERRORS")
            continue
        note = known.get(date.isoformat())
        explained += note is not None
        unexplained += note is None
        print(f"{code} {date:%Y-%m-%d %a}: ours {show(a)}, package {show(b)}: {note or 'unexplained'}")
    print(
        f"{code}: {len(mine)} sessions, {len(days.get('half_days', {}))} half days, "
        f"{len(days['holidays'])} holidays until {end}; {explained} explained and {unexplained} "
        f"unexplained differences from {package_code} of exchange_calendars {exchange_calendars.__version__}"
    )
    return unexplained


def main() -> int:
    tables = tomllib.loads(SESSIONS_TOML.read_text(encoding="utf-8"))
    return 1 if sum(compare(code, tables) for code in PACKAGE_CALENDARS) else 0


if __name__ == "__main__":
    sys.exit(main())
