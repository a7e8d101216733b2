//! What trading costs, and how far it moves the price: spreads, Kyle's lambda, Amihud, Roll.
//!
//! Effective and realised spread: Huang & Stoll, "Dealer versus auction markets", Journal of
//! Financial Economics 41 (1996). Lambda: Kyle, Econometrica 53 (1985), as a regression of price
//! changes on signed volume. Illiquidity: Amihud, Journal of Financial Markets 5 (2002). The
//! spread that prices alone imply: Roll, Journal of Finance 39 (1984).

use crate::math::sum::Sum;

/// What the taker of one trade paid, and where it went, in basis points of the mid before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spreads {
    /// 2·D·(P − M)/M: what the taker paid.
    pub effective: f64,
    /// 2·D·(P − M')/M: what the maker kept; below zero where the price ran on.
    pub realized: f64,
    /// 2·D·(M' − M)/M: what the maker lost to the move. The three are one identity:
    /// effective = realised + impact.
    pub impact: f64,
}

/// 2·D·(P − M)/M in basis points, D +1 for a buy and −1 for a sell; `None` without a positive mid.
pub fn effective_spread_bps(sign: f64, price: f64, mid: f64) -> Option<f64> {
    bps(sign, price - mid, mid)
}

/// The spreads of one trade, with the mid some time after it; `None` without positive mids.
pub fn spreads(sign: f64, price: f64, mid: f64, mid_after: f64) -> Option<Spreads> {
    if mid_after.is_nan() || mid_after <= 0.0 {
        return None;
    }
    Some(Spreads {
        effective: bps(sign, price - mid, mid)?,
        realized: bps(sign, price - mid_after, mid)?,
        impact: bps(sign, mid_after - mid, mid)?,
    })
}

fn bps(sign: f64, distance: f64, mid: f64) -> Option<f64> {
    let spread = 2.0 * sign * distance / mid * 1e4;
    (mid > 0.0 && spread.is_finite()).then_some(spread)
}

/// Σ weight·value / Σ weight of `(value, weight)`; `None` where the weights add up to nothing.
pub fn weighted_mean(weighted: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (mut total, mut weights) = (Sum::default(), Sum::default());
    for (value, weight) in weighted {
        total.add(value * weight);
        weights.add(weight);
    }
    let mean = total.value() / weights.value();
    (weights.value() > 0.0 && mean.is_finite()).then_some(mean)
}

/// A price change explained by signed volume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KyleLambda {
    /// Change of the mid per share bought, in units of the currency.
    pub lambda: f64,
    /// Change of the mid at no net volume.
    pub intercept: f64,
    /// Share of the variance of price changes that volume explains, 0 to 1; `None` where the price
    /// stood.
    pub r2: Option<f64>,
    /// Standard error of lambda that holds whatever the variance of single changes is: White,
    /// Econometrica 48 (1980), with the factor n/(n − 2); `None` under three pairs.
    pub se: Option<f64>,
    /// Pairs.
    pub samples: usize,
}

/// Least squares of price changes on signed volumes, pair by pair, with a constant. `None` under
/// two pairs and where all volumes are the same.
pub fn kyle_lambda(changes: &[f64], volumes: &[f64]) -> Option<KyleLambda> {
    let pairs = || volumes.iter().copied().zip(changes.iter().copied());
    let samples = pairs().count();
    let n = samples as f64;
    let mean_x = pairs().map(|(x, _)| x).collect::<Sum>().value() / n;
    let mean_y = pairs().map(|(_, y)| y).collect::<Sum>().value() / n;
    let centred = || pairs().map(|(x, y)| (x - mean_x, y - mean_y));
    let of = |term: fn(f64, f64) -> f64| -> f64 {
        centred().map(|(x, y)| term(x, y)).collect::<Sum>().value()
    };
    let (xx, xy, yy) = (of(|x, _| x * x), of(|x, y| x * y), of(|_, y| y * y));
    let lambda = xy / xx;
    let intercept = mean_y - lambda * mean_x;
    if samples < 2 || xx <= 0.0 || !lambda.is_finite() || !intercept.is_finite() {
        return None;
    }
    let r2 = xy / xx * (xy / yy);
    let squares = centred().map(|(x, y)| {
        let unexplained = (y - lambda * x) * x / xx;
        unexplained * unexplained
    });
    let se = libm::sqrt(squares.collect::<Sum>().value() * n / (n - 2.0));
    Some(KyleLambda {
        lambda,
        intercept,
        r2: (yy > 0.0 && r2.is_finite()).then(|| r2.clamp(0.0, 1.0)),
        se: (samples > 2 && se.is_finite()).then_some(se),
        samples,
    })
}

/// Price change per money traded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amihud {
    /// Mean of |return| / traded value, times a million.
    pub illiquidity_x1e6: f64,
    /// Periods in the mean.
    pub used: usize,
    /// Periods left out because nothing was traded.
    pub excluded: usize,
}

/// Amihud's illiquidity of `(return, traded value)` by period; `None` where nothing was traded.
pub fn amihud(periods: impl Iterator<Item = (f64, f64)>) -> Option<Amihud> {
    let (mut sum, mut used, mut excluded) = (Sum::default(), 0, 0);
    for (change, value) in periods {
        if value > 0.0 {
            sum.add(change.abs() / value);
            used += 1;
        } else {
            excluded += 1;
        }
    }
    let illiquidity_x1e6 = sum.value() / used as f64 * 1e6;
    (used > 0 && illiquidity_x1e6.is_finite()).then_some(Amihud {
        illiquidity_x1e6,
        used,
        excluded,
    })
}

/// What successive price changes say of the spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roll {
    /// Mean product of each change with the one before it: price changes have mean zero under
    /// Roll's assumptions, and none is taken off.
    pub autocovariance: f64,
    /// 2·√(−autocovariance), in units of the price; `None` where that is not negative, as under a
    /// trend.
    pub spread: Option<f64>,
}

/// Roll's spread of successive price changes; `None` under two of them.
pub fn roll(changes: &[f64]) -> Option<Roll> {
    let products = changes.windows(2).map(|pair| pair[0] * pair[1]);
    let count = changes.len().checked_sub(1).filter(|count| *count > 0)?;
    let autocovariance = products.collect::<Sum>().value() / count as f64;
    autocovariance.is_finite().then(|| Roll {
        autocovariance,
        spread: (autocovariance < 0.0).then(|| 2.0 * libm::sqrt(-autocovariance)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: mean of y 1, Sxx 2, Sxy 3, residuals 1/2, −1, 1/2; R² = 4.5/6;
    /// se² = 3/1 · (1/4 + 1/4)/4.
    #[test]
    fn three_pairs_by_hand() {
        let fit = kyle_lambda(&[0.0, 0.0, 3.0], &[-1.0, 0.0, 1.0]).unwrap();
        assert_eq!((fit.lambda, fit.intercept, fit.r2), (1.5, 1.0, Some(0.75)));
        assert!((fit.se.unwrap() - libm::sqrt(0.375)).abs() < 1e-15);
    }

    #[test]
    fn two_pairs_have_a_slope_and_no_error_of_it() {
        let fit = kyle_lambda(&[0.0, 1.0], &[0.0, 2.0]).unwrap();
        assert_eq!((fit.lambda, fit.se), (0.5, None));
    }

    #[test]
    fn without_volume_or_moves_nothing_is_explained() {
        assert_eq!(kyle_lambda(&[], &[]), None);
        assert_eq!(kyle_lambda(&[1.0], &[1.0]), None);
        assert_eq!(kyle_lambda(&[1.0, 2.0, 3.0], &[5.0; 3]), None);
        let still = kyle_lambda(&[0.0; 3], &[1.0, 2.0, 4.0]).unwrap();
        assert_eq!((still.lambda, still.r2), (0.0, None));
    }

    #[test]
    fn a_mid_that_is_no_price_has_no_spread() {
        for mid in [0.0, -1.0, f64::NAN] {
            assert_eq!(effective_spread_bps(1.0, 10.0, mid), None);
            assert_eq!(spreads(1.0, 10.0, 10.0, mid), None);
        }
        assert_eq!(weighted_mean([(1.0, 0.0)].into_iter()), None);
        assert_eq!(roll(&[0.1]), None);
        assert_eq!(amihud([(0.1, 0.0)].into_iter()), None);
    }
}
