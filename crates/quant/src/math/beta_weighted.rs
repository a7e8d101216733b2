//! The delta of positions in terms of one index.

use super::sum::Sum;

/// Dollar deltas, each times its beta to the index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaWeighted {
    /// Σ delta·beta, $.
    pub dollar_delta: f64,
    /// The same in shares of the index.
    pub index_shares: f64,
    /// How many positions have no beta and are left out: it is never taken to be 1.
    pub missing: usize,
}

/// Of positions as dollar delta and beta, at an index price above 0. `None` where the price is not,
/// where no position has a beta, and where a sum is not finite.
pub fn beta_weighted(positions: &[(f64, Option<f64>)], index_price: f64) -> Option<BetaWeighted> {
    let known = positions
        .iter()
        .filter_map(|(delta, beta)| Some(delta * (*beta)?));
    let count = known.clone().count();
    let dollar_delta = known.collect::<Sum>().value();
    let index_shares = dollar_delta / index_price;
    let usable = count > 0 && index_price > 0.0 && dollar_delta.is_finite();
    (usable && index_shares.is_finite()).then_some(BetaWeighted {
        dollar_delta,
        index_shares,
        missing: positions.len() - count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_any_beta_there_is_no_sum() {
        assert_eq!(beta_weighted(&[(1.0, None)], 100.0), None);
        assert_eq!(beta_weighted(&[], 100.0), None);
    }

    #[test]
    fn what_is_no_number_has_no_sum() {
        for price in [0.0, -1.0, f64::NAN, 5e-324] {
            assert_eq!(beta_weighted(&[(1.0, Some(1.0))], price), None, "{price}");
        }
        assert_eq!(beta_weighted(&[(f64::MAX, Some(2.0))], 100.0), None);
        assert_eq!(beta_weighted(&[(1.0, Some(f64::NAN))], 100.0), None);
    }
}
