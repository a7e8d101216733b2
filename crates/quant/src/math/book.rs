//! Measures of a displayed book: imbalance, pressure, weighted mid, and order-flow imbalance.
//! Sizes and prices are integers in one unit each; ratios of them need no unit.

/// (bids − asks) / (bids + asks), in [−1, 1]: +1 all bid, −1 all ask; `None` where both are zero.
pub fn imbalance(bids: i128, asks: i128) -> Option<f64> {
    let total = bids + asks;
    (total > 0).then(|| (bids - asks) as f64 / total as f64)
}

/// bids / asks; `None` without asks.
pub fn pressure_ratio(bids: i128, asks: i128) -> Option<f64> {
    (asks > 0).then(|| bids as f64 / asks as f64)
}

/// The mid that leans toward the thinner side: (bid·ask_size + ask·bid_size) / (bid_size + ask_size),
/// in price units; `None` where both sizes are zero.
pub fn weighted_mid(best: BestLevels) -> Option<f64> {
    let (bid_size, ask_size) = (i128::from(best.bid_size), i128::from(best.ask_size));
    let total = bid_size + ask_size;
    if total <= 0 {
        return None;
    }
    // Whole units exactly, only the rest as a float: the result never leaves [bid, ask].
    let width = i128::from(best.ask) - i128::from(best.bid);
    let up = width * bid_size;
    let whole = i128::from(best.bid) + up.div_euclid(total);
    let rest = up.rem_euclid(total) as f64 / total as f64;
    Some(whole as f64 + rest)
}

/// The best level of each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BestLevels {
    /// Best bid price.
    pub bid: i64,
    /// Size at it.
    pub bid_size: i64,
    /// Best offer price.
    pub ask: i64,
    /// Size at it.
    pub ask_size: i64,
}

/// Order-flow imbalance between two successive states (Cont, Kukanov, Stoikov 2014, eq. for e_n):
/// size that came to the bid or left the offer, minus the opposite. The inequalities are weak, so
/// that a change of size at an unchanged price counts.
pub fn order_flow(before: BestLevels, after: BestLevels) -> i128 {
    let mut flow = 0;
    if after.bid >= before.bid {
        flow += i128::from(after.bid_size);
    }
    if after.bid <= before.bid {
        flow -= i128::from(before.bid_size);
    }
    if after.ask <= before.ask {
        flow -= i128::from(after.ask_size);
    }
    if after.ask >= before.ask {
        flow += i128::from(before.ask_size);
    }
    flow
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pair_of_sides_has_no_imbalance() {
        assert_eq!(imbalance(0, 0), None);
        assert_eq!(imbalance(3, 1), Some(0.5));
        assert_eq!(imbalance(3, 0), Some(1.0));
        assert_eq!(pressure_ratio(3, 0), None);
    }

    #[test]
    fn the_weighted_mid_leans_toward_the_thinner_side() {
        let best = BestLevels {
            bid: 100,
            bid_size: 30,
            ask: 104,
            ask_size: 10,
        };
        assert_eq!(weighted_mid(best), Some(103.0));
    }

    #[test]
    fn the_weighted_mid_of_a_one_sided_weight_is_a_price_exactly() {
        let best = BestLevels {
            bid: -160_445_042_173_619_366,
            bid_size: 167,
            ask: 12,
            ask_size: 0,
        };
        assert_eq!(weighted_mid(best), Some(12.0));
    }
}
