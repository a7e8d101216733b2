//! `/oi-buildup/{product}`: open interest of a series by zone, and what became of positions since a
//! reference.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use quant::calculators::oi_buildup::{ContractBuildUp, ExpiryBuildUp, Params, Payload};
use quant::market::{Right, Span, Symbol, Timestamp};
use quant::math::oi_buildup::{Bias, BuildUp, DeadBands, build_up};
use serde_json::{Value, json};

use super::{Size, no_data};
use crate::http::answer::composed;
use crate::http::error::{Answer, ApiError};
use crate::http::past::End;
use crate::http::query::{At, Query};
use crate::http::{Desk, Shared};

/// The longest way back, minutes.
const MOST_MINUTES: u64 = 7 * 24 * 60;

/// What the open interest is compared with.
enum Reference {
    /// The session before, as the document has it.
    PreviousClose,
    /// The first chain of this session that was kept.
    Open,
    /// The chain so many minutes ago.
    Minutes(u64),
}

impl Reference {
    fn of(query: &Query) -> Result<Self, ApiError> {
        let minutes = query.whole("minutes", (1, MOST_MINUTES))?;
        let word = query.text("reference");
        match (word, minutes) {
            (None | Some("prev_close"), None) => Ok(Self::PreviousClose),
            (Some("open"), None) => Ok(Self::Open),
            (None, Some(minutes)) => Ok(Self::Minutes(minutes)),
            (Some(text), None) => {
                // `reference=minutes=15` as one word.
                let minutes = text.strip_prefix("minutes=").and_then(|n| n.parse().ok());
                let minutes = minutes.filter(|n| (1..=MOST_MINUTES).contains(n));
                let what = "must be prev_close, open or minutes=N";
                minutes
                    .map(Self::Minutes)
                    .ok_or_else(|| ApiError::parameter("reference", what))
            }
            (Some(_), Some(_)) => Err(ApiError::parameter(
                "minutes",
                "stands beside reference: one of the two",
            )),
        }
    }
}

/// The build-up of one series.
pub(in crate::http) async fn oi_buildup(
    State(desk): Shared,
    At(product): At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let product = desk.product(&product)?;
    let expiry = desk.needed_expiry(&product, &query)?;
    let reference = Reference::of(&query)?;
    let nothing = || no_data(&product, "No data available").with("expiry", expiry.clone());
    let payload: Option<Payload> = desk.payload(&product, "oi_buildup");
    let payload = payload.ok_or_else(nothing)?;
    let rows = payload.by_expiry.iter().flatten();
    let rows = rows.map(|row| {
        let size = Size(Some(row.call_oi), Some(row.put_oi));
        (row.expiry, &*row.root, size, row)
    });
    let row = desk.series(&product, &expiry, rows).ok_or_else(nothing)?;
    let (strikes, since) = match reference {
        Reference::PreviousClose => (as_published(row), None),
        Reference::Open => {
            let then = desk.at_open(&product, &expiry).await?;
            since(&desk, &product, &expiry, &then).ok_or_else(nothing)?
        }
        Reference::Minutes(minutes) => {
            let then = desk.before(&product, &expiry, minutes).await?;
            since(&desk, &product, &expiry, &then).ok_or_else(nothing)?
        }
    };
    let body = json!({
        "product": product.as_str(),
        "expiry": expiry,
        "spot_price": payload.spot,
        "call_buildup": row.zones.call,
        "put_buildup": row.zones.put,
        "interpretation": row.interpretation,
        "support": row.support,
        "resistance": row.resistance,
        "strikes": strikes,
        "reference_timestamp": since,
        "timestamp": desk.computed_at(&product, "oi_buildup"),
    });
    let origin = desk.origin(&product, "oi_buildup");
    Ok(composed(&headers, &body, origin, desk.now()))
}

fn as_published(row: &ExpiryBuildUp) -> Value {
    let change = |leg: &Option<ContractBuildUp>| leg.as_ref().and_then(|leg| leg.oi_change);
    let state = |leg: &Option<ContractBuildUp>| leg.as_ref().and_then(|leg| leg.state);
    let rows = row.strikes.iter().map(|row| {
        json!({
            "strike": row.strike,
            "call_oi_change": change(&row.call),
            "call_state": state(&row.call),
            "put_oi_change": change(&row.put),
            "put_state": state(&row.put),
            "bias": row.bias,
        })
    });
    rows.collect()
}

/// A chain that was kept: when, and its document.
struct Kept {
    at: Timestamp,
    document: Value,
}

impl Desk {
    /// The first chain of the session under way that was kept.
    async fn at_open(&self, product: &Symbol, expiry: &str) -> Result<Kept, ApiError> {
        let now = self.now();
        let open = self.setups.borrow().opened(product, now);
        let nothing = || {
            let text = "no chain was kept at the open of this session";
            ApiError::new(StatusCode::NOT_FOUND, "no_reference", text)
        };
        let open = open.ok_or_else(nothing)?;
        let session = (open.minus(Span::from_nanos(1)), now);
        let kept = self.kept(product, expiry, End::First, session).await?;
        kept.ok_or_else(nothing)
    }

    /// The chain so many minutes ago.
    async fn before(&self, product: &Symbol, expiry: &str, minutes: u64) -> Result<Kept, ApiError> {
        /// How old the newest may be that still speaks for that instant, beside the usual pause.
        const SLACK: f64 = 60.0;
        let every = self.setups.borrow().config.history.chain_seconds;
        let then = self.now().minus(Span::from_seconds(60.0 * minutes as f64));
        let from = then.minus(Span::from_seconds(2.0 * every as f64 + SLACK));
        let kept = self.kept(product, expiry, End::Last, (from, then)).await?;
        kept.ok_or_else(|| {
            let text = format!("no chain was kept {minutes} minutes ago");
            ApiError::new(StatusCode::NOT_FOUND, "no_reference", text)
        })
    }

    async fn kept(
        &self,
        product: &Symbol,
        expiry: &str,
        end: End,
        span: (Timestamp, Timestamp),
    ) -> Result<Option<Kept>, ApiError> {
        let found = self.past.chain_at(product, expiry, end, span).await?;
        Ok(found.map(|(at, document)| Kept { at, document }))
    }

    fn bands(&self) -> DeadBands {
        let setup = self.setups.borrow();
        let table = setup.config.calculators.get("oi_buildup").cloned();
        let params = table.and_then(|table| serde_json::from_value::<Params>(table).ok());
        let params = params.unwrap_or_default();
        DeadBands {
            price_pct: params.min_price_pct,
            oi_pct: params.min_oi_pct,
        }
    }
}

/// What changed by strike since a chain that was kept, and when that was.
fn since(
    desk: &Desk,
    product: &Symbol,
    expiry: &str,
    then: &Kept,
) -> Option<(Value, Option<String>)> {
    let now = desk.value(product, &format!("latest_chain:{expiry}"))?;
    let bands = desk.bands();
    let strikes = now["strikes"].as_array()?.iter();
    let rows = strikes.enumerate().map(|(at, strike)| {
        let leg = |side: &str, right: Right| {
            let now = now[side].get(at)?;
            let then = leg_at(&then.document, side, strike.as_f64()?);
            change(then, now, right, bands)
        };
        let (call, put) = (leg("calls", Right::Call), leg("puts", Right::Put));
        let part = |leg: &Option<Change>| leg.as_ref().map(|leg| leg.oi_change);
        let state = |leg: &Option<Change>| leg.as_ref().and_then(|leg| Some(leg.state?.label));
        json!({
            "strike": strike,
            "call_oi_change": part(&call),
            "call_state": state(&call),
            "put_oi_change": part(&put),
            "put_state": state(&put),
            "bias": net([&call, &put]),
        })
    });
    Some((rows.collect(), Some(then.at.to_rfc3339())))
}

/// What became of one contract.
struct Change {
    oi_change: f64,
    state: Option<BuildUp>,
    bias: Bias,
}

fn leg_at<'d>(document: &'d Value, side: &str, strike: f64) -> Option<&'d Value> {
    let strikes = document["strikes"].as_array()?;
    let at = strikes
        .iter()
        .position(|listed| listed.as_f64() == Some(strike))?;
    document[side].get(at).filter(|leg| leg.is_object())
}

fn change(then: Option<&Value>, now: &Value, right: Right, bands: DeadBands) -> Option<Change> {
    let oi = now["open_interest"].as_f64()?;
    let before = then.and_then(|then| then["open_interest"].as_f64())?;
    let price = |leg: &Value| {
        let (bid, ask) = (leg["bid"].as_f64(), leg["ask"].as_f64());
        let middle = bid.zip(ask).map(|(bid, ask)| f64::midpoint(bid, ask));
        middle
            .filter(|middle| *middle > 0.0)
            .or_else(|| leg["last"].as_f64())
    };
    let state = build_up(then.and_then(price), price(now), before, oi, bands);
    Some(Change {
        oi_change: oi - before,
        state,
        bias: state.map_or(Bias::Neutral, |state| state.label.bias(right)),
    })
}

/// What both contracts of a strike say, each by the positions that changed in it.
fn net(legs: [&Option<Change>; 2]) -> Bias {
    let signed = legs.into_iter().flatten().map(|leg| match leg.bias {
        Bias::Bullish => leg.oi_change.abs(),
        Bias::Bearish => -leg.oi_change.abs(),
        Bias::Neutral => 0.0,
    });
    let sum: f64 = signed.sum();
    match sum {
        sum if sum > 0.0 => Bias::Bullish,
        sum if sum < 0.0 => Bias::Bearish,
        _ => Bias::Neutral,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_one_of_three() {
        let of = |text: &str| {
            let reference = Reference::of(&Query::read(text).unwrap()).ok()?;
            Some(match reference {
                Reference::PreviousClose => "close".to_owned(),
                Reference::Open => "open".to_owned(),
                Reference::Minutes(minutes) => minutes.to_string(),
            })
        };
        assert_eq!(of("").as_deref(), Some("close"));
        assert_eq!(of("reference=open").as_deref(), Some("open"));
        assert_eq!(of("minutes=15").as_deref(), Some("15"));
        assert_eq!(of("reference=minutes%3D15").as_deref(), Some("15"));
        for wrong in [
            "reference=yesterday",
            "minutes=0",
            "reference=open&minutes=3",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_became_of_a_contract_follows_from_two_chains() {
        let leg = |oi: f64, bid: f64| json!({"open_interest": oi, "bid": bid, "ask": bid + 0.2});
        let bands = DeadBands {
            price_pct: 0.1,
            oi_pct: 1.0,
        };
        let (then, now) = (leg(100.0, 1.0), leg(150.0, 2.0));
        let found = change(Some(&then), &now, Right::Call, bands).unwrap();
        assert_eq!(found.oi_change, 50.0);
        let label = serde_json::to_value(found.state.unwrap().label).unwrap();
        assert_eq!(label, "long_build_up");
        assert_eq!(net([&Some(found), &None]), Bias::Bullish);
        assert!(change(None, &now, Right::Call, bands).is_none());
    }
}
