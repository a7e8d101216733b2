//! Chain statistics: of no order, zones that add up, a pain that no strike undercuts, columns of one
//! length.

use proptest::prelude::*;
use quant::calculators::{max_pain, oi_buildup, pcr, surface};
use quant::market::{Chain, Head, Listing, Right};
use quant::math::max_pain::{StrikeInterest, max_pain as pain_of, payouts};
use serde::de::DeserializeOwned;

use crate::chains::{EXPIRIES, books, chain, close, date, noon};
use crate::desk::{Desk, Said};

const NAMES: [&str; 6] = [
    "pcr",
    "max_pain",
    "oi_buildup",
    "surface",
    "expected_move",
    "iv_rank",
];

fn said(chain: Chain) -> Vec<Said> {
    let mut desk = Desk::new(0.0);
    desk.snapshot.session_date = date(EXPIRIES[0]);
    desk.snapshot.session_close = Some(close());
    desk.list(chain, noon());
    let mut all = desk.turn(noon());
    all.retain(|said| NAMES.contains(&said.name));
    assert_eq!(all.len(), NAMES.len());
    all
}

fn payload<P: DeserializeOwned>(all: &[Said], name: &str) -> P {
    let said = all.iter().find(|said| said.name == name).unwrap();
    serde_json::from_slice(&said.outcome.body).unwrap()
}

/// Calls and puts at each strike.
fn interest(expiry: &str, strikes: &[f64], calls: &[f64], puts: &[f64]) -> Vec<Listing<'static>> {
    let expiry = date(expiry);
    let listing = |right, (strike, open): (&f64, &f64)| Listing {
        open_interest: Some(*open),
        multiplier: Some(50.0),
        ..Listing::new(expiry, right, *strike)
    };
    let calls = strikes.iter().zip(calls).map(|at| listing(Right::Call, at));
    let puts = strikes.iter().zip(puts).map(|at| listing(Right::Put, at));
    calls.chain(puts).collect()
}

#[test]
fn a_chain_whose_calls_and_puts_mirror_each_other() {
    let strikes = [21_000.0, 21_400.0, 21_500.0, 21_600.0, 22_000.0];
    let calls = [10.0, 20.0, 30.0, 40.0, 50.0];
    let puts = [50.0, 40.0, 30.0, 20.0, 10.0];
    let listings = interest(EXPIRIES[1], &strikes, &calls, &puts);
    let head = Head {
        as_of: noon(),
        spot: Some(21_510.0),
        ..Head::default()
    };
    let all = said(chain("GOOG", &listings, head));
    let total = payload::<pcr::Payload>(&all, "pcr").total.unwrap();
    assert_eq!((total.pcr_oi, total.call_oi), (Some(1.0), Some(150.0)));
    let pain = payload::<max_pain::Payload>(&all, "max_pain")
        .by_expiry
        .unwrap();
    assert_eq!(pain[0].max_pain_strike, Some(21_500.0));
    assert_eq!(pain[0].distance, Some(-10.0));
    let built = payload::<oi_buildup::Payload>(&all, "oi_buildup")
        .by_expiry
        .unwrap();
    for zones in [built[0].zones.call, built[0].zones.put] {
        assert_eq!((zones.itm, zones.atm, zones.otm), (30.0, 30.0, 90.0));
    }
    assert_eq!(built[0].resistance, Some(22_000.0));
    assert_eq!(built[0].support, Some(21_000.0));
    assert_eq!(
        built[0].interpretation,
        oi_buildup::Interpretation::Balanced
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_order_of_contracts_changes_no_bit(book in books(true), turn in 0..30usize) {
        let mut turned = book.clone();
        let by = turn % turned.listings.len();
        turned.listings.rotate_left(by);
        let reversed = {
            let mut reversed = book.clone();
            reversed.listings.reverse();
            reversed
        };
        let plain = said(book.chain());
        for other in [said(turned.chain()), said(reversed.chain())] {
            for (one, other) in plain.iter().zip(other) {
                prop_assert_eq!(&one.outcome.body, &other.outcome.body, "{}", one.name);
            }
        }
    }

    #[test]
    fn zones_add_up_to_what_is_open(book in books(false)) {
        let all = said(book.chain());
        let built: oi_buildup::Payload = payload(&all, "oi_buildup");
        let ratios: pcr::Payload = payload(&all, "pcr");
        let (Some(built), Some(ratios)) = (built.by_expiry, ratios.by_expiry) else {
            return Ok(());
        };
        for row in built {
            let sum = |zones: oi_buildup::ZoneSums| zones.itm + zones.atm + zones.otm;
            prop_assert_eq!(sum(row.zones.call), row.call_oi);
            prop_assert_eq!(sum(row.zones.put), row.put_oi);
            let same = ratios.iter().find(|ratios| ratios.expiry == row.expiry).unwrap();
            prop_assert_eq!(same.ratios.call_oi.unwrap_or(0.0), row.call_oi);
        }
    }

    #[test]
    fn columns_of_the_surface_have_one_length(book in books(true)) {
        let all = said(book.chain());
        let surface: surface::Payload = payload(&all, "surface");
        for row in surface.by_expiry.into_iter().flatten() {
            let rows = row.rows;
            let length = rows.strike.len();
            prop_assert!(length > 0);
            let columns = [rows.call_iv.len(), rows.put_iv.len(), rows.mid_iv.len()];
            prop_assert_eq!((columns, rows.log_moneyness.len()), ([length; 3], length));
            prop_assert_eq!(row.svi.is_none(), row.svi_reason.is_some());
        }
    }

    /// Against every strike by brute force, in whole numbers.
    #[test]
    fn no_strike_pays_less_than_max_pain(
        open in prop::collection::vec((1..9u32, 0..40u32, 0..40u32), 1..40),
        spot in 0..300u32,
    ) {
        let mut strike = 0.0;
        let rows: Vec<StrikeInterest> = open
            .into_iter()
            .map(|(step, call, put)| {
                strike += f64::from(step);
                StrikeInterest { strike, call: f64::from(call), put: f64::from(put) }
            })
            .collect();
        let paid = |at: f64| -> f64 {
            let of = |row: &StrikeInterest| {
                row.call * (at - row.strike).max(0.0) + row.put * (row.strike - at).max(0.0)
            };
            rows.iter().map(of).sum()
        };
        let brute: Vec<f64> = rows.iter().map(|row| paid(row.strike)).collect();
        let found = payouts(&rows);
        prop_assert_eq!(&found, &brute);
        for three in rows.windows(3).zip(found.windows(3)) {
            let (rows, paid) = three;
            let slope = |a: usize, b: usize| (paid[b] - paid[a]) / (rows[b].strike - rows[a].strike);
            prop_assert!(slope(0, 1) <= slope(1, 2), "convex");
        }
        let Some(pain) = pain_of(&rows, &found, f64::from(spot)) else {
            prop_assert!(rows.iter().all(|row| row.call + row.put == 0.0));
            return Ok(());
        };
        let least = brute.iter().copied().fold(f64::INFINITY, f64::min);
        let ties: Vec<f64> = rows
            .iter()
            .zip(&brute)
            .filter_map(|(row, paid)| (*paid == least).then_some(row.strike))
            .collect();
        prop_assert_eq!(pain.payout, least);
        prop_assert_eq!(&pain.ties, &ties);
        let nearest = |a: &&f64, b: &&f64| (**a - f64::from(spot)).abs().total_cmp(&(**b - f64::from(spot)).abs());
        prop_assert_eq!(Some(&pain.strike), ties.iter().min_by(nearest));
        prop_assert!((0.0..=1.0).contains(&pain.gradient));
    }
}
