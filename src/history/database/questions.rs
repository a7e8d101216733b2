//! Questions: the same words for every database, on connections that only read.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use futures_util::TryStreamExt;
use quant::market::{Span, Symbol, Timestamp};
use sqlx::AssertSqlSafe;

use super::batch::{block, date, day};
use super::{Cursor, Database, HistoryError, Place, Point, PutCallRow, TABLES, Which, Window};
use crate::history::row::{Bar, Chain, Tick};

/// All rows of a statement, each as a tuple.
macro_rules! ask {
    ($database:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match &*$database.0 {
            Place::Sqlite(file) => sqlx::query_as($sql)$(.bind($bind))*
                .fetch_all(&file.readers).await,
            Place::Postgres(server) => sqlx::query_as($sql)$(.bind($bind))*
                .fetch_all(&server.readers).await,
        }
        .map_err(|error| $database.explain(&error))
    };
}

/// Later than anything.
const END: Timestamp = Timestamp::from_nanos(i64::MAX);

const SUMMARY: &str = "series, expiry, at, spot, pcr_oi, pcr_volume, atm_strike, atm_straddle, max_pain, \
                       call_oi, put_oi";

type Summary = (
    String,
    i32,
    i64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
);

type WithDocument = (
    String,
    i32,
    i64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Vec<u8>,
);

type BarRow = (i64, f64, f64, f64, f64, f64, Option<i64>);

/// Blocks of `metrics` that are read in one go: six hours.
const BLOCKS: i32 = 36;

impl Database {
    /// Prices of an underlying before an instant, newest first.
    pub async fn ticks(
        &self,
        symbol: &Symbol,
        limit: u32,
        before: Option<Timestamp>,
    ) -> Result<Vec<Tick>, HistoryError> {
        let rows: Vec<(i64, f64)> = ask!(
            self,
            "SELECT at, price FROM underlying_ticks WHERE symbol = $1 AND at < $2 \
             ORDER BY at DESC LIMIT $3",
            symbol.as_str(),
            before.unwrap_or(END).nanos(),
            i64::from(limit),
        )?;
        let tick = |(at, price)| Tick {
            symbol: symbol.clone(),
            at: Timestamp::from_nanos(at),
            price,
        };
        Ok(rows.into_iter().map(tick).collect())
    }

    /// Chains without their documents, newest first and of one time the farthest series first. Pages follow each other by cursor without a gap or a repetition.
    pub async fn put_call(
        &self,
        symbol: &Symbol,
        which: Which<'_>,
        limit: u32,
        before: Option<Cursor>,
    ) -> Result<Vec<PutCallRow>, HistoryError> {
        let sql = page_of_chains(SUMMARY, which);
        let (before, after) = ends(before.as_ref());
        let rows: Vec<Summary> = ask!(
            self,
            AssertSqlSafe(sql.as_str()),
            symbol.as_str(),
            before,
            after,
            i64::from(limit),
            which.expiry(),
            which.series(),
        )?;
        let rows = rows.into_iter();
        Ok(rows.filter_map(|row| put_call(symbol, row)).collect())
    }

    /// Chains with their documents, in the order of `put_call`.
    pub async fn chains(
        &self,
        symbol: &Symbol,
        which: Which<'_>,
        limit: u32,
        before: Option<Cursor>,
    ) -> Result<Vec<Chain>, HistoryError> {
        let sql = page_of_chains(&format!("{SUMMARY}, document"), which);
        let (before, after) = ends(before.as_ref());
        let rows: Vec<WithDocument> = ask!(
            self,
            AssertSqlSafe(sql.as_str()),
            symbol.as_str(),
            before,
            after,
            i64::from(limit),
            which.expiry(),
            which.series(),
        )?;
        let rows = rows.into_iter();
        Ok(rows.filter_map(|row| chain(symbol, row)).collect())
    }

    /// Of each series the last chain after `from` and up to `to`, the nearest first.
    pub async fn chains_at(
        &self,
        symbol: &Symbol,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Chain>, HistoryError> {
        let rows: Vec<WithDocument> = ask!(
            self,
            "SELECT c.series, c.expiry, c.at, c.spot, c.pcr_oi, c.pcr_volume, c.atm_strike, c.atm_straddle, \
             c.max_pain, c.call_oi, c.put_oi, c.document FROM (SELECT series, max(at) AS at \
             FROM option_chains WHERE symbol = $1 AND at > $2 AND at <= $3 GROUP BY series) AS l \
             JOIN option_chains c ON c.symbol = $1 AND c.at = l.at AND c.series = l.series \
             ORDER BY c.series",
            symbol.as_str(),
            from.nanos(),
            to.nanos(),
        )?;
        let rows = rows.into_iter();
        Ok(rows.filter_map(|row| chain(symbol, row)).collect())
    }

    /// The first chain of a series after `from` and up to `to`.
    pub async fn first_chain(
        &self,
        symbol: &Symbol,
        series: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<Chain>, HistoryError> {
        let rows: Vec<WithDocument> = ask!(
            self,
            AssertSqlSafe(one_chain("ASC").as_str()),
            symbol.as_str(),
            series,
            from.nanos(),
            to.nanos(),
        )?;
        Ok(rows.into_iter().find_map(|row| chain(symbol, row)))
    }

    /// The last chain of a series after `from` and up to `to`.
    pub async fn last_chain(
        &self,
        symbol: &Symbol,
        series: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<Chain>, HistoryError> {
        let rows: Vec<WithDocument> = ask!(
            self,
            AssertSqlSafe(one_chain("DESC").as_str()),
            symbol.as_str(),
            series,
            from.nanos(),
            to.nanos(),
        )?;
        Ok(rows.into_iter().find_map(|row| chain(symbol, row)))
    }

    /// Bars of one length that begin before an instant, newest first.
    pub async fn bars(
        &self,
        symbol: &Symbol,
        minutes: u32,
        limit: u32,
        before: Option<Timestamp>,
    ) -> Result<Vec<Bar>, HistoryError> {
        let rows: Vec<BarRow> = ask!(
            self,
            "SELECT start, open, high, low, close, volume, ticks FROM bars \
             WHERE symbol = $1 AND minutes = $2 AND start < $3 ORDER BY start DESC LIMIT $4",
            symbol.as_str(),
            i64::from(minutes),
            before.unwrap_or(END).nanos(),
            i64::from(limit),
        )?;
        let bar = |(start, open, high, low, close, volume, ticks): BarRow| Bar {
            symbol: symbol.clone(),
            minutes,
            start: Timestamp::from_nanos(start),
            open,
            high,
            low,
            close,
            volume,
            ticks: ticks.and_then(|ticks| u64::try_from(ticks).ok()),
        };
        Ok(rows.into_iter().map(bar).collect())
    }

    /// Numbers of a document: of some fields, or of all where none is named.
    pub async fn metrics(
        &self,
        symbol: &str,
        name: &str,
        fields: &[String],
        window: Window,
    ) -> Result<Vec<Point>, HistoryError> {
        let Window { from, to, .. } = window;
        let mut grid = Grid::new(window.step, window.limit as usize);
        let sql = points_sql(fields.len());
        let mut next = block(from);
        while !grid.is_full() {
            let starts: Vec<(Option<i32>,)> = ask!(
                self,
                "SELECT min(block) FROM metrics WHERE block >= $1 AND block <= $2",
                next,
                block(to),
            )?;
            let Some(&(Some(start),)) = starts.first() else {
                break;
            };
            let end = start.saturating_add(BLOCKS - 1).min(block(to));
            macro_rules! read {
                ($pool:expr) => {{
                    let query = sqlx::query_as(AssertSqlSafe(sql.as_str()));
                    let mut query = query
                        .bind(start)
                        .bind(end)
                        .bind(symbol)
                        .bind(name)
                        .bind(from.nanos())
                        .bind(to.nanos());
                    for field in fields {
                        query = query.bind(field);
                    }
                    let mut rows = query.fetch($pool);
                    while !grid.is_full()
                        && let Some((at, field, value)) = rows
                            .try_next()
                            .await
                            .map_err(|error| self.explain(&error))?
                    {
                        let at = Timestamp::from_nanos(at);
                        grid.take(Point { at, field, value });
                    }
                }};
            }
            match &*self.0 {
                Place::Sqlite(file) => read!(&file.readers),
                Place::Postgres(server) => read!(&server.readers),
            }
            if end == block(to) {
                break;
            }
            next = end + 1;
        }
        Ok(grid.finish())
    }

    /// The last value of each session since a date, oldest first.
    pub async fn daily(
        &self,
        symbol: &str,
        name: &str,
        field: &str,
        from: NaiveDate,
    ) -> Result<Vec<(NaiveDate, f64)>, HistoryError> {
        // From session to session by jumps in the key: all series of a day stand together.
        let rows: Vec<(i32, f64)> = ask!(
            self,
            "WITH RECURSIVE sessions (day) AS (\
             SELECT min(session) FROM metrics_daily WHERE session >= $1 UNION ALL \
             SELECT (SELECT min(session) FROM metrics_daily WHERE session > day) FROM sessions \
             WHERE day IS NOT NULL) \
             SELECT d.session, d.value FROM sessions CROSS JOIN metrics_daily d \
             WHERE d.session = day AND d.series = (SELECT id FROM metric_series \
             WHERE symbol = $2 AND name = $3 AND field = $4) ORDER BY d.session",
            day(from),
            symbol,
            name,
            field,
        )?;
        let rows = rows.into_iter();
        Ok(rows
            .filter_map(|(session, value)| Some((date(session)?, value)))
            .collect())
    }

    /// The time of the newest price of an underlying.
    pub async fn newest_tick(&self) -> Result<Option<Timestamp>, HistoryError> {
        // Symbol by symbol, each a jump in the key: there is no index by time alone.
        let rows: Vec<(Option<i64>,)> = ask!(
            self,
            "WITH RECURSIVE names (name) AS (SELECT min(symbol) FROM underlying_ticks UNION ALL \
             SELECT (SELECT min(symbol) FROM underlying_ticks WHERE symbol > name) FROM names \
             WHERE name IS NOT NULL) \
             SELECT max((SELECT max(t.at) FROM underlying_ticks t WHERE t.symbol = name)) FROM names",
        )?;
        Ok(rows.first().and_then(|(at,)| at.map(Timestamp::from_nanos)))
    }

    /// Rows by table. Counts each: seconds for tens of millions.
    pub async fn counts(&self) -> Result<BTreeMap<&'static str, u64>, HistoryError> {
        let mut counts = BTreeMap::new();
        for table in TABLES {
            let sql = format!("SELECT count(*) FROM {table}");
            let rows: Vec<(i64,)> = ask!(self, AssertSqlSafe(sql.as_str()))?;
            let rows = rows.first().map_or(0, |(rows,)| *rows);
            counts.insert(table, rows as u64);
        }
        Ok(counts)
    }
}

impl Which<'_> {
    fn expiry(&self) -> Option<i32> {
        match self {
            Self::Expiry(date) => Some(day(*date)),
            Self::All | Self::Series(_) => None,
        }
    }

    fn series(&self) -> Option<&str> {
        match self {
            Self::Series(series) => Some(series),
            Self::All | Self::Expiry(_) => None,
        }
    }
}

/// A page of chains: symbol, time and series of the cursor, limit, and which.
fn page_of_chains(columns: &str, which: Which<'_>) -> String {
    let only = match which {
        Which::All => "$5 IS NULL AND $6 IS NULL",
        Which::Expiry(_) => "expiry = $5 AND $6 IS NULL",
        Which::Series(_) => "$5 IS NULL AND series = $6",
    };
    format!(
        "SELECT {columns} FROM option_chains WHERE symbol = $1 AND (at, series) < ($2, $3) \
         AND {only} ORDER BY at DESC, series DESC LIMIT $4"
    )
}

/// The chain at one end of a span of time: symbol, series and the two ends.
fn one_chain(order: &str) -> String {
    format!(
        "SELECT {SUMMARY}, document FROM option_chains WHERE symbol = $1 AND series = $2 \
         AND at > $3 AND at <= $4 ORDER BY at {order} LIMIT 1"
    )
}

/// What a page begins after.
fn ends(before: Option<&Cursor>) -> (i64, &str) {
    before.map_or((END.nanos(), ""), |cursor| {
        (cursor.at.nanos(), cursor.series.as_str())
    })
}

/// Points of some blocks in order: the blocks, symbol and name, the two ends, and the fields.
fn points_sql(fields: usize) -> String {
    let fields: Vec<String> = (7..7 + fields).map(|place| format!("${place}")).collect();
    let only = match fields.as_slice() {
        [] => String::new(),
        fields => format!("AND s.field IN ({})", fields.join(",")),
    };
    format!(
        "WITH RECURSIVE blocks (block) AS (SELECT CAST($1 AS INTEGER) UNION ALL \
         SELECT block + 1 FROM blocks WHERE block < $2) \
         SELECT m.at, s.field, m.value FROM blocks b CROSS JOIN metric_series s CROSS JOIN metrics m \
         WHERE s.symbol = $3 AND s.name = $4 {only} AND m.block = b.block AND m.series = s.id \
         AND m.at > $5 AND m.at <= $6 ORDER BY m.at, s.field"
    )
}

fn put_call(symbol: &Symbol, row: Summary) -> Option<PutCallRow> {
    let (
        series,
        expiry,
        at,
        spot,
        pcr_oi,
        pcr_volume,
        atm_strike,
        atm_straddle,
        max_pain,
        call_oi,
        put_oi,
    ) = row;
    Some(PutCallRow {
        symbol: symbol.clone(),
        series,
        expiry: date(expiry)?,
        at: Timestamp::from_nanos(at),
        spot,
        pcr_oi,
        pcr_volume,
        atm_strike,
        atm_straddle,
        max_pain,
        call_oi,
        put_oi,
    })
}

fn chain(symbol: &Symbol, row: WithDocument) -> Option<Chain> {
    let (
        series,
        expiry,
        at,
        spot,
        pcr_oi,
        pcr_volume,
        atm_strike,
        straddle,
        pain,
        calls,
        puts,
        document,
    ) = row;
    Some(Chain {
        symbol: symbol.clone(),
        series,
        expiry: date(expiry)?,
        at: Timestamp::from_nanos(at),
        spot,
        pcr_oi,
        pcr_volume,
        atm_strike,
        atm_straddle: straddle,
        max_pain: pain,
        call_oi: calls,
        put_oi: puts,
        document: document.into(),
    })
}

/// Points that come in order, thinned to the last of each step and cut at a limit between two instants or steps.
struct Grid {
    step: Option<i64>,
    limit: usize,
    done: Vec<Point>,
    /// The step or instant at hand, and what it has so far.
    cell: i64,
    open: Vec<Point>,
    full: bool,
}

impl Grid {
    fn new(step: Option<Span>, limit: usize) -> Self {
        Self {
            step: step.map(Span::nanos).filter(|step| *step > 0),
            limit,
            done: Vec::new(),
            cell: i64::MIN,
            open: Vec::new(),
            full: limit == 0,
        }
    }

    fn is_full(&self) -> bool {
        self.full
    }

    fn take(&mut self, point: Point) {
        let nanos = point.at.nanos();
        // The end of its step.
        let cell = match self.step {
            Some(step) => nanos.saturating_sub(1).div_euclid(step),
            None => nanos,
        };
        if cell != self.cell {
            self.close();
            self.cell = cell;
        }
        self.open.retain(|other| other.field != point.field);
        self.open.push(point);
    }

    fn close(&mut self) {
        if !self.done.is_empty() && self.done.len() + self.open.len() > self.limit {
            self.full = true;
        } else if !self.full {
            self.done.append(&mut self.open);
        }
        self.open.clear();
    }

    fn finish(mut self) -> Vec<Point> {
        self.close();
        self.done
    }
}
