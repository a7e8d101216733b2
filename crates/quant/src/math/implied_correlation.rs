//! What an index's volatility says of how its members move together.

use super::sum::Sum;

/// A member of an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// Its share of the index, 0 to 1.
    pub weight: f64,
    /// Its implied volatility, a year, at least 0.
    pub vol: f64,
}

/// How the members of an index move together, as options price it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImpliedCorrelation {
    /// The one correlation between all members that explains the index's variance:
    /// (s² − Σ wᵢ²sᵢ²) / Σ_{i≠j} wᵢwⱼsᵢsⱼ, as Cboe's COR indices have it. Raw: quotes of different
    /// times, or members that are missing, may take it beyond ±1.
    pub correlation: f64,
    /// Σ wᵢsᵢ² − s²: the variance a year that the members have and the index has not.
    pub dispersion: f64,
    /// Σ wᵢ, the share of the index the members are: 1 for all. Weights are taken as given, so that
    /// a share well below 1 makes the correlation too high and the dispersion too low.
    pub weight_covered: f64,
}

/// Of the members whose volatility is known and the index's, a year. `None` where a number is
/// negative or not finite, where the index does not move, and unless two members do.
pub fn implied_correlation(members: &[Member], index_vol: f64) -> Option<ImpliedCorrelation> {
    let usable = |number: f64| number.is_finite() && number >= 0.0;
    let all = members.iter().all(|of| usable(of.weight) && usable(of.vol));
    if !all || !usable(index_vol) || index_vol == 0.0 {
        return None;
    }
    let (mut covered, mut alone, mut between, mut weighted) = <(Sum, Sum, Sum, Sum)>::default();
    let mut before = Sum::default();
    for Member { weight, vol } in members {
        let part = weight * vol;
        covered.add(*weight);
        alone.add(part * part);
        weighted.add(part * vol);
        // Each pair once, so that nothing cancels.
        between.add(part * before.value());
        before.add(part);
    }
    let index = index_vol * index_vol;
    let found = ImpliedCorrelation {
        correlation: (index - alone.value()) / (2.0 * between.value()),
        dispersion: weighted.value() - index,
        weight_covered: covered.value(),
    };
    let numbers = [found.correlation, found.dispersion, found.weight_covered];
    numbers
        .iter()
        .all(|number| number.is_finite())
        .then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Member = Member {
        weight: 0.5,
        vol: 0.2,
    };

    #[test]
    fn members_that_move_as_one_are_the_index() {
        let found = implied_correlation(&[HALF, HALF], 0.2).unwrap();
        assert!((found.correlation - 1.0).abs() < 1e-15);
        assert!(found.dispersion.abs() < 1e-17);
        assert_eq!(found.weight_covered, 1.0);
    }

    #[test]
    fn one_member_has_no_correlation() {
        assert_eq!(implied_correlation(&[], 0.2), None);
        assert_eq!(implied_correlation(&[HALF], 0.2), None);
        let still = Member { vol: 0.0, ..HALF };
        assert_eq!(implied_correlation(&[HALF, still], 0.2), None);
    }

    #[test]
    fn what_is_no_volatility_has_none() {
        for vol in [-0.1, f64::NAN, f64::INFINITY, f64::MAX] {
            let odd = Member { vol, ..HALF };
            assert_eq!(implied_correlation(&[HALF, odd], 0.2), None, "{vol}");
            assert_eq!(implied_correlation(&[HALF, HALF], vol), None, "{vol}");
        }
        assert_eq!(implied_correlation(&[HALF, HALF], 0.0), None);
    }
}
