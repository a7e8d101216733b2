//! Suite `moc_imbalance`: what follows from an auction feed.

use quant::math::auction::Auction;

use crate::{assert_close, suite};

const TOLERANCE: f64 = 1e-12;

#[test]
fn moc_imbalance() {
    for case in suite("moc_imbalance") {
        let field = |name: &str| case["input"][name].as_f64();
        let signed_imbalance = field("imbalance_qty").unwrap() * field("side").unwrap();
        let auction = Auction {
            paired: field("paired_qty").unwrap(),
            signed_imbalance,
            reference: field("ref_price"),
            near: field("near_price"),
            far: field("far_price"),
            average_daily_volume: field("adv"),
        };
        let got = auction.measures();
        for (name, got) in [
            ("signed_imbalance", Some(signed_imbalance)),
            ("imbalance_ratio", got.signed_to_paired),
            ("share_of_auction", got.share_of_auction),
            ("pct_adv", got.pct_adv),
            ("notional", got.notional),
            ("near_vs_ref_bps", got.near_vs_reference_bps),
            ("far_vs_ref_bps", got.far_vs_reference_bps),
        ] {
            assert_close(&case, name, got, TOLERANCE);
        }
    }
}
