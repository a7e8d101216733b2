//! What unusual activity promises: ratios, flags, the contracts it names.

use super::*;
use crate::market::{Calendars, ChainBuilder, Head, Listing};

/// Right, strike, volume, open interest and last price.
type Listed = (Right, f64, Option<f64>, Option<f64>, f64);

fn chain(rows: &[Listed]) -> Chain {
    chain_at(rows, 0)
}

fn chain_at(rows: &[Listed], seconds: i64) -> Chain {
    let calendars = include_str!("../../../../../config/sessions.toml");
    let calendars = Calendars::from_toml(calendars).unwrap();
    let mut builder = ChainBuilder::new(&calendars, "SPY", "XNYS");
    let expiry = NaiveDate::from_ymd_opt(2026, 1, 16).unwrap();
    for &(right, strike, volume, open_interest, last) in rows {
        builder.push(Listing {
            volume,
            open_interest,
            last: Some(last),
            multiplier: Some(100.0),
            ..Listing::new(expiry, right, strike)
        });
    }
    builder.finish(Head {
        as_of: Timestamp::from_seconds(seconds),
        ..Head::default()
    })
}

fn said(chain: &Chain, spot: f64) -> Result<Payload, NoValue> {
    let mut unusual = Unusual::new(Params::default(), ()).unwrap();
    unusual.value(chain, spot, None)
}

#[test]
fn a_chain_by_hand() {
    let chain = chain(&[
        (Right::Call, 500.0, Some(1_500.0), Some(1_000.0), 2.0),
        (Right::Call, 510.0, Some(300.0), Some(0.0), 1.0),
        (Right::Put, 490.0, Some(700.0), Some(9_000.0), 1.0),
        (Right::Put, 480.0, None, Some(5_000.0), 1.0),
        (Right::Put, 470.0, Some(100.0), None, 0.1),
    ]);
    let payload = said(&chain, 500.0).unwrap();
    assert_eq!(payload.total_volume, Some(2_600.0));
    assert_eq!(payload.total_open_interest, Some(10_000.0));
    assert_eq!(payload.volume_oi_ratio, Some(0.25));
    assert_eq!(payload.max_contract_ratio, Some(1.5));
    assert_eq!(payload.high_ratio_contracts, Some(1));
    assert_eq!(payload.high_notional_contracts, Some(1));
    assert_eq!(payload.no_prior_oi_contracts, Some(1));
    // 1,800 calls and 800 puts.
    assert_eq!(payload.dominant_flow, Some(DominantFlow::Call));
    let score = 0.45 + 0.30 * 0.25 / 0.35 + 0.15 / 3.0 + 0.10 / 10.0;
    assert!((payload.score.unwrap() - score).abs() < 1e-15);
    assert_eq!(payload.classification, Some(Classification::Elevated));
    let top = payload.top_contracts.unwrap();
    let shown: Vec<_> = top
        .iter()
        .map(|c| (c.strike, c.ratio, c.premium_notional, c.flags.as_slice()))
        .collect();
    let first = (500.0, Some(1.5), 300_000.0, [Flag::VolGtOi].as_slice());
    let second = (510.0, None, 30_000.0, [Flag::NoPriorOi].as_slice());
    assert_eq!(shown, [first, second]);
    assert_eq!(top[0].root, "SPY");
}

#[test]
fn a_quiet_chain_is_inactive_and_one_without_volumes_has_no_value() {
    let quiet = chain(&[(Right::Call, 500.0, Some(0.0), Some(10.0), 1.0)]);
    let payload = said(&quiet, 500.0).unwrap();
    assert_eq!(payload.classification, Some(Classification::Inactive));
    assert_eq!((payload.score, payload.dominant_flow), (Some(0.0), None));
    let silent = chain(&[(Right::Call, 500.0, None, Some(10.0), 1.0)]);
    assert!(matches!(said(&silent, 500.0), Err(NoValue::Undefined(_))));
}

#[test]
fn a_contract_is_compared_with_its_past_sessions_by_the_same_time_of_day() {
    let rows = [
        (Right::Call, 500.0, Some(600.0), Some(90_000.0), 2.0),
        (Right::Put, 490.0, Some(600.0), Some(90_000.0), 2.0),
    ];
    let mut past = crate::baseline::Past::default();
    for volume in [40.0, 50.0, 60.0, 50.0, 50.0] {
        let stood = |volume| crate::baseline::Stood {
            expiry: NaiveDate::from_ymd_opt(2026, 1, 16).unwrap(),
            root: "SPY".to_owned(),
            strike: 500.0,
            right: Right::Call,
            volume: Some(volume),
            open_interest: None,
            price: None,
        };
        past.add(Some(&[stood(volume)]), &[stood(3.0 * volume)]);
    }
    let marks = [0, 1_800].map(Timestamp::from_seconds);
    let date = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap();
    let baseline = past.baseline(date, marks[0], marks, [].into());
    let mut unusual = Unusual::new(Params::default(), ()).unwrap();
    let mut at = |seconds| {
        let chain = chain_at(&rows, seconds);
        unusual.value(&chain, 500.0, Some(&baseline)).unwrap()
    };
    let early = at(299);
    assert_eq!(early.baseline_status, Some(BaselineStatus::NoBaseline));
    let payload = at(900);
    assert_eq!(payload.baseline_status, Some(BaselineStatus::Ok));
    assert_eq!(payload.baseline_contracts, Some(1));
    let top = payload.top_contracts.unwrap();
    // Half way between means of 50 and 150; the put has no past.
    assert_eq!((top.len(), top[0].vs_average), (1, Some(6.0)));
    assert_eq!(top[0].flags, [Flag::VolGt5xAvg]);
    assert_eq!(
        at(1_800).top_contracts.unwrap().len(),
        0,
        "four times is not five"
    );
}
