//! Sums that lose nothing to the order of magnitude of their terms.

/// A compensated sum: Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher
/// Summen", ZAMM 54 (1974).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    /// Adds a term.
    pub fn add(&mut self, term: f64) {
        let sum = self.sum + term;
        self.lost += if self.sum.abs() >= term.abs() {
            (self.sum - sum) + term
        } else {
            (term - sum) + self.sum
        };
        self.sum = sum;
    }

    /// The sum so far.
    pub fn value(self) -> f64 {
        self.sum + self.lost
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        terms.into_iter().for_each(|term| sum.add(term));
        sum
    }
}

/// How many sums [`total`] and [`dot`] fill in turn: the same on every host, so that wider registers
/// change no bits.
const LANES: usize = 4;

/// Compensated sums side by side, by Knuth's branchless form of Neumaier's step: the same rounding
/// error, and nothing in the way of vector instructions.
#[derive(Clone, Copy, Default)]
struct SumLanes {
    sum: [f64; LANES],
    lost: [f64; LANES],
}

impl SumLanes {
    #[inline(always)]
    fn add(&mut self, terms: [f64; LANES]) {
        for (lane, term) in terms.into_iter().enumerate() {
            let sum = self.sum[lane] + term;
            let taken = sum - self.sum[lane];
            self.lost[lane] += (self.sum[lane] - (sum - taken)) + (term - taken);
            self.sum[lane] = sum;
        }
    }

    fn value(self, rest: impl Iterator<Item = f64>) -> f64 {
        let terms = self.sum.into_iter().chain(self.lost).chain(rest);
        terms.collect::<Sum>().value()
    }
}

/// Σ xᵢ, compensated; of finite terms whose sum is finite.
pub fn total(x: &[f64]) -> f64 {
    let mut lanes = SumLanes::default();
    let (whole, rest) = x.as_chunks::<LANES>();
    for terms in whole {
        lanes.add(*terms);
    }
    lanes.value(rest.iter().copied())
}

/// Σ xᵢ·yᵢ over as many as both have, each product rounded and their sum compensated; of finite
/// terms whose sum is finite.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    let count = x.len().min(y.len());
    let mut lanes = SumLanes::default();
    let (xs, x_rest) = x[..count].as_chunks::<LANES>();
    let (ys, y_rest) = y[..count].as_chunks::<LANES>();
    for (x, y) in xs.iter().zip(ys) {
        lanes.add(std::array::from_fn(|lane| x[lane] * y[lane]));
    }
    lanes.value(x_rest.iter().zip(y_rest).map(|(x, y)| x * y))
}

#[cfg(test)]
mod tests {
    use super::{Sum, dot, total};

    #[test]
    fn sums_side_by_side_lose_as_little() {
        let terms = [
            1.0, 1e100, 1.0, 2.0, 0.5, -1e100, 3.0, 4.0, 5.0, -1e100, 1e100,
        ];
        assert_eq!(total(&terms), 16.5);
        assert_eq!(dot(&terms, &[1.0; 20]), 16.5);
        assert_eq!((total(&[]), dot(&[], &[1.0])), (0.0, 0.0));
    }

    #[test]
    fn a_large_term_that_cancels_takes_no_small_ones_with_it() {
        let sum: Sum = [1.0, 1e100, 1.0, -1e100].into_iter().collect();
        assert_eq!(sum.value(), 2.0);
    }
}
