//! `/ohlc/{product}`: the newest bar and those before it.

use axum::extract::State;
use axum::http::HeaderMap;
use quant::calculators::bars::{Candle, Payload, Window};
use quant::market::{Span, Timestamp};
use serde_json::{Value, json};

use super::no_data;
use crate::http::Shared;
use crate::http::answer::composed;
use crate::http::error::Answer;
use crate::http::query::{At, Query};

/// The newest bar's fields, and under `candles` those before it, newest first.
pub(in crate::http) async fn ohlc(
    State(desk): Shared,
    At(product): At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let product = desk.product(&product)?;
    let window = query.one_of("window", &["1", "5", "15"])?.unwrap_or("5");
    let minutes: u32 = window.parse().unwrap_or(5);
    let limit = query.whole("limit", (1, 1000))?.unwrap_or(20) as usize;
    let label = format!("{minutes}m");
    let Some(newest) = desk.value(&product, &format!("ohlc:{label}")) else {
        return Err(no_data(&product, "No OHLC data available").with("window", label));
    };
    let start = newest["start_time"]
        .as_str()
        .and_then(crate::http::query::instant);
    let bars: Option<Payload> = desk.payload(&product, "bars");
    let windows = bars.and_then(|bars| bars.windows);
    let of_window = windows
        .into_iter()
        .flatten()
        .find(|w| w.window_minutes == minutes);
    let mut older = of_window.as_ref().map_or_else(Vec::new, candles_of);
    older.retain(|candle| start.is_none_or(|start| candle.start < start));
    older.reverse();
    older.truncate(limit);
    let missing = limit - older.len();
    let mut lost = None;
    if missing > 0 && desk.past.is_on() {
        let before = older.last().map(|candle| candle.start).or(start);
        let asked = desk.past.bars(&product, minutes, missing as u32, before);
        // The bars that stand are given without those before them.
        let past = asked.await.map_err(|why| lost = Some(why.lost()));
        older.extend(past.unwrap_or_default().into_iter().map(|bar| Candle {
            start: bar.start,
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            num_ticks: bar.ticks,
            complete: true,
        }));
    }
    let candles: Value = older
        .iter()
        .map(|candle| candle_json(candle, minutes))
        .collect();
    let mut body = json!({
        "product": product.as_str(),
        "window": label,
        "candles": candles,
    });
    if let Some(lost) = lost {
        body["history_state"] = lost.into();
    }
    for field in [
        "open",
        "high",
        "low",
        "close",
        "volume",
        "start_time",
        "end_time",
        "num_ticks",
        "complete",
    ] {
        body[field] = newest[field].clone();
    }
    let origin = desk.origin(&product, "bars");
    Ok(composed(&headers, &body, origin, desk.now()))
}

fn candle_json(candle: &Candle, minutes: u32) -> Value {
    let end: Timestamp = candle
        .start
        .plus(Span::from_seconds(60.0 * f64::from(minutes)));
    json!({
        "start_time": candle.start.to_rfc3339(),
        "end_time": end.to_rfc3339(),
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "num_ticks": candle.num_ticks,
        "complete": candle.complete,
    })
}

/// The bars of a window, oldest first.
fn candles_of(window: &Window) -> Vec<Candle> {
    let bar = |at: usize| {
        Some(Candle {
            start: Timestamp::from_millis(*window.start_ms.get(at)?),
            open: *window.open.get(at)?,
            high: *window.high.get(at)?,
            low: *window.low.get(at)?,
            close: *window.close.get(at)?,
            volume: *window.volume.get(at)?,
            num_ticks: *window.num_ticks.get(at)?,
            complete: *window.complete.get(at)?,
        })
    };
    (0..window.start_ms.len()).filter_map(bar).collect()
}
