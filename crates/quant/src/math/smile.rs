//! The smile of one expiry: implied volatility by delta, at the money, and the measures between
//! them.
//!
//! d₁ = −k/s + s/2 with k = ln(K/F) and s = IV·√T, each strike with its own IV; its forward call
//! delta is N(d₁). A listed smile is interpolated by `Pchip`, over forward call delta for the wings
//! and over k at the money; a smooth slice is solved for its strikes. Nothing is extrapolated: a
//! wing that is not bracketed by strikes does not exist.

use super::normal;
use super::pchip::Pchip;

/// Strikes a smile needs: fewer leave the shape to the interpolation.
pub const FEWEST_STRIKES: usize = 4;

/// Points a wing needs on the axis of delta.
const FEWEST_DELTAS: usize = 3;

/// Nearer to 0 or 1 a delta has too few digits to tell one strike from the next.
const FAINTEST_DELTA: f64 = 1e-12;

/// Volatilities and times beyond it, or below its inverse, are not of this world.
const LARGEST: f64 = 1e6;

/// The implied volatility of one strike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrikeIv {
    /// Strike, above 0.
    pub strike: f64,
    /// Implied volatility per square root of a year, as a decimal, above 0.
    pub iv: f64,
}

/// Which delta a wing is found by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeltaKind {
    /// N(d₁) of a call and N(−d₁) of a put: the hedge in forwards.
    Forward,
    /// The same times e^(−qT), the hedge in the underlying.
    Spot {
        /// e^(−qT) of the dividend yield or foreign rate q, above 0.
        discount: f64,
    },
}

/// Where a smile has some delta.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wing {
    /// The strike of just this delta at this volatility.
    pub strike: f64,
    /// Implied volatility there, as a decimal.
    pub iv: f64,
}

/// The smile at the forward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtTheMoney {
    /// Implied volatility at K = F, as a decimal.
    pub iv: f64,
    /// dIV/dk there, per unit of log-moneyness; below 0 where puts are dearer.
    pub slope: f64,
}

/// A smile in four numbers; each part may be absent, and what needs it is absent with it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Skew {
    /// The call of the target delta.
    pub call: Option<Wing>,
    /// The put of the same absolute delta.
    pub put: Option<Wing>,
    /// The smile at the forward.
    pub at_the_money: Option<AtTheMoney>,
}

impl Skew {
    /// RR = IV(call) − IV(put), in volatility; below 0 where puts are dearer, as on equities.
    pub fn risk_reversal(&self) -> Option<f64> {
        Some(self.call?.iv - self.put?.iv)
    }

    /// BF = (IV(call) + IV(put))/2 − IV at the money, in volatility.
    pub fn butterfly(&self) -> Option<f64> {
        let at_the_money = self.at_the_money?.iv;
        // Halves of differences: exactly 0 where the three are the same.
        let above = |wing: Wing| 0.5 * (wing.iv - at_the_money);
        Some(above(self.call?) + above(self.put?))
    }

    /// (IV(put) − IV(call)) / IV at the money, a plain number; above 0 where puts are dearer.
    pub fn normalised(&self) -> Option<f64> {
        Some(-self.risk_reversal()? / self.at_the_money?.iv)
    }
}

/// Why there is no smile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSmile {
    /// The forward is not a finite number above 0.
    NoForward,
    /// The time to expiry is not a finite number above 0.
    Expired,
    /// Fewer than `FEWEST_STRIKES` strikes are usable.
    TooFewStrikes {
        /// How many are.
        usable: usize,
    },
}

/// What a smile was not made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Strikes without a finite strike and volatility above 0, and second ones of the same strike.
    pub unusable: usize,
    /// Strikes where delta does not fall from the strike before: their volatility is noise.
    pub not_monotone: usize,
    /// Strikes so far out that their delta is 0 or 1; they stand beside the money, not on the axis of
    /// delta.
    pub faint: usize,
}

/// The smile of listed strikes.
#[derive(Clone, Debug, PartialEq)]
pub struct Smile {
    expiry: Expiry,
    by_moneyness: Pchip,
    /// Over forward call delta; absent where fewer than three strikes have one.
    by_delta: Option<Pchip>,
    dropped: Dropped,
}

impl Smile {
    /// The smile of these strikes, which come in any order; of two at one strike the first counts.
    ///
    /// Delta must fall from strike to strike. Where noise breaks that, the fewest strikes are dropped
    /// that leave a falling sequence (the longest there is; of equally long ones that which ends
    /// at the highest delta), from the smile at the money too, and they are counted.
    pub fn new(strikes: &[StrikeIv], forward: f64, years: f64) -> Result<Self, NoSmile> {
        let expiry = Expiry::new(forward, years)?;
        let mut nodes: Vec<Node> = strikes.iter().filter_map(|s| expiry.node(*s)).collect();
        // Stable: the first of two at one strike stays the first.
        nodes.sort_by(|a, b| a.k.total_cmp(&b.k));
        nodes.dedup_by(|second, first| second.k <= first.k);
        let (usable, bright) = (nodes.len(), nodes.iter().filter(|n| n.is_bright()).count());
        let nodes = falling(nodes);
        if nodes.len() < FEWEST_STRIKES {
            return Err(NoSmile::TooFewStrikes {
                usable: nodes.len(),
            });
        }
        let by_moneyness: Vec<_> = nodes.iter().map(|node| (node.k, node.iv)).collect();
        let bright_nodes = nodes.iter().filter(|node| node.is_bright()).rev();
        let by_delta: Vec<_> = bright_nodes.map(|node| (node.delta, node.iv)).collect();
        let by_delta = Some(by_delta).filter(|points| points.len() >= FEWEST_DELTAS);
        Ok(Self {
            expiry,
            by_moneyness: Pchip::new(&by_moneyness).ok_or(NoSmile::TooFewStrikes { usable: 0 })?,
            by_delta: by_delta.and_then(|points| Pchip::new(&points)),
            dropped: Dropped {
                unusable: strikes.len() - usable,
                not_monotone: usable - nodes.len(),
                faint: usable - bright,
            },
        })
    }

    /// What the smile was not made of.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Implied volatility at a strike, interpolated in k; `None` outside of the strikes.
    pub fn iv(&self, strike: f64) -> Option<f64> {
        self.by_moneyness.value(self.expiry.moneyness(strike)?)
    }

    /// The smile at the forward; `None` where no strikes bracket it.
    pub fn at_the_money(&self) -> Option<AtTheMoney> {
        Some(AtTheMoney {
            iv: self.by_moneyness.value(0.0)?,
            slope: self.by_moneyness.slope(0.0)?,
        })
    }

    /// The call of this delta, between 0 and 1; `None` where no strikes bracket it.
    pub fn call(&self, delta: f64, kind: DeltaKind) -> Option<Wing> {
        self.wing(kind.of_call(delta)?)
    }

    /// The put of this absolute delta, between 0 and 1; `None` where no strikes bracket it.
    pub fn put(&self, delta: f64, kind: DeltaKind) -> Option<Wing> {
        self.wing(kind.of_put(delta)?)
    }

    /// Both wings at an absolute delta, commonly 0.25, and the money between them.
    pub fn skew(&self, delta: f64, kind: DeltaKind) -> Skew {
        Skew {
            call: self.call(delta, kind),
            put: self.put(delta, kind),
            at_the_money: self.at_the_money(),
        }
    }

    fn wing(&self, forward_call_delta: f64) -> Option<Wing> {
        let iv = self.by_delta.as_ref()?.value(forward_call_delta)?;
        let deviation = iv * self.expiry.root_years;
        let d1 = normal::quantile(forward_call_delta);
        self.expiry.at(deviation * (0.5 * deviation - d1), iv)
    }
}

/// The smile of a smooth slice, `iv` as a function of k = ln(K/F), by solving for its strikes: exact
/// where `Smile` interpolates. The slope at the money is a difference of fourth order, to about
/// ten digits.
///
/// Of several strikes with one delta, which no slice without arbitrage has in reach, one is found.
pub fn skew_of_slice(
    iv: impl Fn(f64) -> Option<f64>,
    forward: f64,
    years: f64,
    delta: f64,
    kind: DeltaKind,
) -> Result<Skew, NoSmile> {
    let expiry = Expiry::new(forward, years)?;
    let iv = &|k: f64| iv(k).filter(|iv| is_of_this_world(*iv));
    let wing = |forward_call_delta| {
        let k = expiry.strike_of(iv, normal::quantile(forward_call_delta))?;
        expiry.at(k, iv(k)?)
    };
    Ok(Skew {
        call: kind.of_call(delta).and_then(wing),
        put: kind.of_put(delta).and_then(wing),
        at_the_money: expiry.at_the_money(iv),
    })
}

impl DeltaKind {
    /// The N(d₁) of a call with this delta.
    fn of_call(self, delta: f64) -> Option<f64> {
        let forward = self.in_forwards(delta);
        is_share(forward).then_some(forward)
    }

    /// The N(d₁) of the call at the strike of a put with this absolute delta.
    fn of_put(self, delta: f64) -> Option<f64> {
        let forward = 1.0 - self.in_forwards(delta);
        (delta > 0.0 && is_share(forward)).then_some(forward)
    }

    fn in_forwards(self, delta: f64) -> f64 {
        match self {
            Self::Forward => delta,
            Self::Spot { discount } => delta / discount,
        }
    }
}

fn is_share(x: f64) -> bool {
    x > 0.0 && x < 1.0
}

fn is_of_this_world(x: f64) -> bool {
    (1.0 / LARGEST..=LARGEST).contains(&x)
}

/// A strike as the two axes see it.
#[derive(Clone, Copy)]
struct Node {
    k: f64,
    iv: f64,
    d1: f64,
    delta: f64,
}

impl Node {
    fn is_bright(&self) -> bool {
        (FAINTEST_DELTA..=1.0 - FAINTEST_DELTA).contains(&self.delta)
    }

    /// Lower in delta; d₁ tells faint ones apart.
    fn is_below(&self, other: &Self) -> bool {
        self.d1 < other.d1 && (self.delta < other.delta || !self.is_bright())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Expiry {
    forward: f64,
    root_years: f64,
}

impl Expiry {
    fn new(forward: f64, years: f64) -> Result<Self, NoSmile> {
        if !(forward > 0.0 && forward.is_finite()) {
            return Err(NoSmile::NoForward);
        }
        // A thousandth of a second is above the bound.
        if !(1e-12..=LARGEST).contains(&years) {
            return Err(NoSmile::Expired);
        }
        Ok(Self {
            forward,
            root_years: years.sqrt(),
        })
    }

    /// ln(K/F), to full precision near the money.
    fn moneyness(&self, strike: f64) -> Option<f64> {
        let k = if (0.5..2.0).contains(&(strike / self.forward)) {
            libm::log1p((strike - self.forward) / self.forward)
        } else {
            libm::log(strike) - libm::log(self.forward)
        };
        (strike > 0.0 && k.is_finite()).then_some(k)
    }

    fn node(&self, StrikeIv { strike, iv }: StrikeIv) -> Option<Node> {
        let k = self.moneyness(strike)?;
        let deviation = iv * self.root_years;
        let d1 = 0.5 * deviation - k / deviation;
        let usable = is_of_this_world(iv) && d1.is_finite();
        usable.then(|| Node {
            k,
            iv,
            d1,
            delta: normal::cdf(d1),
        })
    }

    fn at(&self, k: f64, iv: f64) -> Option<Wing> {
        let strike = self.forward * libm::exp(k);
        let exists = strike > 0.0 && strike.is_finite();
        exists.then_some(Wing { strike, iv })
    }

    fn at_the_money(&self, iv: impl Fn(f64) -> Option<f64>) -> Option<AtTheMoney> {
        let at_the_money = iv(0.0)?;
        let step = at_the_money * self.root_years / 256.0;
        let secant = |h: f64| Some((iv(h)? - iv(-h)?) / (2.0 * h));
        let slope = (4.0 * secant(step)? - secant(2.0 * step)?) / 3.0;
        slope.is_finite().then_some(AtTheMoney {
            iv: at_the_money,
            slope,
        })
    }

    /// The k with d₁ = `d1`: the root of k + s(k)·d₁ − s(k)²/2, which rises with k.
    fn strike_of(&self, iv: impl Fn(f64) -> Option<f64>, d1: f64) -> Option<f64> {
        let excess = |k: f64| {
            let deviation = iv(k)? * self.root_years;
            Some(k + deviation * (d1 - 0.5 * deviation)).filter(|excess| excess.is_finite())
        };
        let deviation = iv(0.0)? * self.root_years;
        let guess = deviation * (0.5 * deviation - d1);
        let mut width = 0.25 * deviation;
        let (mut low, mut high) = (guess - width, guess + width);
        // Only towards the root, because the slice may end; sixty doublings leave every slice behind.
        for _ in 0..60 {
            if excess(low)? > 0.0 {
                low -= width;
            } else if excess(high)? < 0.0 {
                high += width;
            } else {
                return root(excess, low, high);
            }
            width *= 2.0;
        }
        None
    }
}

/// The longest subsequence whose deltas fall, by patience sorting: O(n log n).
fn falling(nodes: Vec<Node>) -> Vec<Node> {
    // tails[n]: the end of the best sequence of n + 1, the one with the highest delta.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(nodes.len());
    for (at, node) in nodes.iter().enumerate() {
        let length = tails.partition_point(|tail| node.is_below(&nodes[*tail]));
        before.push(length.checked_sub(1).map(|shorter| tails[shorter]));
        if length == tails.len() {
            tails.push(at);
        } else {
            tails[length] = at;
        }
    }
    let mut kept = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(at) = next {
        kept.push(nodes[at]);
        next = before[at];
    }
    kept.reverse();
    kept
}

/// The root of a function that is at most 0 at `low` and at least 0 at `high`: Ridders, IEEE Trans.
/// Circuits Syst. 26 (1979), to the last digits; at least a halving a step.
fn root(f: impl Fn(f64) -> Option<f64>, mut low: f64, mut high: f64) -> Option<f64> {
    let (mut below, mut above) = (f(low)?, f(high)?);
    for _ in 0..100 {
        if below == 0.0 {
            return Some(low);
        }
        if above == 0.0 {
            return Some(high);
        }
        let middle = 0.5 * (low + high);
        if !(low < middle && middle < high) {
            break;
        }
        let height = f(middle)?;
        let scale = libm::hypot(height, (-below).sqrt() * above.sqrt());
        let share = if scale > 0.0 { -height / scale } else { 0.0 };
        let bent = (middle + 0.5 * (high - low) * share).clamp(low, high);
        // Both divide the bracket; afterwards it is the part with the change of sign.
        for (at, height) in [(middle, height), (bent, f(bent)?)] {
            if !(low <= at && at <= high) {
                continue;
            }
            if height <= 0.0 {
                (low, below) = (at, height);
            } else {
                (high, above) = (at, height);
            }
        }
    }
    Some(if -below < above { low } else { high })
}

#[cfg(test)]
mod tests;
