//! What is too old to be kept, a statement a table: the same for every database.

use chrono::{Days, NaiveDate};
use quant::market::Timestamp;

use super::batch::{block, day};

/// What is old, and how much of it may go in one call.
pub(super) struct Old {
    rows_before: i64,
    block: i64,
    daily_before: i64,
    pub(super) expired_before: i32,
    pub(super) at_most: u64,
}

/// A deletion: `$1` is where the old ends, `$2` how many rows may go.
pub(super) struct Deletion {
    pub(super) sql: &'static str,
    pub(super) before: i64,
}

/// Days a contract outlives its expiry beyond its rows: settlement is quoted late, clocks differ.
const LATE: Days = Days::new(7);

impl Old {
    pub(super) fn new(rows_before: Timestamp, daily_before: NaiveDate, at_most: u64) -> Self {
        let date = rows_before.utc().date_naive();
        let expired_before = date.checked_sub_days(LATE).unwrap_or(date);
        Self {
            rows_before: rows_before.nanos(),
            block: i64::from(block(rows_before)),
            daily_before: i64::from(day(daily_before)),
            expired_before: day(expired_before),
            at_most,
        }
    }

    pub(super) fn statements(&self) -> [Deletion; 7] {
        [
            (TICKS, self.rows_before),
            (QUOTES, self.rows_before),
            (CHAINS, self.rows_before),
            (METRICS, self.block),
            (DAILY, self.daily_before),
            (BARS, self.rows_before),
            (CONTRACTS, i64::from(self.expired_before)),
        ]
        .map(|(sql, before)| Deletion { sql, before })
    }
}

/// Symbol by symbol, each a jump in the key: there is no index by time alone.
const TICKS: &str = "DELETE FROM underlying_ticks WHERE (symbol, at) IN (\
    WITH RECURSIVE names (name) AS (SELECT min(symbol) FROM underlying_ticks UNION ALL \
    SELECT (SELECT min(symbol) FROM underlying_ticks WHERE symbol > name) FROM names \
    WHERE name IS NOT NULL) \
    SELECT t.symbol, t.at FROM names CROSS JOIN underlying_ticks t \
    WHERE t.symbol = name AND t.at < $1 LIMIT $2)";

const CHAINS: &str = "DELETE FROM option_chains WHERE (symbol, at, series) IN (\
    WITH RECURSIVE names (name) AS (SELECT min(symbol) FROM option_chains UNION ALL \
    SELECT (SELECT min(symbol) FROM option_chains WHERE symbol > name) FROM names \
    WHERE name IS NOT NULL) \
    SELECT c.symbol, c.at, c.series FROM names CROSS JOIN option_chains c \
    WHERE c.symbol = name AND c.at < $1 LIMIT $2)";

const QUOTES: &str = "DELETE FROM option_quotes WHERE (at, contract) IN (\
    SELECT at, contract FROM option_quotes WHERE at < $1 ORDER BY at, contract LIMIT $2)";

/// Whole blocks: what is left lives ten minutes longer at most.
const METRICS: &str = "DELETE FROM metrics WHERE (block, series, at) IN (\
    SELECT block, series, at FROM metrics WHERE block < $1 ORDER BY block, series, at LIMIT $2)";

const DAILY: &str = "DELETE FROM metrics_daily WHERE (session, series) IN (\
    SELECT session, series FROM metrics_daily WHERE session < $1 ORDER BY session, series LIMIT $2)";

const BARS: &str = "DELETE FROM bars WHERE (symbol, minutes, start) IN (\
    SELECT symbol, minutes, start FROM bars WHERE start < $1 ORDER BY start LIMIT $2)";

const CONTRACTS: &str = "DELETE FROM contracts WHERE id IN (\
    SELECT id FROM contracts WHERE expiry < $1 ORDER BY expiry LIMIT $2)";
