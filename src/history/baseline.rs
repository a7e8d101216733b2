//! What is usual of a symbol, made from what history kept: for `unusual`, `iv_rank` and `oi_buildup`.
//!
//! Made once every half hour of a session and published at a key that the engine reads, like anything
//! else it is told: a replay repeats it, and another engine on the same store has it, too.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use quant::baseline::{Baseline, Past, Stood};
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

/// What is usual of a symbol at a mark; `None` where nothing is known.
pub async fn baseline(
    database: &Database,
    symbol: &Symbol,
    exchange: &Exchange,
    mark: &Mark,
) -> Result<Option<Baseline>, HistoryError> {
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
            let ended = database.chains_at(symbol, open, close.plus(AFTER)).await?;
            let ended = stood(ended).await;
            if !ended.is_empty() {
                past.ended(date, ended);
            }
        }
        let [from, to] = mark.times(open);
        let second = stood(database.chains_at(symbol, open, to).await?).await;
        if second.is_empty() {
            continue;
        }
        let first = stood(database.chains_at(symbol, open, from).await?).await;
        past.add(&first, &second);
    }
    let year = mark.session.checked_sub_days(YEAR);
    let daily = database.daily(
        symbol.as_str(),
        "iv_rank",
        "iv",
        year.unwrap_or(NaiveDate::MIN),
    );
    let kept = daily.await?.into_iter();
    let volatilities: BTreeMap<NaiveDate, f64> = kept
        .filter(|(date, iv)| *date < mark.session && *iv > 0.0 && hours(exchange, *date).is_some())
        .collect();
    let baseline = past.baseline(mark.session, mark.times(mark.open), volatilities);
    let is_empty = baseline.series.is_empty() && baseline.volatilities.is_empty();
    Ok((!is_empty).then_some(baseline))
}

/// The baseline of a symbol as it is written.
pub fn write(symbol: &Symbol, baseline: &Baseline) -> Write {
    Write {
        document: "baseline",
        key: keys::baseline(symbol).into(),
        value: quant::json::to_vec(baseline).into(),
        ttl_seconds: TTL,
        how: How::Replace,
    }
}

/// The contracts of chains. Unpacking is work, so it is done where work may be done.
async fn stood(chains: Vec<Chain>) -> Vec<Stood> {
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut all = Vec::new();
        for chain in &chains {
            // One that cannot be read is one that is not known.
            let _ = contracts(chain, &mut all);
        }
        all
    });
    unpacked.await.unwrap_or_default()
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
    use crate::engine::setup::calendars;

    #[test]
    fn a_mark_is_a_half_hour_of_a_session() {
        let calendars = calendars();
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
}
