//! The spot at or below which a put is exercised, at every time to expiry, and the premium for it:
//! Andersen, Lake and Offengenden, "High performance American option pricing", Journal of
//! Computational Finance 20 (2016).
//!
//! In units of the strike. The boundary is B(τ) = X·e^(−g(τ)), X its limit at expiry; H = g² is a
//! polynomial in √τ through Chebyshev points. The points are the fixed point of B = N(B)/D(B), in
//! the paper's forms A or B. A takes about seven rounds where the drift is small against the
//! volatility and diverges elsewhere; B is slower and serves there. The start is the boundary of
//! Barone-Adesi and Whaley, "Efficient analytic approximation of American option values", Journal
//! of Finance 42 (1987).

use super::Put;
use super::points::{BOUNDARY, PREMIUM};

/// Degree of the polynomial H.
const DEGREE: usize = 8;
/// cos(iπ/8).
const COSINES: [f64; DEGREE + 1] = [
    1.0,
    0.923_879_532_511_286_7,
    std::f64::consts::FRAC_1_SQRT_2,
    0.382_683_432_365_089_8,
    0.0,
    -0.382_683_432_365_089_8,
    -std::f64::consts::FRAC_1_SQRT_2,
    -0.923_879_532_511_286_7,
    -1.0,
];

/// g at the Chebyshev points, the first now, the last at expiry.
type Depths = [f64; DEGREE + 1];
/// Of H in Chebyshev polynomials over √(τ/T) in [0, 1].
type Coefficients = [f64; DEGREE + 1];

/// What a round may still move ln B by when the iteration ends. A price moves by less.
const SETTLED: f64 = 1e-7;
/// Drift over the life in standard deviations, (r−q)√T/σ, up to which equation A is tried.
const A_CONVERGES: f64 = 0.6;
const ROUNDS_A: usize = 16;
const ROUNDS_B: usize = 60;

#[derive(Clone, Copy, PartialEq)]
enum Equation {
    A,
    B,
}

/// The exercise boundary of a put of strike 1 from now to its expiry.
#[derive(Clone, Copy)]
pub(super) struct Boundary {
    /// ln X.
    log_limit: f64,
    /// g now, at the whole time to expiry.
    depth_now: f64,
    coefficients: Coefficients,
}

impl Boundary {
    /// Nothing where the iteration finds none.
    pub(super) fn solve(put: &Put) -> Option<Self> {
        let limit = put.boundary_at_expiry();
        let log_limit = libm::log(limit);
        let start = depths_by_quadratic(put, limit);
        let grid = Grid::new(put, log_limit);
        let drift = (put.rate - put.dividend_yield) * put.t_years;
        let by_a = if drift <= A_CONVERGES * put.deviation() {
            grid.iterate(Equation::A, ROUNDS_A, start)
        } else {
            None
        };
        let depths = by_a.or_else(|| grid.iterate(Equation::B, ROUNDS_B, start))?;
        Some(Self {
            log_limit,
            depth_now: depths[0],
            coefficients: interpolate(&depths),
        })
    }

    /// What early exercise adds to the European put; nothing where the put is exercised now.
    pub(super) fn premium(&self, put: &Put, moneyness: f64) -> Option<f64> {
        let above_limit = libm::log(moneyness) - self.log_limit;
        if above_limit <= -self.depth_now {
            return None;
        }
        let Put {
            rate,
            dividend_yield,
            sigma,
            t_years,
            ..
        } = *put;
        let root = t_years.sqrt();
        let drift = rate - dividend_yield;
        let sum: f64 = PREMIUM
            .iter()
            .map(|point| {
                let since = t_years * point.cos * point.cos;
                let deviation = sigma * root * point.cos;
                let log_ratio = above_limit + depth(&self.coefficients, point.sin);
                let d2 = (log_ratio + drift * since) / deviation - 0.5 * deviation;
                let interest = rate * libm::exp(-rate * since) * normal(-d2).0;
                let dividends = if dividend_yield == 0.0 {
                    0.0
                } else {
                    let paid = dividend_yield * libm::exp(-dividend_yield * since);
                    moneyness * paid * normal(-d2 - deviation).0
                };
                point.weight * (interest - dividends)
            })
            .sum();
        Some(t_years * sum)
    }
}

/// Anderson's mixing of this round and the one before ("Iterative procedures for nonlinear integral
/// equations", Journal of the ACM 12, 1965): it takes most of the slowest error out.
fn extrapolated(next: &Depths, moves: &Depths, before: &(Depths, Depths)) -> Depths {
    let (next_before, moves_before) = before;
    let (mut along, mut length) = (0.0, 0.0);
    for (now, then) in moves.iter().zip(moves_before) {
        along += now * (now - then);
        length += (now - then) * (now - then);
    }
    let share = if length > 0.0 { along / length } else { 0.0 };
    std::array::from_fn(|i| (next[i] - share * (next[i] - next_before[i])).max(0.0))
}

/// g at the fraction `x` = √(τ/T).
fn depth(coefficients: &Coefficients, x: f64) -> f64 {
    // Clenshaw's recurrence.
    let z = 2.0 * x - 1.0;
    let (mut near, mut far) = (0.0, 0.0);
    for coefficient in coefficients[1..].iter().rev() {
        (near, far) = (2.0 * z * near - far + coefficient, near);
    }
    (z * near - far + coefficients[0]).max(0.0).sqrt()
}

/// Coefficients of the polynomial through g² at the Chebyshev points.
fn interpolate(depths: &Depths) -> Coefficients {
    let halved_at_ends = |i: usize| if i == 0 || i == DEGREE { 0.5 } else { 1.0 };
    std::array::from_fn(|k| {
        let sum: f64 = depths
            .iter()
            .enumerate()
            .map(|(i, depth)| {
                let turn = (i * k) % (2 * DEGREE);
                let cosine = COSINES[turn.min(2 * DEGREE - turn)];
                halved_at_ends(i) * depth * depth * cosine
            })
            .sum();
        sum * halved_at_ends(k) * 2.0 / DEGREE as f64
    })
}

/// √(τ/T) of the Chebyshev point `i`: the first is now, the last is expiry.
fn fraction(i: usize) -> f64 {
    0.5 * (1.0 + COSINES[i])
}

/// All of the equations that does not change from round to round.
struct Grid {
    log_limit: f64,
    dividends: bool,
    rows: [Row; DEGREE],
}

/// The equation of one Chebyshev point.
#[derive(Clone, Copy)]
struct Row {
    deviation: f64,
    drift: f64,
    discount: f64,
    discount_share: f64,
    cells: [Cell; BOUNDARY.len()],
}

/// One point of a row's integrals.
#[derive(Clone, Copy)]
struct Cell {
    /// √(u/T).
    x: f64,
    deviation: f64,
    inverse_deviation: f64,
    drift: f64,
    /// r·e^(−r(τ−u))·du and the same of q.
    interest: f64,
    dividends: f64,
}

impl Grid {
    fn new(put: &Put, log_limit: f64) -> Self {
        let (r, q) = (put.rate, put.dividend_yield);
        let row = |i: usize| {
            let tau = put.t_years * fraction(i) * fraction(i);
            let deviation = put.sigma * tau.sqrt();
            let cell = |k: usize| {
                let point = BOUNDARY[k];
                let since = tau * point.cos * point.cos;
                let paid = |rate: f64| rate * libm::exp(-rate * since) * tau * point.weight;
                Cell {
                    x: fraction(i) * point.sin,
                    deviation: deviation * point.cos,
                    inverse_deviation: 1.0 / (deviation * point.cos),
                    drift: (r - q) * since,
                    interest: paid(r),
                    dividends: if q == 0.0 { 0.0 } else { paid(q) },
                }
            };
            Row {
                deviation,
                drift: (r - q) * tau,
                discount: libm::exp(-r * tau),
                discount_share: libm::exp(-q * tau),
                cells: std::array::from_fn(cell),
            }
        };
        Self {
            log_limit,
            dividends: q != 0.0,
            rows: std::array::from_fn(row),
        }
    }

    /// The depths at which a round changes nothing; nothing where they do not settle.
    fn iterate(&self, equation: Equation, rounds: usize, start: Depths) -> Option<Depths> {
        let mut depths = start;
        let mut before: Option<(Depths, Depths)> = None;
        for _ in 0..rounds {
            let next = self.round(equation, &depths)?;
            let moves: Depths = std::array::from_fn(|i| next[i] - depths[i]);
            // What H moves by, as a move of g now: the last days before expiry settle last and
            // matter least.
            let moved = (0..DEGREE)
                .map(|i| (moves[i] * (next[i] + depths[i])).abs())
                .fold(0.0, f64::max)
                / (2.0 * next[0]).max(f64::MIN_POSITIVE);
            if !moved.is_finite() {
                return None;
            }
            if moved <= SETTLED {
                return Some(next);
            }
            depths = match before {
                Some(before) => extrapolated(&next, &moves, &before),
                None => next,
            };
            before = Some((next, moves));
        }
        None
    }

    /// The right side of the equation at every point.
    fn round(&self, equation: Equation, depths: &Depths) -> Option<Depths> {
        let coefficients = interpolate(depths);
        let mut next = *depths;
        for (row, depth) in self.rows.iter().zip(&mut next) {
            let (above, below) = match equation {
                Equation::A => self.equation_a(row, *depth, &coefficients),
                Equation::B => self.equation_b(row, *depth, &coefficients),
            };
            if !(above > 0.0 && below > 0.0) {
                return None;
            }
            *depth = (self.log_limit - libm::log(above / below)).max(0.0);
        }
        Some(next)
    }

    /// N and D of equation A: densities, and one distribution function where there are dividends.
    fn equation_a(&self, row: &Row, g: f64, coefficients: &Coefficients) -> (f64, f64) {
        let d2 = (self.log_limit - g + row.drift) / row.deviation - 0.5 * row.deviation;
        let (cdf, pdf) = normal(d2 + row.deviation);
        let mut above = row.discount * density(d2) / row.deviation;
        let mut below = row.discount_share * (cdf + pdf / row.deviation);
        for cell in &row.cells {
            let d2 = cell.d2(depth(coefficients, cell.x) - g);
            above += cell.interest * density(d2) * cell.inverse_deviation;
            if self.dividends {
                let (cdf, pdf) = normal(d2 + cell.deviation);
                below += cell.dividends * (cdf + pdf * cell.inverse_deviation);
            }
        }
        (above, below)
    }

    /// N and D of equation B: distribution functions only.
    fn equation_b(&self, row: &Row, g: f64, coefficients: &Coefficients) -> (f64, f64) {
        let d2 = (self.log_limit - g + row.drift) / row.deviation - 0.5 * row.deviation;
        let mut above = row.discount * normal(d2).0;
        let mut below = row.discount_share * normal(d2 + row.deviation).0;
        for cell in &row.cells {
            let d2 = cell.d2(depth(coefficients, cell.x) - g);
            above += cell.interest * normal(d2).0;
            if self.dividends {
                below += cell.dividends * normal(d2 + cell.deviation).0;
            }
        }
        (above, below)
    }
}

impl Cell {
    fn d2(&self, log_ratio: f64) -> f64 {
        (log_ratio + self.drift) * self.inverse_deviation - 0.5 * self.deviation
    }
}

/// g of Barone-Adesi and Whaley at the Chebyshev points, by Newton's method
/// from expiry back to now.
fn depths_by_quadratic(put: &Put, limit: f64) -> Depths {
    let mut depths = [0.0; DEGREE + 1];
    let mut boundary = limit;
    for i in (0..DEGREE).rev() {
        boundary = quadratic(
            put,
            put.t_years * fraction(i) * fraction(i),
            boundary,
            limit,
        );
        depths[i] = libm::log(limit / boundary).max(0.0);
    }
    depths
}

fn quadratic(put: &Put, tau: f64, start: f64, limit: f64) -> f64 {
    let (r, q, variance) = (put.rate, put.dividend_yield, put.sigma * put.sigma);
    let deviation = put.sigma * tau.sqrt();
    let (discount, discount_share) = (libm::exp(-r * tau), libm::exp(-q * tau));
    let earned = if r == 0.0 {
        tau
    } else {
        -libm::expm1(-r * tau) / r
    };
    let curvature = 2.0 / (variance * earned);
    let slope = 2.0 * (r - q) / variance - 1.0;
    let root = (slope * slope + 4.0 * curvature).sqrt();
    let exponent = if slope > 0.0 {
        -0.5 * (slope + root)
    } else {
        // The same number without cancellation.
        -2.0 * curvature / (root - slope)
    };
    let mut boundary = start;
    for _ in 0..12 {
        let d1 = (libm::log(boundary) + (r - q) * tau) / deviation + 0.5 * deviation;
        let (cdf, pdf) = normal(-d1);
        let european = discount * normal(deviation - d1).0 - boundary * discount_share * cdf;
        let rest = 1.0 - discount_share * cdf;
        let value = 1.0 - boundary - european + rest * boundary / exponent;
        let derivative =
            -rest * (1.0 - 1.0 / exponent) + discount_share * pdf / (deviation * exponent);
        let next = (boundary - value / derivative).clamp(0.1 * boundary, limit);
        // A start needs no more.
        let near = (next - boundary).abs() < 1e-3 * boundary;
        // Not a number, too: the iteration then shows whether the old one serves.
        if next > 0.0 {
            boundary = next;
        }
        if near {
            break;
        }
    }
    boundary
}

/// 1/√(2π).
const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

fn density(x: f64) -> f64 {
    INV_SQRT_TAU * libm::exp(-0.5 * x * x)
}

/// N(x) to 2e-15 and φ(x), from one exponential: a price asks for a thousand of them, and
/// absolute digits are all it can use. Hart, "Computer Approximations" (1968), 5666, as in West,
/// "Better approximations to cumulative normal functions", Wilmott (2005).
fn normal(x: f64) -> (f64, f64) {
    const ABOVE: [f64; 7] = [
        3.526_249_659_989_11e-2,
        0.700_383_064_443_688,
        6.373_962_203_531_65,
        33.912_866_078_383,
        112.079_291_497_871,
        221.213_596_169_931,
        220.206_867_912_376,
    ];
    const BELOW: [f64; 8] = [
        8.838_834_764_831_84e-2,
        1.755_667_163_182_64,
        16.064_177_579_207,
        86.780_732_202_946_1,
        296.564_248_779_674,
        637.333_633_378_831,
        793.826_512_519_948,
        440.413_735_824_752,
    ];
    let size = x.abs();
    let bell = libm::exp(-0.5 * size * size);
    let tail = if size < 7.071_067_811_865_47 {
        let polynomial = |of: &[f64]| of.iter().fold(0.0, |sum, c| sum * size + c);
        bell * polynomial(&ABOVE) / polynomial(&BELOW)
    } else {
        let fraction = size + 1.0 / (size + 2.0 / (size + 3.0 / (size + 4.0 / (size + 0.65))));
        INV_SQRT_TAU * bell / fraction
    };
    let cdf = if x > 0.0 { 1.0 - tail } else { tail };
    (cdf, INV_SQRT_TAU * bell)
}

#[cfg(test)]
mod tests {
    use super::normal;
    use crate::math::normal::{cdf, pdf};

    #[test]
    fn the_quick_distribution_is_the_exact_one_to_fifteen_places() {
        for step in -4_000..=4_000 {
            let x = f64::from(step) * 0.01;
            let (quick, density) = normal(x);
            assert!((quick - cdf(x)).abs() < 2e-15, "{x}");
            assert!((density - pdf(x)).abs() < 1e-15, "{x}");
        }
    }
}
