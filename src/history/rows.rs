//! Published documents as rows. What cannot be read as the document it claims to be is counted by the
//! caller and costs nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::NaiveDate;
use quant::market::{Right, Symbol, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::intake::Published;
use super::row::{Bar, Chain, Contract, Metric, Quote, Row, Tick};

/// A level that packs an index's chain in milliseconds, to a tenth of its text.
const LEVEL: i32 = 3;
/// Most numbers kept of one document.
const MOST_FIELDS: usize = 64;
/// The symbol of what is over all symbols.
pub const ALL: &str = "*";

/// Which session an instant belongs to, by symbol; of [`ALL`] that of the default exchange.
pub type SessionOf = dyn Fn(&str, Timestamp) -> NaiveDate + Send + Sync;

/// Makes rows.
pub(super) struct Rows<'a> {
    pub(super) session_of: &'a SessionOf,
    /// Whether contracts are rows of their own, too.
    pub(super) quotes: bool,
    /// What is known of bars.
    pub(super) bars: &'a mut LastBars,
}

/// The start of the last complete bar of each key and length: after a gap all since then are rows.
pub(super) type LastBars = HashMap<(Arc<str>, u32), i64>;

impl Rows<'_> {
    /// Adds the rows of a document. The error says why it is none.
    pub(super) fn add(&mut self, published: &Published, rows: &mut Vec<Row>) -> Result<(), String> {
        match published.document {
            "latest_underlying" => tick(published, rows),
            "latest_chain" => self.chain(published, rows),
            "bars" => bars(published, self.bars, rows),
            _ => self.metrics(published, rows),
        }
    }

    fn metrics(&self, published: &Published, rows: &mut Vec<Row>) -> Result<(), String> {
        let document: Value = read(&published.value)?;
        let fields = document.as_object().ok_or("is no object")?;
        let own = |name: &str| fields.get(name).and_then(Value::as_str);
        let symbol = own("symbol").or_else(|| own("sector")).unwrap_or(ALL);
        let session = (self.session_of)(symbol, published.at);
        let mut room = MOST_FIELDS;
        let mut add = |field: String, value: &Value| {
            let Some(value) = value.as_f64().filter(|_| room > 0) else {
                return;
            };
            room -= 1;
            rows.push(Row::Metric(Metric {
                symbol: symbol.to_owned(),
                name: published.document.to_owned(),
                field,
                at: published.at,
                session,
                value,
            }));
        };
        for (field, value) in fields {
            match value {
                // Not numbers of the world, but about the document.
                _ if ["meta", "timestamp", "as_of_ms"].contains(&field.as_str()) => {}
                Value::Object(inner) => {
                    for (name, value) in inner {
                        add(format!("{field}.{name}"), value);
                    }
                }
                value => add(field.clone(), value),
            }
        }
        Ok(())
    }

    fn chain(&self, published: &Published, rows: &mut Vec<Row>) -> Result<(), String> {
        let document: ChainDocument = read(&published.value)?;
        let at = time(&document.timestamp)?;
        let series = published.key.splitn(4, ':').nth(3);
        let series = series.ok_or("its key names no expiry")?.to_owned();
        let symbol = named(&document.product)?;
        if self.quotes {
            let sides = [(Right::Call, document.calls), (Right::Put, document.puts)];
            for (right, legs) in sides {
                let legs: Vec<Option<LegDocument>> = read(legs.get().as_bytes())?;
                for leg in legs.into_iter().flatten() {
                    rows.push(Row::Quote(Quote {
                        contract: Contract {
                            symbol: symbol.clone(),
                            series: series.clone(),
                            right,
                            strike: leg.strike,
                        },
                        at,
                        bid: leg.bid,
                        ask: leg.ask,
                        last: leg.last,
                        iv: leg.iv,
                        delta: leg.delta,
                        volume: leg.volume,
                        open_interest: leg.open_interest,
                    }));
                }
            }
        }
        let packed = zstd::bulk::compress(&published.value, LEVEL);
        let packed = packed.map_err(|error| error.to_string())?;
        rows.push(Row::Chain(Chain {
            symbol,
            series,
            expiry: document.expiry,
            at,
            spot: document.spot_price,
            pcr_oi: document.pcr_oi,
            pcr_volume: document.pcr_volume,
            atm_strike: document.atm_strike,
            atm_straddle: document.atm_straddle_price,
            max_pain: document.max_pain_strike,
            call_oi: document.total_call_oi,
            put_oi: document.total_put_oi,
            document: Bytes::from(packed),
        }));
        Ok(())
    }
}

fn tick(published: &Published, rows: &mut Vec<Row>) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Document {
        product: String,
        price: f64,
        timestamp: String,
    }
    let document: Document = read(&published.value)?;
    rows.push(Row::Tick(Tick {
        symbol: named(&document.product)?,
        at: time(&document.timestamp)?,
        price: document.price,
    }));
    Ok(())
}

fn bars(published: &Published, last: &mut LastBars, rows: &mut Vec<Row>) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Document {
        symbol: String,
        windows: Vec<Window>,
    }
    #[derive(Deserialize)]
    struct Window {
        window_minutes: u32,
        start_ms: Vec<i64>,
        open: Vec<f64>,
        high: Vec<f64>,
        low: Vec<f64>,
        close: Vec<f64>,
        volume: Vec<f64>,
        num_ticks: Vec<Option<u64>>,
        complete: Vec<bool>,
    }
    /// Of each length those that ended since the last look, and some before them that came late.
    const LATEST: usize = 3;
    let document: Document = read(&published.value)?;
    let symbol = named(&document.symbol)?;
    for window in &document.windows {
        let length = window.start_ms.len();
        let name = (published.key.clone(), window.window_minutes);
        let known = last.get(&name).map_or(0, |last| {
            window.start_ms.partition_point(|start| start <= last)
        });
        for at in known.min(length.saturating_sub(LATEST + 1))..length {
            let bar = || {
                let complete = *window.complete.get(at)?;
                let bar = Bar {
                    symbol: symbol.clone(),
                    minutes: window.window_minutes,
                    start: Timestamp::from_millis(window.start_ms[at]),
                    open: *window.open.get(at)?,
                    high: *window.high.get(at)?,
                    low: *window.low.get(at)?,
                    close: *window.close.get(at)?,
                    volume: *window.volume.get(at)?,
                    ticks: *window.num_ticks.get(at)?,
                };
                Some((complete, bar))
            };
            let (complete, bar) = bar().ok_or("its columns differ in length")?;
            if complete {
                last.insert(name.clone(), window.start_ms[at]);
                rows.push(Row::Bar(bar));
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct ChainDocument<'a> {
    product: String,
    expiry: NaiveDate,
    timestamp: String,
    spot_price: Option<f64>,
    pcr_oi: Option<f64>,
    pcr_volume: Option<f64>,
    atm_strike: Option<f64>,
    atm_straddle_price: Option<f64>,
    max_pain_strike: Option<f64>,
    total_call_oi: Option<f64>,
    total_put_oi: Option<f64>,
    #[serde(borrow)]
    calls: &'a serde_json::value::RawValue,
    #[serde(borrow)]
    puts: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct LegDocument {
    strike: f64,
    bid: Option<f64>,
    ask: Option<f64>,
    last: Option<f64>,
    iv: Option<f64>,
    delta: Option<f64>,
    volume: Option<f64>,
    open_interest: Option<f64>,
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn named(text: &str) -> Result<Symbol, String> {
    Symbol::new(text).map_err(|why| format!("symbol: {why}"))
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_rfc3339(text).ok_or_else(|| "timestamp: is no time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(document: &'static str, key: &str, value: &'static str) -> Result<Vec<Row>, String> {
        rows_after(&mut LastBars::default(), document, key, value)
    }

    fn rows_after(
        bars: &mut LastBars,
        document: &'static str,
        key: &str,
        value: &'static str,
    ) -> Result<Vec<Row>, String> {
        let session_of = |_: &str, _| NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
        let published = Published {
            document,
            key: key.into(),
            value: value.into(),
            at: Timestamp::from_seconds(1_000),
        };
        let mut rows = Vec::new();
        let mut make = Rows {
            session_of: &session_of,
            quotes: true,
            bars,
        };
        make.add(&published, &mut rows)?;
        Ok(rows)
    }

    #[test]
    fn the_numbers_of_a_document_are_rows_and_those_about_it_are_not() {
        let text = r#"{"symbol":"SPY","timestamp":1,"spot":585.25,"zero":null,"regime":"NORMAL",
            "history":{"zscore":-1.5,"window":240},"rows":[1,2],"meta":{"pass":9}}"#;
        let rows = rows("gex", "analytics:SPY:gex", text).unwrap();
        let shown = rows.iter().map(|row| match row {
            Row::Metric(m) => format!("{} {} {} {}", m.symbol, m.name, m.field, m.value),
            other => panic!("{other:?}"),
        });
        let shown: Vec<String> = shown.collect();
        assert_eq!(
            shown,
            [
                "SPY gex history.window 240",
                "SPY gex history.zscore -1.5",
                "SPY gex spot 585.25"
            ]
        );
    }

    #[test]
    fn a_chain_is_a_row_and_each_of_its_contracts_another() {
        let text = r#"{"product":"SPX","expiry":"2026-12-18","spot_price":6000.5,"pcr_oi":1.25,
            "pcr_volume":null,"strikes":[5900,6000],"calls":[null,{"strike":6000,"bid":1.5,
            "ask":1.75,"volume":3,"open_interest":7,"iv":0.125}],"puts":[{"strike":5900},null],
            "timestamp":"2026-11-20T15:00:00.250Z","processed_at":"2026-11-20T15:00:01.000Z"}"#;
        let rows = rows("latest_chain", "latest:chain:SPX:2026-12-18:AM", text).unwrap();
        let [Row::Quote(call), Row::Quote(put), Row::Chain(chain)] = &rows[..] else {
            panic!("{rows:?}");
        };
        assert_eq!(call.contract.series, "2026-12-18:AM");
        assert_eq!(
            (call.contract.right, call.bid, call.iv),
            (Right::Call, Some(1.5), Some(0.125))
        );
        assert_eq!((put.contract.strike, put.bid), (5900.0, None));
        assert_eq!((chain.pcr_oi, chain.pcr_volume), (Some(1.25), None));
        assert_eq!(chain.at.millis(), 1_795_186_800_250);
        let document = zstd::bulk::decompress(&chain.document, 1 << 20).unwrap();
        assert_eq!(document, text.as_bytes());
    }

    #[test]
    fn a_bar_is_a_row_once_its_time_is_over() {
        let text = r#"{"symbol":"SPY","windows":[{"window_minutes":5,"start_ms":[0,300000],
            "open":[1,2],"high":[3,4],"low":[0.5,2],"close":[2,3],"volume":[10,20],
            "num_ticks":[7,null],"complete":[true,false]}]}"#;
        let rows = rows("bars", "analytics:SPY:bars", text).unwrap();
        let [Row::Bar(bar)] = &rows[..] else {
            panic!("{rows:?}");
        };
        assert_eq!((bar.minutes, bar.high, bar.ticks), (5, 3.0, Some(7)));
    }

    #[test]
    fn after_a_gap_every_bar_since_the_last_is_a_row() {
        let text = |starts: &str| {
            let ones = vec!["1"; starts.split(',').count()].join(",");
            let yes = ones.replace('1', "true");
            let text = format!(
                r#"{{"symbol":"SPY","windows":[{{"window_minutes":1,"start_ms":[{starts}],
                "open":[{ones}],"high":[{ones}],"low":[{ones}],"close":[{ones}],
                "volume":[{ones}],"num_ticks":[{ones}],"complete":[{yes}]}}]}}"#
            );
            &*text.leak()
        };
        let mut last = LastBars::default();
        let mut count = |starts| {
            let rows = rows_after(&mut last, "bars", "analytics:SPY:bars", text(starts));
            rows.unwrap().len()
        };
        assert_eq!(count("1,2,3,4,5,6,7,8,9"), 9, "all of the first");
        assert_eq!(count("1,2,3,4,5,6,7,8,9,10"), 4);
        assert_eq!(count("6,7,8,9,10,11,12,13,14,15,16"), 6);
    }

    #[test]
    fn what_is_no_document_is_refused_with_a_reason() {
        let refused = |text| rows("latest_underlying", "latest:underlying:SPY", text).unwrap_err();
        assert!(refused("").contains("EOF"));
        let text = r#"{"product":"SPY","price":1,"timestamp":"today"}"#;
        assert!(refused(text).starts_with("timestamp: "));
        assert!(rows("gex", "analytics:SPY:gex", "[]").is_err());
    }
}
