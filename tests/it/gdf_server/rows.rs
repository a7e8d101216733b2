//! What the simulated server tells: its plan, its instruments, quotes and greeks, in each dialect.

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value, json};

use super::{Behaviour, Case, LOT, SPOT};
use crate::harness::market::now_ms;

pub(super) fn limitation(behaviour: &Behaviour) -> Value {
    let exchanges = ["NFO", "NSE_IDX", "NSE"];
    let exchanges = exchanges
        .map(|name| json!({"ExchangeName": name, "AllowedInstruments": 50, "DataDelay": 0}));
    let functions = behaviour.disabled.iter();
    let functions: Vec<Value> = functions
        .map(|name| json!({"FunctionName": name, "IsEnabled": false}))
        .collect();
    json!({
        "GeneralParams": {
            "AllowedBandwidthPerHour": -1.0, "AllowedCallsPerHour": behaviour.calls_per_hour,
            "AllowedCallsPerMonth": -1, "AllowedBandwidthPerMonth": -1.0,
            "ExpirationDate": now_ms() / 1000 + 86_400, "Enabled": true,
        },
        "AllowedExchanges": exchanges, "AllowedFunctions": functions,
        "HistoryLimitation": {"TickEnabled": true, "MaxEOD": 100_000}, "MessageType": "LimitationResult",
    })
}

/// Between two strikes.
pub(super) const STEP: f64 = 50.0;

pub(super) fn strikes() -> impl Iterator<Item = f64> {
    (0..61).map(|n| SPOT - 1_500.0 + STEP * f64::from(n))
}

/// Two expiries that are near, whenever the test runs.
pub(super) fn expiries() -> [NaiveDate; 2] {
    [7, 35].map(|days| today() + Days::new(days))
}

/// The date in India.
fn today() -> NaiveDate {
    let there = chrono::DateTime::from_timestamp_millis(now_ms() + 19_800_000);
    there.unwrap().date_naive()
}

pub(super) fn written(date: NaiveDate) -> String {
    date.format("%d%b%Y").to_string().to_uppercase()
}

pub(super) fn instruments(product: &str, behaviour: &Behaviour) -> Vec<Value> {
    let row = |id: String, kind: &str, expiry: &str, strike: f64, side: &str| {
        json!({
            "Identifier": id, "Name": kind, "Expiry": expiry, "StrikePrice": strike, "Product": product,
            "PriceQuotationUnit": "", "OptionType": side, "ProductMonth": expiry, "UnderlyingAsset": "",
            "IndexName": "", "TradeSymbol": format!("{product}{strike}{side}"), "QuotationLot": LOT as f64,
            "Description": "", "TokenNumber": token(product, expiry, strike, side), "LowPriceRange": 0.05,
            "HighPriceRange": 5_000.0, "ISIN": Value::Null, "Series": "",
        })
    };
    let mut rows = Vec::new();
    let mut dates: Vec<String> = expiries().map(written).into();
    dates.extend(behaviour.stale_rows.then(|| "26NOV2020".to_owned()));
    for expiry in &dates {
        rows.push(row(
            format!("FUTIDX_{product}_{expiry}_XX_0"),
            "FUTIDX",
            expiry,
            0.0,
            "XX",
        ));
        for strike in strikes() {
            for side in ["CE", "PE"] {
                let id = format!("OPTIDX_{product}_{expiry}_{side}_{strike}");
                rows.push(row(id, "OPTIDX", expiry, strike, side));
            }
        }
    }
    for n in 0..behaviour.more_instruments {
        let (expiry, strike) = (&dates[1], SPOT + 10_000.0 + n as f64);
        let id = format!("OPTIDX_{product}_{expiry}_CE_{strike}");
        rows.push(row(id, "OPTIDX", expiry, strike, "CE"));
    }
    rows
}

fn token(product: &str, expiry: &str, strike: f64, side: &str) -> String {
    let text = format!("{product}{expiry}{strike}{side}");
    let sum = text.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    (sum % 1_000_000_007).to_string()
}

/// An image of an index, a share or a future.
pub(super) fn quote(exchange: &str, id: &str, images: u64, behaviour: &Behaviour) -> Value {
    let is_index = exchange.ends_with("_IDX");
    let last = SPOT + if is_index { 0.0 } else { 40.0 } + (images % 10) as f64 * 0.05;
    let now = now_ms() / 1000;
    let (bid, ask) = if is_index {
        (0.0, 0.0)
    } else {
        (last - 0.5, last + 0.5)
    };
    let mut row = json!({
        "Exchange": exchange, "InstrumentIdentifier": id, "LastTradeTime": now, "ServerTime": now,
        "AverageTradedPrice": last, "BuyPrice": bid, "BuyQty": 75, "SellPrice": ask, "SellQty": 150,
        "Open": SPOT - 20.0, "High": SPOT + 90.0, "Low": SPOT - 90.0, "Close": SPOT - 100.0,
        "LastTradePrice": last, "LastTradeQty": 0, "OpenInterest": 11_399_250, "QuotationLot": LOT as f64,
        "TotalQtyTraded": if is_index { 0 } else { images * LOT }, "Value": 0.0,
        "PreOpen": false, "PriceChange": 100.0, "PriceChangePercentage": 0.4, "OpenInterestChange": -98_250,
        "TotalBuyQty": 1.0, "TotalSellQty": 2.0,
    });
    if behaviour.bare {
        strip(&mut row);
    }
    row
}

/// What documents of 2018 do not have.
fn strip(row: &mut Value) {
    let late = [
        "PreOpen",
        "PriceChange",
        "PriceChangePercentage",
        "OpenInterestChange",
        "TotalBuyQty",
        "TotalSellQty",
    ];
    if let Some(fields) = row.as_object_mut() {
        fields.retain(|name, _| !late.contains(&name.as_str()));
    }
}

/// Rows of an expiry with quotes, greeks or both.
pub(super) fn options(
    product: &str,
    expiry: &str,
    strikes: &[f64],
    behaviour: &Behaviour,
    quotes: bool,
    greeks: bool,
) -> Vec<Value> {
    let now = now_ms() / 1000;
    // A logistic law of prices: convex, and calls and puts at parity.
    let width = if expiry == written(expiries()[0]) {
        250.0
    } else {
        550.0
    };
    let mut rows = Vec::new();
    for (n, strike) in strikes.iter().enumerate() {
        let x = (SPOT - strike) / width;
        let call = width * x.exp().ln_1p();
        let share = 1.0 / (1.0 + (-x).exp());
        for side in ["CE", "PE"] {
            let (value, delta) = match side {
                "CE" => (call, share),
                _ => (call - (SPOT - strike), share - 1.0),
            };
            let id = format!("OPTIDX_{product}_{expiry}_{side}_{strike}");
            let mut row = json!({"Exchange": "NFO"});
            if quotes {
                let last = (value * 20.0).round() / 20.0;
                merge(
                    &mut row,
                    json!({
                        "InstrumentIdentifier": id, "LastTradeTime": now, "ServerTime": now, "AverageTradedPrice": last,
                        "BuyPrice": last - 0.5, "BuyQty": LOT, "SellPrice": last + 0.5, "SellQty": 2 * LOT,
                        "Open": last, "High": last, "Low": last, "Close": last, "LastTradePrice": last, "LastTradeQty": 0,
                        "OpenInterest": (1_000 + n as u64) * LOT, "OpenInterestChange": -2 * LOT as i64,
                        "QuotationLot": LOT as f64, "TotalQtyTraded": 10 * LOT, "PreOpen": false, "Value": 0.0,
                    }),
                );
            }
            if greeks {
                merge(
                    &mut row,
                    json!({
                        "Token": token(product, expiry, *strike, side), "Timestamp": now, "IV": 0.1127, "Delta": delta,
                        "Theta": -9.5, "Vega": 12.25, "Gamma": 8.6e-4, "IVVwap": 0.11, "Vanna": -1.2e-05, "Charm": 0.0,
                        "Speed": 0.0, "Zomma": 0.0, "Color": 0.0, "Volga": 0.0, "Veta": 0.0, "ThetaGammaRatio": -1.1e+04,
                        "ThetaVegaRatio": -0.8, "DTR": 0.0,
                    }),
                );
                if behaviour.bad_numbers && n == 0 {
                    merge(
                        &mut row,
                        json!({"Gamma": "@8.6E06@", "Vega": "@8.6E@", "Theta": "@NaN@", "Volga": "@-@"}),
                    );
                }
            }
            if behaviour.bare {
                strip(&mut row);
            }
            if behaviour.null_kind {
                row["MessageType"] = Value::Null;
            }
            rows.push(row);
        }
    }
    if behaviour.stale_rows && quotes {
        for id in [
            format!("OPTIDX_{product}_26NOV2020_CE_25000"),
            "NIFTY17APR2523700PE".to_owned(),
            format!("OPTIDX_OTHER_{expiry}_CE_100"),
        ] {
            rows.push(
                json!({"InstrumentIdentifier": id, "LastTradePrice": 1.0, "ServerTime": now}),
            );
        }
        rows.push(json!({"Exchange": "NFO", "LastTradePrice": 1.0}));
    }
    rows
}

fn merge(row: &mut Value, more: Value) {
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
}

/// A message as it is written.
pub(super) fn formed(value: Value, behaviour: &Behaviour) -> String {
    let text = respelled(value, behaviour).to_string();
    // What stands between these marks is no text.
    text.replace("\"@", "").replace("@\"", "")
}

fn respelled(value: Value, behaviour: &Behaviour) -> Value {
    match value {
        Value::Object(fields) => {
            let spelled = fields.into_iter().map(|(key, value)| {
                let key = match behaviour.case {
                    Case::Documented => key,
                    Case::Lower => key[..1].to_lowercase() + &key[1..],
                    Case::Upper => key.to_uppercase(),
                };
                (key, respelled(value, behaviour))
            });
            Value::Object(spelled.collect::<Map<_, _>>())
        }
        Value::Array(list) => list
            .into_iter()
            .map(|one| respelled(one, behaviour))
            .collect(),
        Value::Number(number) if behaviour.as_text => match number.as_f64() {
            Some(small) if small != 0.0 && small.abs() < 0.01 => format!("{small:E}").into(),
            _ => number.to_string().into(),
        },
        Value::Bool(flag) if behaviour.as_text => flag.to_string().into(),
        other => other,
    }
}
