//! What is usual of a symbol, made from what history kept: for `unusual`, `iv_rank` and `oi_buildup`.
//!
//! Made once every half hour of a session and published at a key that the engine reads, like anything
//! else it is told: a replay repeats it, and another engine on the same store has it, too.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use quant::baseline::{Baseline, Past, PastVolatility, Stood};
use quant::market::{Day, Exchange, Right, Span, Symbol, Timestamp};
use serde::Deserialize;

use super::database::{Database, HistoryError};
use super::row::Chain;
use crate::store::exchange::{How, Write};
use crate::store::keys;

/// Past sessions whose volumes are compared.
const SESSIONS: usize = 20;
/// Time between the two times of day that volumes are known at.
const MARK: Span = Span::from_millis(30 * 60_000);
/// How long after a close the last chain of its session may come: quotes settle.
const AFTER: Span = Span::from_millis(30 * 60_000);
/// A chain this old is fresh in any case.
const FRESH: Span = Span::from_millis(15 * 60_000);
/// Days of volatilities: a year, and holidays.
const YEAR: Days = Days::new(380);
/// Seconds the document lives: it is for one session.
const TTL: u64 = 86_400;
/// Longest document of a chain that is unpacked, bytes.
const MAX_DOCUMENT: usize = 64 << 20;

/// The half hour of a session that a baseline is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The session.
    pub session: NaiveDate,
    /// How long the first of the two times is after the open, nanoseconds.
    into: i64,
    open: Timestamp,
}

impl Mark {
    /// The half hour of an instant; before the open the first, after the close the last. `None` on a
    /// date without a session.
    pub fn of(exchange: &Exchange, now: Timestamp) -> Option<Self> {
        let session = exchange.at(now).date;
        let (open, close) = hours(exchange, session)?;
        let length = MARK.nanos();
        let marks = (close.since(open).nanos() + length - 1) / length;
        let at = now.since(open).nanos().div_euclid(length);
        Some(Self {
            session,
            into: at.clamp(0, marks.max(1) - 1) * length,
            open,
        })
    }

    /// The two times of day, in a session that opened at an instant.
    fn times(&self, open: Timestamp) -> [Timestamp; 2] {
        let from = open.plus(Span::from_nanos(self.into));
        [from, from.plus(MARK)]
    }
}

fn hours(exchange: &Exchange, date: NaiveDate) -> Option<(Timestamp, Timestamp)> {
    match exchange.day(date) {
        Day::Session { open, close, .. } => Some((open, close)),
        Day::Weekend | Day::Holiday(_) => None,
    }
}

/// What is usual of a symbol at a mark, as it is written; `None` where nothing is known. Chains are kept
/// every so many seconds: one that is much older says nothing about a time.
pub async fn baseline(
    database: &Database,
    symbol: &Symbol,
    exchange: &Exchange,
    mark: &Mark,
    chain_seconds: u64,
) -> Result<Option<Write>, HistoryError> {
    let fresh = Span::from_seconds(2.0 * chain_seconds as f64).max(FRESH);
    let chains = async |open: Timestamp, at: Timestamp, to: Timestamp| {
        database
            .chains_at(symbol, open.max(at.minus(fresh)), to)
            .await
    };
    let mut past = Past::default();
    let mut date = mark.session;
    for back in 0..SESSIONS {
        let Some(before) = exchange.previous_session(date) else {
            break;
        };
        date = before;
        let Some((open, close)) = hours(exchange, date) else {
            break;
        };
        if back == 0 {
            // Where an exchange is always open the present session begins at the close.
            let late = close.plus(AFTER).min(mark.open);
            let ended = chains(open, close, late).await?;
            past = work(move || {
                let ended = stood(&ended);
                if !ended.is_empty() {
                    past.ended(date, ended);
                }
                past
            })
            .await?;
        }
        // A session that was shorter has its whole volume by its close.
        let [from, to] = mark.times(open).map(|at| at.min(close));
        let second = chains(open, to, to).await?;
        if second.is_empty() {
            continue;
        }
        let first = match mark.into {
            0 => None,
            _ => Some(chains(open, from, from).await?),
        };
        past = work(move || {
            let first = first.map(|first| stood(&first));
            past.add(first.as_deref(), &stood(&second));
            past
        })
        .await?;
    }
    let volatilities = volatilities(database, symbol, exchange, mark).await?;
    let (symbol, mark) = (symbol.clone(), mark.clone());
    let made = work(move || {
        let times = mark.times(mark.open);
        let baseline = past.baseline(mark.session, mark.open, times, volatilities);
        let is_empty = baseline.series.is_empty() && baseline.volatilities.is_empty();
        (!is_empty).then(|| write(&symbol, &baseline))
    });
    made.await
}

/// The volatility each session of the last year ended with, and its maturity.
async fn volatilities(
    database: &Database,
    symbol: &Symbol,
    exchange: &Exchange,
    mark: &Mark,
) -> Result<BTreeMap<NaiveDate, PastVolatility>, HistoryError> {
    let year = mark.session.checked_sub_days(YEAR);
    let year = year.unwrap_or(NaiveDate::MIN);
    let daily = |field| database.daily(symbol.as_str(), "iv_rank", field, year);
    let days: BTreeMap<NaiveDate, f64> = daily("days").await?.into_iter().collect();
    let kept = daily("iv").await?.into_iter();
    Ok(kept
        .filter(|(date, iv)| *date < mark.session && *iv > 0.0 && hours(exchange, *date).is_some())
        .filter_map(|(date, iv)| {
            let days = *days.get(&date).filter(|days| **days > 0.0)?;
            Some((date, PastVolatility { iv, days }))
        })
        .collect())
}

fn write(symbol: &Symbol, baseline: &Baseline) -> Write {
    Write {
        document: "baseline",
        key: keys::baseline(symbol).into(),
        value: quant::json::to_vec(baseline).into(),
        ttl_seconds: TTL,
        how: How::Replace,
    }
}

/// Unpacking, putting together and writing down an index is work, so it is done where work may be done.
async fn work<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HistoryError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|why| HistoryError::Other(format!("what is usual was not made: {why}")))
}

/// The contracts of chains.
fn stood(chains: &[Chain]) -> Vec<Stood> {
    let mut all = Vec::new();
    for chain in chains {
        // One that cannot be read is one that is not known.
        let _ = contracts(chain, &mut all);
    }
    all
}

fn contracts(chain: &Chain, all: &mut Vec<Stood>) -> Option<()> {
    #[derive(Deserialize)]
    struct Document {
        root: Option<String>,
        calls: Vec<Option<Leg>>,
        puts: Vec<Option<Leg>>,
    }
    #[derive(Deserialize)]
    struct Leg {
        strike: f64,
        volume: Option<f64>,
        open_interest: Option<f64>,
        last: Option<f64>,
        bid: Option<f64>,
        ask: Option<f64>,
    }
    let json = zstd::bulk::decompress(&chain.document, MAX_DOCUMENT).ok()?;
    let document: Document = serde_json::from_str(std::str::from_utf8(&json).ok()?).ok()?;
    let root = document.root.unwrap_or_else(|| chain.symbol.to_string());
    for (right, legs) in [(Right::Call, document.calls), (Right::Put, document.puts)] {
        for leg in legs.into_iter().flatten().filter(|leg| leg.strike > 0.0) {
            let middle = || Some(0.5 * (leg.bid? + leg.ask?));
            all.push(Stood {
                expiry: chain.expiry,
                root: root.clone(),
                strike: leg.strike,
                right,
                volume: leg.volume,
                open_interest: leg.open_interest,
                price: leg.last.filter(|last| *last > 0.0).or_else(middle),
            });
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::row::Row;
    use quant::market::Calendars;

    #[test]
    fn a_mark_is_a_half_hour_of_a_session() {
        let calendars = include_str!("../../config/sessions.toml");
        let calendars = Calendars::from_toml(calendars).unwrap();
        let exchange = calendars.exchange("XNYS").unwrap();
        let times = |now: &str| {
            let now = Timestamp::from_rfc3339(now).unwrap();
            let mark = Mark::of(exchange, now)?;
            let local = |at: Timestamp| at.to_rfc3339()[11..16].to_owned();
            Some(mark.times(mark.open).map(local))
        };
        let both = |from: &str, to: &str| Some([from.to_owned(), to.to_owned()]);
        assert_eq!(times("2026-11-20T15:15:00Z"), both("15:00", "15:30"));
        assert_eq!(times("2026-11-20T08:00:00Z"), both("14:30", "15:00"));
        assert_eq!(times("2026-11-20T23:00:00Z"), both("20:30", "21:00"));
        assert_eq!(times("2026-11-21T15:15:00Z"), None, "a Saturday");
    }

    /// A chain of one call at 100 that expires on 2026-12-18.
    fn row(at: Timestamp, volume: u32) -> Row {
        let document = format!(
            r#"{{"root":"SPY","calls":[{{"strike":100,"volume":{volume},"open_interest":7}}],"puts":[]}}"#
        );
        Row::Chain(Chain {
            symbol: Symbol::new("SPY").unwrap(),
            series: "2026-12-18".to_owned(),
            expiry: NaiveDate::from_ymd_opt(2026, 12, 18).unwrap(),
            at,
            spot: None,
            pcr_oi: None,
            pcr_volume: None,
            atm_strike: None,
            atm_straddle: None,
            max_pain: None,
            call_oi: None,
            put_oi: None,
            document: zstd::bulk::compress(document.as_bytes(), 1).unwrap().into(),
        })
    }

    /// What is usual of a session at 15:15 UTC, where chains were kept at these times of the twenty before.
    async fn made(day: &str, times: &[&str]) -> Option<Baseline> {
        let calendars = include_str!("../../config/sessions.toml");
        let calendars = Calendars::from_toml(calendars).unwrap();
        let exchange = calendars.exchange("XNYS").unwrap();
        let now = Timestamp::from_rfc3339(&format!("{day}T15:15:00Z")).unwrap();
        let mark = Mark::of(exchange, now).unwrap();
        let mut rows = Vec::new();
        let mut date = mark.session;
        for _ in 0..SESSIONS {
            date = exchange.previous_session(date).unwrap();
            for (at, time) in times.iter().enumerate() {
                let time = Timestamp::from_rfc3339(&format!("{date}T{time}:00Z")).unwrap();
                rows.push(row(time, 10 * (at as u32 + 1)));
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("h.db").display());
        let url = crate::config::HistoryUrl::new(&url).unwrap();
        let database = Database::open(&url).await.unwrap();
        database.store(&rows).await.unwrap();
        let symbol = Symbol::new("SPY").unwrap();
        let made = baseline(&database, &symbol, exchange, &mark, 300).await;
        Some(serde_json::from_slice(&made.unwrap()?.value).unwrap())
    }

    #[tokio::test]
    async fn a_chain_counts_at_the_times_it_is_fresh_at() {
        // In September no clock is changed: sessions are from 13:30 to 20:00 UTC, the mark is 15:00 to 15:30.
        let usual = made("2026-09-25", &["14:50", "15:20"]).await.unwrap();
        let contract = usual.series[0].contracts[0];
        let means = contract.volume.unwrap().map(|usual| usual.mean);
        assert_eq!(means, [10.0, 20.0]);
        // None near the close: nothing is known of how the session before ended.
        assert_eq!(
            (usual.previous_session, contract.open_interest),
            (None, None)
        );
        for stale in [&["14:50", "15:10"], &["14:40", "15:20"]] {
            assert_eq!(made("2026-09-25", stale).await, None, "{stale:?}");
        }
        let usual = made("2026-09-25", &["20:10"]).await.unwrap();
        assert_eq!(usual.series[0].contracts[0].open_interest, Some(7.0));
    }
}
