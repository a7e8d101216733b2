//! Suite `portfolio_rollup`: missing values are skipped and counted, stale symbols listed.

use quant::calculators::summary;
use quant::market::{Symbol, Timestamp};
use quant::universe::totals::Totals;
use quant::universe::{Member, Standing};
use serde_json::Value;

use crate::{assert_close, suite};

const TOLERANCE: f64 = 1e-12;

fn member(snapshot: &Value, max_age: f64) -> Member {
    let number = |name: &str| snapshot[name].as_f64();
    let summary = summary::Payload {
        vpin: number("vpin"),
        signed_gex: number("gex"),
        volume: number("volume"),
        ..summary::Payload::default()
    };
    let standing = match number("age_s").unwrap() > max_age {
        true => Standing::Stale,
        false => Standing::Present {
            summary: Box::new(summary),
            as_of: Timestamp::default(),
            valid_until: Timestamp::default(),
            delayed: false,
        },
    };
    Member {
        symbol: Symbol::new(snapshot["symbol"].as_str().unwrap()).unwrap(),
        sector: snapshot["sector"].as_str().unwrap().to_owned(),
        currency: "USD".to_owned(),
        beta: None,
        standing,
    }
}

#[test]
fn portfolio_rollup() {
    for case in suite("portfolio_rollup") {
        let (input, expected) = (&case["input"], &case["expected"]);
        let max_age = input["max_age_s"].as_f64().unwrap();
        let toxic = input["toxic_threshold"].as_f64().unwrap();
        let snapshots = input["snapshots"].as_array().unwrap();
        let mut members: Vec<Member> = snapshots.iter().map(|s| member(s, max_age)).collect();
        members.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        let totals = Totals::of(members.iter(), "USD", toxic);
        let (ratios, amounts) = (&totals.ratios, &totals.amounts);
        let numbers = [
            ("vpin_mean", ratios.avg_vpin),
            ("vpin_volume_weighted", ratios.avg_vpin_volume_weighted),
            ("gex_total", amounts.signed_gex_usd_per_1pct),
            ("gex_gross", amounts.gross_gex_usd_per_1pct),
        ];
        for (field, got) in numbers {
            assert_close(&case, field, got, TOLERANCE);
        }
        assert_eq!(totals.counts["avg_vpin"], expected["vpin_n"]);
        assert_eq!(totals.counts["signed_gex_usd_per_1pct"], expected["gex_n"]);
        assert_eq!(totals.toxic.len(), expected["toxic_count"]);
        assert_eq!(totals.symbols.len(), expected["symbols"]);
        assert_eq!(serde_json::json!(totals.stale), expected["stale"]);
        for (sector, of_sector) in expected["sectors"].as_object().unwrap() {
            let own = members.iter().filter(|member| member.sector == *sector);
            let totals = Totals::of(own, "USD", toxic);
            let gex = totals.amounts.signed_gex_usd_per_1pct;
            assert_eq!(gex, of_sector["gex"].as_f64());
            assert_eq!(totals.counts["signed_gex_usd_per_1pct"], of_sector["n"]);
        }
    }
}
