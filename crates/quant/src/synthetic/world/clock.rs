//! The days of one exchange as the world lives them, and the clock on which variance runs: four
//! fifths of a session's variance come while it is open, one fifth overnight; a year has 252
//! sessions. In a world that is always open, sessions are days of UTC and variance runs evenly.

use chrono::{Days, NaiveDate};

use crate::market::{Calendars, Day, Exchange, Settlement, Span, Timestamp, t_years};

/// Sessions of a year.
pub(super) const SESSIONS: f64 = 252.0;

/// Share of a session's variance that comes while it is open.
const OPEN_SHARE: f64 = 0.8;

/// How far ahead sessions are counted, in days: beyond the last expiry that is listed.
const AHEAD_DAYS: u64 = 420;

/// The session under way, or the next one where none is.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// `None` in a world that is always open.
    exchange: Option<Exchange>,
    date: NaiveDate,
    open: Timestamp,
    close: Timestamp,
    running: bool,
    /// Dates of sessions from `date` on.
    ahead: Vec<NaiveDate>,
}

impl Clock {
    /// The clock of an exchange; `None` where it has no session within three weeks.
    pub(super) fn new(exchange: &Exchange, always_open: bool, now: Timestamp) -> Option<Self> {
        let mut clock = Self {
            exchange: (!always_open).then(|| exchange.clone()),
            date: NaiveDate::default(),
            open: now,
            close: now,
            running: false,
            ahead: Vec::new(),
        };
        let today = match &clock.exchange {
            Some(exchange) => exchange.at(now).date,
            None => now.utc().date_naive(),
        };
        let found = clock.enter(today) || clock.enter_next(today);
        // The session of today may be over.
        (found && (now < clock.close || clock.enter_next(today))).then_some(clock)
    }

    pub(super) fn date(&self) -> NaiveDate {
        self.date
    }

    pub(super) fn open(&self) -> Timestamp {
        self.open
    }

    pub(super) fn close(&self) -> Timestamp {
        self.close
    }

    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    pub(super) fn is_always_open(&self) -> bool {
        self.exchange.is_none()
    }

    /// The session begins.
    pub(super) fn start(&mut self) {
        self.running = true;
    }

    /// The session ends, and the next one is waited for. Where the calendar knows none within
    /// three weeks, the one that ended remains, and nothing happens any more.
    pub(super) fn stop(&mut self) -> bool {
        self.running = false;
        self.enter_next(self.date)
    }

    /// Share of the session that is over, 0 to 1.
    pub(super) fn elapsed(&self, now: Timestamp) -> f64 {
        let length = self.close.since(self.open).seconds().max(1.0);
        (now.since(self.open).seconds() / length).clamp(0.0, 1.0)
    }

    /// Years of variance in a second of the session.
    pub(super) fn second_years(&self) -> f64 {
        if self.is_always_open() {
            return 1.0 / (365.0 * 86_400.0);
        }
        OPEN_SHARE / (SESSIONS * self.close.since(self.open).seconds().max(1.0))
    }

    /// Years of variance between a close and the next open.
    pub(super) fn night_years(&self) -> f64 {
        if self.is_always_open() {
            return 0.0;
        }
        (1.0 - OPEN_SHARE) / SESSIONS
    }

    /// Years of variance until a contract settles, above 0 while it has not.
    pub(super) fn years_to(
        &self,
        expiry: NaiveDate,
        settlement: Settlement,
        settles_at: Timestamp,
        now: Timestamp,
    ) -> f64 {
        let elapsed = t_years(settles_at, now);
        if self.is_always_open() || elapsed <= 0.0 {
            return elapsed;
        }
        let night = if self.running {
            0.0
        } else {
            self.night_years()
        };
        let left = OPEN_SHARE / SESSIONS * (1.0 - self.elapsed(now));
        let sessions = self.ahead.partition_point(|date| *date < expiry) as f64;
        let years = match settlement {
            // Today's: what of the session is left before it settles.
            Settlement::Pm if sessions == 0.0 => {
                let length = self.close.since(self.open).seconds().max(1.0);
                let share = settles_at.since(now.max(self.open)).seconds() / length;
                night + OPEN_SHARE / SESSIONS * share.clamp(0.0, 1.0)
            }
            Settlement::Pm => night + left + sessions / SESSIONS,
            Settlement::Am if sessions == 0.0 => night,
            Settlement::Am => {
                night + left + (sessions - 1.0) / SESSIONS + (1.0 - OPEN_SHARE) / SESSIONS
            }
        };
        // A little of elapsed time, so that it stays above zero and rises with every expiry.
        years + 0.001 * elapsed
    }

    /// Sessions in a year of its days.
    pub(super) fn sessions_a_year(&self) -> f64 {
        if self.is_always_open() {
            365.0
        } else {
            SESSIONS
        }
    }

    /// Sessions, and parts of one, until an expiry on closing prints; nights count nothing. In a
    /// world that is always open they are days of elapsed time, as its variance is.
    pub(super) fn sessions_to(
        &self,
        expiry: NaiveDate,
        settles_at: Timestamp,
        now: Timestamp,
    ) -> f64 {
        if self.is_always_open() {
            return t_years(settles_at, now) * self.sessions_a_year();
        }
        let left = 1.0 - self.elapsed(now);
        left + self.ahead.partition_point(|date| *date < expiry) as f64
    }

    /// Up to which date sessions are counted are counted from the session on.
    pub(super) fn horizon(&self) -> NaiveDate {
        let last = self.date.checked_add_days(Days::new(AHEAD_DAYS));
        last.unwrap_or(NaiveDate::MAX)
    }

    /// Makes a date the session, if it has one.
    fn enter(&mut self, date: NaiveDate) -> bool {
        let Some(exchange) = &self.exchange else {
            let midnight = date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
            self.open = Timestamp::from_seconds(midnight);
            self.close = self.open.plus(Span::from_seconds(86_400.0));
            self.date = date;
            return true;
        };
        let Day::Session { open, close, .. } = exchange.day(date) else {
            return false;
        };
        (self.open, self.close, self.date) = (open, close, date);
        self.ahead = self.sessions_ahead(date);
        true
    }

    fn enter_next(&mut self, date: NaiveDate) -> bool {
        let next = match &self.exchange {
            Some(exchange) => exchange.next_session(date),
            None => date.succ_opt(),
        };
        next.is_some_and(|next| self.enter(next))
    }

    fn sessions_ahead(&self, from: NaiveDate) -> Vec<NaiveDate> {
        let Some(exchange) = &self.exchange else {
            return Vec::new();
        };
        let mut dates = vec![from];
        let horizon = self.horizon();
        while let Some(next) = exchange.next_session(dates[dates.len() - 1])
            && next <= horizon
        {
            dates.push(next);
        }
        dates
    }
}

/// The exchange whose hours an underlying keeps: that of its product, else the one it names.
pub(super) fn exchange_of<'a>(
    calendars: &'a Calendars,
    symbol: &str,
    code: &str,
) -> Option<&'a Exchange> {
    let listed = calendars.exchange_of(symbol);
    listed.or_else(|| calendars.exchange(code))
}
