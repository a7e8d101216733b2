//! The chain service: what readers of option chains ask for, put together from what was published.

mod build_up;
mod candles;
mod full;
mod history;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use quant::calculators::max_pain::Payload as MaxPain;
use quant::calculators::pcr::{Payload as Pcr, Ratios};
use quant::market::{Symbol, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::{Origin, composed};
use super::error::{Answer, ApiError, nearest};
use super::query::{At, Query, clipped};
use super::{Desk, Shared};
use crate::store::published::Kind;

pub(super) use build_up::oi_buildup;
pub(super) use candles::ohlc;
pub(super) use full::{chain, data_chain};
pub(super) use history::{history, underlying};

/// `/products`.
pub(super) async fn products(State(desk): Shared, headers: HeaderMap) -> Answer {
    let products = desk.symbols();
    let products: Vec<&str> = products.iter().map(Symbol::as_str).collect();
    let body = json!({"products": products});
    Ok(composed(&headers, &body, Origin::default(), desk.now()))
}

/// `/expiries/{product}`: the names of the series that live, nearest first.
pub(super) async fn expiries(
    State(desk): Shared,
    At(product): At<String>,
    headers: HeaderMap,
) -> Answer {
    let product = desk.product(&product)?;
    let expiries = desk.expiries(&product);
    let body = json!({"product": product.as_str(), "expiries": expiries});
    let origin = desk.origin_of_chains(&product);
    Ok(composed(&headers, &body, origin, desk.now()))
}

/// `/pcr/{product}`.
pub(super) async fn pcr(
    State(desk): Shared,
    At(product): At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let product = desk.product(&product)?;
    let wants_history = query.flag("history")?;
    let limit = query.whole("limit", (1, 1000))?.unwrap_or(100) as u32;
    let before = query.text("before").map(history::cursor).transpose()?;
    let expiry = desk.asked_expiry(&product, &query)?;
    let known: Option<Pcr> = desk.payload(&product, "pcr");
    let latest = |name: &str| desk.latest_pcr(&product, name, known.as_ref());
    let nothing =
        |name: &String| no_data(&product, "No data available").with("expiry", name.as_str());
    let latest = match &expiry {
        // One that is over has its past.
        Some(name) if wants_history => latest(name).unwrap_or(Value::Null),
        Some(name) => latest(name).ok_or_else(|| nothing(name))?,
        None => {
            let rows = desk.expiries(&product).into_iter();
            let rows = rows.filter_map(|name| {
                let mut row = latest(&name)?;
                row["expiry"] = name.into();
                Some(row)
            });
            rows.collect()
        }
    };
    let total = known.as_ref().and_then(|known| known.total.as_ref());
    let mut body = json!({
        "product": product.as_str(),
        "latest": latest,
        "total": total,
        "percentile": known.as_ref().and_then(|known| known.percentile),
    });
    if wants_history {
        let asked = history::put_call(&desk, &product, expiry.as_deref(), limit, before).await;
        match asked {
            Ok((rows, next)) => {
                body["history"] = rows;
                body["next"] = next;
            }
            Err(why) => {
                body["history"] = json!([]);
                body["history_state"] = why.lost().into();
            }
        }
    }
    let origin = desk.origin(&product, "pcr");
    Ok(composed(&headers, &body, origin, desk.now()))
}

/// `/volatility-surface/{product}`: the document as it was published.
pub(super) async fn volatility_surface(
    State(desk): Shared,
    At(product): At<String>,
    headers: HeaderMap,
) -> Answer {
    let product = desk.product(&product)?;
    let found = desk.found(product.as_str(), "volatility_surface", &headers);
    found.ok_or_else(|| no_data(&product, "No recent data available"))
}

/// `/max-pain/{product}`.
pub(super) async fn max_pain(
    State(desk): Shared,
    At(product): At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let product = desk.product(&product)?;
    let expiry = desk.needed_expiry(&product, &query)?;
    let payload: Option<MaxPain> = desk.payload(&product, "max_pain");
    let nothing = || no_data(&product, "No data available").with("expiry", expiry.clone());
    let payload = payload.ok_or_else(nothing)?;
    let rows = payload.by_expiry.iter().flatten();
    let rows = rows.map(|row| {
        let size = Size(Some(row.call_oi), Some(row.put_oi));
        (row.expiry, &*row.root, size, row)
    });
    let row = desk.series(&product, &expiry, rows).ok_or_else(nothing)?;
    let body = json!({
        "product": product.as_str(),
        "expiry": expiry,
        "max_pain_strike": row.max_pain_strike,
        "spot_price": payload.spot,
        "distance_from_spot": row.distance,
        "distance_pct": row.distance_pct,
        "total_call_oi": row.call_oi,
        "total_put_oi": row.put_oi,
        "curve": row.curve,
        "tie_range": row.tie_range,
        "reason": row.reason,
        "timestamp": desk.computed_at(&product, "max_pain"),
    });
    let origin = desk.origin(&product, "max_pain");
    Ok(composed(&headers, &body, origin, desk.now()))
}

/// What is not there of a product.
fn no_data(product: &Symbol, text: &str) -> ApiError {
    let error = ApiError::new(StatusCode::NOT_FOUND, "no_data", text);
    error.with("product", product.as_str())
}

/// Open interest of calls and puts: what tells two series of one date apart.
#[derive(Clone, Copy)]
struct Size(Option<f64>, Option<f64>);

impl Size {
    fn distance(self, other: Self) -> f64 {
        let apart = |a: Option<f64>, b: Option<f64>| (a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs();
        apart(self.0, other.0) + apart(self.1, other.1)
    }
}

impl Desk {
    /// A product that is known, or the error that names the nearest.
    fn product(&self, text: &str) -> Result<Symbol, ApiError> {
        self.symbol(text).map_err(|_| {
            let known = self.symbols();
            let nearest = nearest(text, known.iter().map(Symbol::as_str));
            ApiError::unknown("unknown_product", "product", &clipped(text), nearest)
        })
    }

    /// The names of the series of a product that live, nearest first.
    fn expiries(&self, product: &Symbol) -> Vec<String> {
        let all = self.published.all_of(product.as_str(), self.now());
        let chains = all.iter().filter(|(slot, _)| slot.kind == Kind::Chain);
        let names = chains.filter_map(|(slot, _)| slot.name.strip_prefix("latest_chain:"));
        names.map(str::to_owned).collect()
    }

    /// The series a request names: `2026-12-18`, or `2026-12-18:AM` of several of a date.
    fn asked_expiry(&self, product: &Symbol, query: &Query) -> Result<Option<String>, ApiError> {
        let Some(name) = query.text("expiry") else {
            return Ok(None);
        };
        let date = name.split(':').next().unwrap_or_default();
        let is_date = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok();
        if date.len() == 10 && is_date && name.len() <= 32 {
            return Ok(Some(name.to_owned()));
        }
        let known = self.expiries(product);
        let nearest = nearest(name, known.iter().map(String::as_str));
        let hint = nearest.map(|nearest| format!(", did you mean {nearest}?"));
        let text = format!(
            "must be a date such as 2026-12-18 (is {:?}{})",
            clipped(name),
            hint.unwrap_or_default()
        );
        Err(ApiError::parameter("expiry", text))
    }

    fn needed_expiry(&self, product: &Symbol, query: &Query) -> Result<String, ApiError> {
        let missing = || {
            let text = "Expiry parameter required";
            let error = ApiError::new(StatusCode::BAD_REQUEST, "bad_parameter", text);
            error.with("parameter", "expiry")
        };
        self.asked_expiry(product, query)?.ok_or_else(missing)
    }

    /// A document of a product as JSON.
    fn value(&self, product: &Symbol, name: &str) -> Option<Value> {
        let now = self.now();
        let document = self.published.get(product.as_str(), name, now)?;
        serde_json::from_slice(document.live(now)?).ok()
    }

    /// When a document of a product was published, and how often one is.
    fn origin(&self, product: &Symbol, name: &str) -> Origin {
        let document = self.published.get(product.as_str(), name, self.now());
        let kind = name.split(':').next().unwrap_or_default();
        Origin {
            published_at: document.map(|document| document.published_at),
            every: self.interval(kind),
        }
    }

    /// When the newest document of a product's chains was published.
    fn origin_of_chains(&self, product: &Symbol) -> Origin {
        let all = self.published.all_of(product.as_str(), self.now());
        let chains = all.iter().filter(|(slot, _)| slot.kind == Kind::Chain);
        Origin {
            published_at: chains.map(|(_, document)| document.published_at).max(),
            ..Origin::default()
        }
    }

    /// The text of a document of a product.
    fn text(&self, product: &Symbol, name: &str, now: Timestamp) -> Option<Bytes> {
        let document = self.published.get(product.as_str(), name, now)?;
        document.live(now).cloned()
    }

    /// What a calculator found, where it has a value.
    fn payload<T: DeserializeOwned>(&self, product: &Symbol, name: &str) -> Option<T> {
        let now = self.now();
        let document = self.published.get(product.as_str(), name, now)?;
        serde_json::from_slice(document.live(now)?).ok()
    }

    /// When a calculator's document was computed.
    fn computed_at(&self, product: &Symbol, name: &str) -> Option<String> {
        let now = self.now();
        let document = self.published.get(product.as_str(), name, now)?;
        Some(document.published_at.to_rfc3339())
    }

    /// Put-call ratios of one series.
    fn latest_pcr(&self, product: &Symbol, expiry: &str, known: Option<&Pcr>) -> Option<Value> {
        let mut row = self.value(product, &format!("latest_pcr:{expiry}"))?;
        let is_whole = ["pcr_oi", "pcr_volume"]
            .iter()
            .all(|name| !row[name].is_null());
        if is_whole {
            return Some(row);
        }
        let rows = known?.by_expiry.iter().flatten();
        let rows = rows.map(|row| (row.expiry, &*row.root, size_of(&row.ratios), &row.ratios));
        let reason = self
            .series(product, expiry, rows)
            .and_then(|row| row.reason.clone());
        row["reason"] = reason.into();
        Some(row)
    }

    /// Among rows by date and root the one that a name in keys means: the date may be all it says, and
    /// then the published chain of that name tells which.
    fn series<'r, T>(
        &self,
        product: &Symbol,
        name: &str,
        rows: impl Iterator<Item = (chrono::NaiveDate, &'r str, Size, T)>,
    ) -> Option<T> {
        let (date, part) = match name.split_once(':') {
            Some((date, part)) => (date, Some(part)),
            None => (name, None),
        };
        let mut of_date: Vec<_> = rows.filter(|(of, ..)| of.to_string() == date).collect();
        if let Some(root) = part
            && let Some(at) = of_date.iter().position(|(_, of, ..)| *of == root)
        {
            return Some(of_date.swap_remove(at).3);
        }
        let chain = match of_date.len() {
            0 => return None,
            1 if part.is_none() => None,
            _ => Some(self.value(product, &format!("latest_chain:{name}"))?),
        };
        let number = |field: &str| chain.as_ref().and_then(|chain| chain[field].as_f64());
        let size = Size(number("total_call_oi"), number("total_put_oi"));
        let rated = of_date
            .into_iter()
            .map(|(_, _, of, row)| (size.distance(of), row));
        let nearest = rated.min_by(|(a, _), (b, _)| a.total_cmp(b));
        nearest.map(|(_, row)| row)
    }
}

fn size_of(ratios: &Ratios) -> Size {
    Size(ratios.call_oi, ratios.put_oi)
}

/// Milliseconds between two instants, 0 where the first is later.
fn age_ms(at: Option<&str>, now: Timestamp) -> Option<i64> {
    let at = chrono::DateTime::parse_from_rfc3339(at?).ok()?;
    Some((now.millis() - at.timestamp_millis()).max(0))
}
