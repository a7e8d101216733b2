//! The forward of an expiry from put-call parity, C − P = D·(F − K), and the yield it implies.
//!
//! Parity holds for European options; for American ones it is an inequality, and the forward comes
//! from elsewhere.

use super::black_scholes::log_moneyness;

/// One strike of an expiry with the mids of its call and its put.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParityQuote {
    /// Strike, in the currency of the prices, > 0.
    pub strike: f64,
    /// Mid of the call; `None` where it has no two-sided quote.
    pub call_mid: Option<f64>,
    /// Mid of the put; `None` where it has no two-sided quote.
    pub put_mid: Option<f64>,
    /// How much it counts, > 0; 1/spread² of the pair by convention. Only ratios matter.
    pub weight: f64,
}

/// Forward and discount factor read off the quotes of one expiry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParityForward {
    /// Forward price, in the currency of the prices, > 0.
    pub forward: f64,
    /// Discount factor D to the expiry, > 0; above 1 where rates are negative or quotes noisy.
    pub discount: f64,
    /// −ln D / T: decimal per year, continuously compounded.
    pub rate: f64,
    /// Strikes that had both sides.
    pub pairs: usize,
}

/// Why quotes give no forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardError {
    /// No strike has both a call and a put.
    NoPair,
    /// A line wants two strikes and there is one.
    OneStrike,
    /// The result is not a positive price: nonsense among the quotes, or T or the rate is no number.
    Invalid,
}

impl ForwardError {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPair => "no_pair",
            Self::OneStrike => "one_strike",
            Self::Invalid => "invalid",
        }
    }
}

/// Forward and discount by weighted least squares of C − P on K; T in years, > 0.
///
/// The slope is −D: over a narrow band of strikes D, and so the rate, is poorly determined, while
/// the forward is not. Where the rate is known `forward_at_rate` is the steadier estimate.
pub fn regression(quotes: &[ParityQuote], t_years: f64) -> Result<ParityForward, ForwardError> {
    let top = heaviest(quotes)?;
    let (mut pairs, mut weights, mut strikes, mut gaps) = (0, 0.0, 0.0, 0.0);
    for pair in quotes.iter().filter_map(Pair::of) {
        let weight = pair.weight / top;
        pairs += 1;
        weights += weight;
        strikes += weight * pair.strike;
        gaps += weight * pair.gap;
    }
    // Sums around the means: the raw ones would cost the digits strikes have in common.
    let (mean_strike, mean_gap) = (strikes / weights, gaps / weights);
    let (mut square, mut product) = (0.0, 0.0);
    for pair in quotes.iter().filter_map(Pair::of) {
        let away = pair.strike - mean_strike;
        square += pair.weight / top * away * away;
        product += pair.weight / top * away * (pair.gap - mean_gap);
    }
    let discount = -product / square;
    if is_one_strike(quotes) {
        return Err(ForwardError::OneStrike);
    }
    let result = ParityForward {
        forward: mean_strike + mean_gap / discount,
        discount,
        rate: -libm::log(discount) / t_years,
        pairs,
    };
    let valid =
        t_years > 0.0 && is_price(discount) && is_price(result.forward) && result.rate.is_finite();
    if valid {
        Ok(result)
    } else {
        Err(ForwardError::Invalid)
    }
}

/// The forward at a known rate (decimal per year, continuous): the weighted mean of
/// K + e^(rT)·(C − P); T in years.
pub fn forward_at_rate(
    quotes: &[ParityQuote],
    rate: f64,
    t_years: f64,
) -> Result<f64, ForwardError> {
    let top = heaviest(quotes)?;
    let growth = libm::exp(rate * t_years);
    let (mut weights, mut sum) = (0.0, 0.0);
    for pair in quotes.iter().filter_map(Pair::of) {
        let weight = pair.weight / top;
        weights += weight;
        sum += weight * (pair.strike + growth * pair.gap);
    }
    price(sum / weights)
}

/// The forward from the one pair with the smallest |C − P|, the first of equals: what remains where
/// quotes have no usable weights. Rate in decimal per year, T in years.
pub fn forward_at_the_money(
    quotes: &[ParityQuote],
    rate: f64,
    t_years: f64,
) -> Result<f64, ForwardError> {
    let unweighted = |quote: &ParityQuote| {
        Pair::of(&ParityQuote {
            weight: 1.0,
            ..*quote
        })
    };
    let nearest = quotes
        .iter()
        .filter_map(unweighted)
        .min_by(|a, b| a.gap.abs().total_cmp(&b.gap.abs()))
        .ok_or(ForwardError::NoPair)?;
    price(nearest.strike + libm::exp(rate * t_years) * nearest.gap)
}

/// The continuous yield q = r − ln(F/S)/T (decimal per year) that carries the spot to the forward;
/// `None` where a price is not positive, or T is not.
pub fn implied_yield(forward: f64, spot: f64, rate: f64, t_years: f64) -> Option<f64> {
    if !(is_price(forward) && is_price(spot) && t_years > 0.0) {
        return None;
    }
    let q = rate - log_moneyness(forward, spot) / t_years;
    q.is_finite().then_some(q)
}

/// A strike with both sides: its C − P.
struct Pair {
    strike: f64,
    gap: f64,
    weight: f64,
}

impl Pair {
    fn of(quote: &ParityQuote) -> Option<Self> {
        let gap = quote.call_mid? - quote.put_mid?;
        let usable = is_price(quote.strike) && gap.is_finite() && is_price(quote.weight);
        usable.then_some(Self {
            strike: quote.strike,
            gap,
            weight: quote.weight,
        })
    }
}

/// The largest weight. In its units no sum of weights overflows.
fn heaviest(quotes: &[ParityQuote]) -> Result<f64, ForwardError> {
    quotes
        .iter()
        .filter_map(Pair::of)
        .map(|pair| pair.weight)
        .reduce(f64::max)
        .ok_or(ForwardError::NoPair)
}

fn is_one_strike(quotes: &[ParityQuote]) -> bool {
    let mut strikes = quotes.iter().filter_map(Pair::of).map(|pair| pair.strike);
    let first = strikes.next();
    strikes.all(|strike| Some(strike) == first)
}

fn price(value: f64) -> Result<f64, ForwardError> {
    if is_price(value) {
        Ok(value)
    } else {
        Err(ForwardError::Invalid)
    }
}

fn is_price(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(strike: f64, call: f64, put: f64, weight: f64) -> ParityQuote {
        ParityQuote {
            strike,
            call_mid: Some(call),
            put_mid: Some(put),
            weight,
        }
    }

    #[test]
    fn two_pairs_are_a_line() {
        // C − P = 0.5·(110 − K).
        let quotes = [quote(100.0, 6.0, 1.0, 3.0), quote(120.0, 1.0, 6.0, 1.0)];
        let got = regression(&quotes, 2.0).unwrap();
        assert_eq!((got.forward, got.discount, got.pairs), (110.0, 0.5, 2));
        assert!((got.rate - std::f64::consts::LN_2 / 2.0).abs() < 1e-16);
    }

    #[test]
    fn a_pair_without_weight_counts_only_at_the_money() {
        let quotes = [quote(100.0, 1.0, 1.0, 0.0), quote(110.0, 1.0, 9.0, 1.0)];
        assert_eq!(forward_at_rate(&quotes, 0.0, 1.0), Ok(102.0));
        assert_eq!(forward_at_the_money(&quotes, 0.0, 1.0), Ok(100.0));
        assert_eq!(regression(&quotes, 1.0), Err(ForwardError::OneStrike));
    }

    #[test]
    fn nonsense_is_an_error_and_never_a_price() {
        let upside_down = [quote(100.0, 1.0, 6.0, 1.0), quote(120.0, 6.0, 1.0, 1.0)];
        assert_eq!(regression(&upside_down, 1.0), Err(ForwardError::Invalid));
        let good = [quote(100.0, 6.0, 1.0, 1.0), quote(120.0, 1.0, 6.0, 1.0)];
        for t in [0.0, -1.0, f64::NAN] {
            assert_eq!(regression(&good, t), Err(ForwardError::Invalid));
        }
        let result = forward_at_rate(&good, f64::NAN, 1.0);
        assert_eq!(result, Err(ForwardError::Invalid));
        assert_eq!(regression(&[], 1.0), Err(ForwardError::NoPair));
        let nan = [quote(100.0, f64::NAN, 1.0, 1.0)];
        assert_eq!(
            forward_at_the_money(&nan, 0.0, 1.0),
            Err(ForwardError::NoPair)
        );
    }

    #[test]
    fn the_yield_undoes_the_carry() {
        let forward = 100.0 * libm::exp((0.04 - 0.013) * 0.25);
        let got = implied_yield(forward, 100.0, 0.04, 0.25).unwrap();
        assert!((got - 0.013).abs() < 1e-15, "{got}");
        assert_eq!(implied_yield(100.0, 100.0, 0.04, 0.0), None);
        assert_eq!(implied_yield(f64::NAN, 100.0, 0.04, 1.0), None);
    }
}
