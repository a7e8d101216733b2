//! The gamma of an option book re-priced along spot, in dollars of delta change per +1 % of spot,
//! at each contract's own volatility (sticky strike).
//!
//! A contract's Black-Scholes-Merton gamma at spot x is e^(−qT) φ(d1)/(x σ√T); times x²·0.01 and
//! its signed quantity it is w·φ(d1)/(σ√T)·x·0.01. With l = ln(x/S) to the reference spot S,
//! d1 = (l + ln(S/K) + (r − q + σ²/2)T)/(σ√T), so that along spot only l changes.
//!
//! The sum at each spot goes through the contracts in their given order, each spot beside the
//! others in a lane of its own: the same bits in every register.

use std::ops::Add;

use crate::math::lanes::{self, Kernel, exp_1};

/// 0.01/√(2π): the density's constant, and the per cent.
const SCALE: f64 = 0.003_989_422_804_014_327;

/// Beyond this |d1|, e^(−d1²/2) is below the least number there is: what is left out is zero.
const END: f64 = 39.0;

/// No column may hold more: nothing computed from them can then leave the range of doubles.
const LIMIT: f64 = 1e60;

/// Beyond this |ln(x/S)| there is no spot worth a number, and no gamma.
const FAR: f64 = 60.0;

/// The columns of a book at a reference spot, one entry a contract.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    spot: f64,
    log_moneyness: &'a [f64],
    inv_deviation: &'a [f64],
    carry: &'a [f64],
    weight: &'a [f64],
}

impl<'a> Rows<'a> {
    /// The columns at the reference spot S > 0 (price units of the underlying):
    ///
    /// * `log_moneyness`: ln(S/K), best from [`log_ratio`]`(K, S)`;
    /// * `inv_deviation`: 1/(σ√T), above zero;
    /// * `carry`: (r − q + σ²/2)·T;
    /// * `weight`: sign · open interest · multiplier · e^(−qT), of any sign.
    ///
    /// `None` where their lengths differ or a number is missing, infinite, or absurd (above 1e60).
    pub fn new(
        spot: f64,
        log_moneyness: &'a [f64],
        inv_deviation: &'a [f64],
        carry: &'a [f64],
        weight: &'a [f64],
    ) -> Option<Self> {
        let columns = [log_moneyness, inv_deviation, carry, weight];
        let equal = columns.iter().all(|column| column.len() == weight.len());
        let sane = columns.iter().copied().flatten().all(|x| x.abs() <= LIMIT);
        let positive = spot > 0.0 && inv_deviation.iter().all(|&a| a > 0.0);
        (equal && sane && positive && spot <= LIMIT).then_some(Self {
            spot,
            log_moneyness,
            inv_deviation,
            carry,
            weight,
        })
    }

    /// The same contracts with other weights, as of another sign convention; `None` as in `new`.
    pub fn with_weights(self, weight: &'a [f64]) -> Option<Self> {
        let sane = weight.iter().all(|w| w.abs() <= LIMIT);
        (weight.len() == self.weight.len() && sane).then_some(Self { weight, ..self })
    }

    /// How many contracts.
    pub fn len(&self) -> usize {
        self.weight.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.weight.is_empty()
    }
}

/// ln(to/from), precise also where the two are close; both above zero.
pub fn log_ratio(from: f64, to: f64) -> f64 {
    let change = (to - from) / from;
    if change.abs() < 0.5 {
        return libm::log1p(change);
    }
    libm::log(to / from)
}

/// Adds to `out` the gamma exposure of the rows, $ per +1 %, at each spot S·e^`log_ratio`.
///
/// At a log-ratio that is no number or out of all bounds (60) nothing is added. The shorter of the
/// two slices says how many spots there are.
pub fn add(rows: Rows<'_>, log_ratio: &[f64], out: &mut [f64]) {
    lanes::widest(Profile {
        rows,
        log_ratio,
        out,
    });
}

/// The exposure and its slope at the spot S·e^`log_ratio`; zero out of all bounds, as in [`add`].
pub fn at(rows: Rows<'_>, log_ratio: f64) -> Point {
    lanes::widest(Single { rows, log_ratio })
}

/// The gamma exposure of a book at one spot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// $ of delta change per +1 % of spot.
    pub value: f64,
    /// Its change per unit of spot, $ per +1 % per price unit.
    pub slope: f64,
}

impl Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            slope: self.slope + other.slope,
        }
    }
}

/// Spots side by side; [`add`] in any registers.
struct Profile<'a, 'out> {
    rows: Rows<'a>,
    log_ratio: &'a [f64],
    out: &'out mut [f64],
}

/// Spots whose sums are kept at once: enough that additions do not wait for each other.
const TILE: usize = 32;

/// The last spots come in smaller tiles, or the last of 161 would cost as much as 32.
const REST: usize = 8;

impl Kernel for Profile<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let spots = self.log_ratio.len().min(self.out.len());
        let (sums, sums_rest) = self.out[..spots].as_chunks_mut::<TILE>();
        let (spots, spots_rest) = self.log_ratio[..spots].as_chunks::<TILE>();
        for (log_ratio, out) in spots.iter().zip(sums) {
            tile(self.rows, log_ratio, out);
        }
        let spots = spots_rest.chunks(REST);
        let sums = sums_rest.chunks_mut(REST);
        for (log_ratio, out) in spots.zip(sums) {
            // The last spot again fills the lanes that are left.
            let mut padded = [log_ratio[log_ratio.len() - 1]; REST];
            padded[..log_ratio.len()].copy_from_slice(log_ratio);
            let mut sums = [0.0; REST];
            sums[..out.len()].copy_from_slice(out);
            tile(self.rows, &padded, &mut sums);
            out.copy_from_slice(&sums[..out.len()]);
        }
    }
}

#[inline(always)]
fn tile<const N: usize>(rows: Rows<'_>, log_ratio: &[f64; N], out: &mut [f64; N]) {
    let mut l = *log_ratio;
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut spot = [0.0; N];
    for i in 0..N {
        let inside = l[i].abs() <= FAR;
        l[i] = if inside { l[i] } else { 0.0 };
        spot[i] = if inside { rows.spot * exp_1(l[i]) } else { 0.0 };
        least = if l[i] < least { l[i] } else { least };
        most = if l[i] > most { l[i] } else { most };
    }
    let mut sums = [0.0; N];
    for row in 0..rows.len() {
        let a = rows.inv_deviation[row];
        let m = rows.log_moneyness[row] + rows.carry[row];
        // Near an expiry most of the grid is out of reach of most contracts.
        if (most + m) * a < -END || (least + m) * a > END {
            continue;
        }
        let density = rows.weight[row] * a;
        for i in 0..N {
            let d1 = (l[i] + m) * a;
            sums[i] += density * exp_1(-0.5 * d1 * d1);
        }
    }
    for i in 0..N {
        out[i] += SCALE * spot[i] * sums[i];
    }
}

/// Contracts side by side; [`at`] in any registers.
struct Single<'a> {
    rows: Rows<'a>,
    log_ratio: f64,
}

/// Sums that one spot's contracts are dealt to in turn. Part of the result: not to be changed
/// with the registers.
const HANDS: usize = 16;

impl Kernel for Single<'_> {
    type Output = Point;

    #[inline(always)]
    fn run(self) -> Point {
        let Self { rows, log_ratio: l } = self;
        if l.is_nan() || l.abs() > FAR {
            return Point::default();
        }
        let (log_moneyness, log_moneyness_rest) = rows.log_moneyness.as_chunks::<HANDS>();
        let (inv_deviation, inv_deviation_rest) = rows.inv_deviation.as_chunks::<HANDS>();
        let (carry, carry_rest) = rows.carry.as_chunks::<HANDS>();
        let (weight, weight_rest) = rows.weight.as_chunks::<HANDS>();
        let mut sums = Sums::default();
        for i in 0..weight.len() {
            sums.deal(
                l,
                &log_moneyness[i],
                &inv_deviation[i],
                &carry[i],
                &weight[i],
            );
        }
        // Empty hands get contracts that weigh nothing.
        sums.deal(
            l,
            &padded(log_moneyness_rest),
            &padded(inv_deviation_rest),
            &padded(carry_rest),
            &padded(weight_rest),
        );
        // dx/dl = x turns the slope along l into one along x: φ'(d1) = −d1 φ(d1) and ∂d1/∂x = a/x.
        Point {
            value: SCALE * rows.spot * exp_1(l) * total(sums.value),
            slope: SCALE * total(sums.slope),
        }
    }
}

#[derive(Default)]
struct Sums {
    value: [f64; HANDS],
    slope: [f64; HANDS],
}

impl Sums {
    #[inline(always)]
    fn deal(
        &mut self,
        l: f64,
        log_moneyness: &[f64; HANDS],
        inv_deviation: &[f64; HANDS],
        carry: &[f64; HANDS],
        weight: &[f64; HANDS],
    ) {
        for i in 0..HANDS {
            let a = inv_deviation[i];
            let d1 = (l + (log_moneyness[i] + carry[i])) * a;
            let density = weight[i] * a * exp_1(-0.5 * d1 * d1);
            self.value[i] += density;
            self.slope[i] += density * (1.0 - a * d1);
        }
    }
}

#[inline(always)]
fn padded(rest: &[f64]) -> [f64; HANDS] {
    let mut all = [0.0; HANDS];
    all[..rest.len()].copy_from_slice(rest);
    all
}

/// By halves: ((0 + 8) + (4 + 12)) + …
#[inline(always)]
fn total(mut hands: [f64; HANDS]) -> f64 {
    let mut width = HANDS / 2;
    while width > 0 {
        for i in 0..width {
            hands[i] += hands[i + width];
        }
        width /= 2;
    }
    hands[0]
}

#[cfg(test)]
mod tests;
