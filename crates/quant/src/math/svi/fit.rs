//! Calibration of raw SVI to one expiry's points.
//!
//! De Marco & Martini, "Quasi-explicit calibration of Gatheral's SVI model" (Zeliade, 2009): once m
//! and σ are given, w is linear in the other parameters, and the best of those within their bounds
//! is known in closed form; only (m, σ) is searched, by Nelder & Mead (1965) from the best places
//! of a fixed grid. Levenberg and Marquardt's steps in all five polish the end. Every count of steps
//! is bounded and nothing is random: equal points give equal bits.

use super::{Raw, STEEPEST_WING, Svi};
use crate::math::dense;

/// As many points as parameters.
const FEWEST: usize = 5;

/// Log-moneyness and total variance beyond it are not of this world.
const LARGEST: f64 = 100.0;

/// Closer together than this, all points are at one strike.
const NARROWEST: f64 = 1e-9;

const STARTS: usize = 3;
const SIMPLEX_STEPS: usize = 250;
const POLISH_STEPS: usize = 60;

/// In widest σ for m, and in ln σ: from there on polishing is faster.
const SMALLEST_SIMPLEX: f64 = 1e-6;

/// −1 and 1 are no correlations of a valid slice.
const LARGEST_RHO: f64 = 1.0 - 1e-9;

/// A point of one expiry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Log-moneyness ln(K/F).
    pub k: f64,
    /// Total implied variance IV²·T, above 0.
    pub w: f64,
    /// How much its squared error counts, above 0; only ratios matter. Vega over spread, usually.
    pub weight: f64,
}

/// A slice through points, and how well it goes through them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The slice; no wing is steeper than 2, but butterflies are not checked.
    pub svi: Svi,
    /// Root of the weighted mean of squared errors, in total variance.
    pub rmse: f64,
    /// The largest error of a point, in total variance.
    pub max_error: f64,
    /// Points used.
    pub used: usize,
    /// Points without a finite k, or without a variance and a weight above 0, or beyond ±100.
    pub dropped: usize,
}

/// The slice with the least weighted squared error in total variance among those without negative
/// variance and with wings no steeper than 2; `None` for fewer than five usable points at
/// different k.
///
/// m is searched within the points' range widened by itself on both sides, σ between a thousandth
/// and five times the range.
pub fn fit(points: &[Point]) -> Option<Fit> {
    let search = Search::new(points)?;
    let best = search
        .starts()
        .into_iter()
        .map(|start| search.descend(start))
        .reduce(|best, next| if next.cost < best.cost { next } else { best })?;
    let svi = search.polish(search.slice(best.at)?);
    let error = |point: &Point| (svi.curve(point.k).w - point.w).abs();
    let used = search.points.len();
    Some(Fit {
        svi,
        rmse: search.cost(&svi).sqrt(),
        max_error: search.points.iter().map(error).fold(0.0, f64::max),
        used,
        dropped: points.len() - used,
    })
}

/// m and ln σ.
type Place = [f64; 2];

#[derive(Clone, Copy)]
struct Vertex {
    at: Place,
    cost: f64,
}

struct Search {
    /// Usable points, their weights adding up to 1.
    points: Vec<Point>,
    lowest: Place,
    highest: Place,
    /// The bounds of σ itself.
    narrowest: f64,
    widest: f64,
}

impl Search {
    fn new(points: &[Point]) -> Option<Self> {
        let in_range = |x: f64| x > 0.0 && x <= LARGEST;
        let usable = |p: &&Point| {
            p.k.abs() <= LARGEST && in_range(p.w) && p.weight > 0.0 && p.weight.is_finite()
        };
        let mut points: Vec<Point> = points.iter().filter(usable).copied().collect();
        points.sort_by(|a, b| a.k.total_cmp(&b.k));
        let apart = points.windows(2).filter(|pair| pair[0].k < pair[1].k);
        if apart.count() + 1 < FEWEST {
            return None;
        }
        // Twice, because a sum of large weights may overflow.
        let largest = points.iter().map(|p| p.weight).fold(0.0, f64::max);
        points.iter_mut().for_each(|p| p.weight /= largest);
        let sum: f64 = points.iter().map(|p| p.weight).sum();
        points.iter_mut().for_each(|p| p.weight /= sum);
        let (first, last) = (points.first()?.k, points.last()?.k);
        let range = last - first;
        if range < NARROWEST {
            return None;
        }
        let (narrowest, widest) = (1e-3 * range, 5.0 * range);
        Some(Self {
            points,
            lowest: [first - range, libm::log(narrowest)],
            highest: [last + range, libm::log(widest)],
            narrowest,
            widest,
        })
    }

    /// The best places of a grid.
    fn starts(&self) -> Vec<Place> {
        let between = |axis: usize, share: f64| {
            self.lowest[axis] + share * (self.highest[axis] - self.lowest[axis])
        };
        let grid = (0..13).flat_map(|i| (0..9).map(move |j| (i, j)));
        let mut places: Vec<Vertex> = grid
            .map(|(i, j)| {
                let (m, log_sigma) = (f64::from(i) / 12.0, f64::from(j) / 8.0);
                self.vertex([between(0, m), between(1, log_sigma)])
            })
            .collect();
        places.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        places.iter().take(STARTS).map(|vertex| vertex.at).collect()
    }

    /// Nelder and Mead's simplex of three, kept within the bounds.
    fn descend(&self, start: Place) -> Vertex {
        let step = |axis: usize, share: f64| {
            let mut at = start;
            let width = self.highest[axis] - self.lowest[axis];
            // Inwards, or the simplex would have no area at a bound.
            let inwards = at[axis] + share * width <= self.highest[axis];
            at[axis] += if inwards {
                share * width
            } else {
                -share * width
            };
            self.vertex(at)
        };
        let mut simplex = [self.vertex(start), step(0, 0.04), step(1, 0.06)];
        for _ in 0..SIMPLEX_STEPS {
            simplex.sort_by(|a, b| a.cost.total_cmp(&b.cost));
            let [best, middle, worst] = simplex;
            let span = |axis: usize| (worst.at[axis] - best.at[axis]).abs();
            if span(0) <= SMALLEST_SIMPLEX * (self.widest) && span(1) <= SMALLEST_SIMPLEX {
                break;
            }
            let along = |factor: f64| {
                let coordinate = |axis: usize| {
                    let centre = 0.5 * (best.at[axis] + middle.at[axis]);
                    centre + factor * (worst.at[axis] - centre)
                };
                self.vertex([coordinate(0), coordinate(1)])
            };
            let reflected = along(-1.0);
            if reflected.cost < best.cost {
                let expanded = along(-2.0);
                let further = expanded.cost < reflected.cost;
                simplex[2] = if further { expanded } else { reflected };
                continue;
            }
            if reflected.cost < middle.cost {
                simplex[2] = reflected;
                continue;
            }
            let outside = reflected.cost < worst.cost;
            let contracted = along(if outside { -0.5 } else { 0.5 });
            if contracted.cost < worst.cost.min(reflected.cost) {
                simplex[2] = contracted;
                continue;
            }
            for vertex in &mut simplex[1..] {
                let half = |axis: usize| 0.5 * (best.at[axis] + vertex.at[axis]);
                *vertex = self.vertex([half(0), half(1)]);
            }
        }
        simplex
            .into_iter()
            .min_by(|a, b| a.cost.total_cmp(&b.cost))
            .expect("a simplex has three vertices")
    }

    fn vertex(&self, at: Place) -> Vertex {
        let within = |axis: usize| at[axis].clamp(self.lowest[axis], self.highest[axis]);
        let at = [within(0), within(1)];
        let cost = self.slice(at).map_or(f64::INFINITY, |svi| self.cost(&svi));
        Vertex { at, cost }
    }

    /// The weighted mean of squared errors.
    fn cost(&self, svi: &Svi) -> f64 {
        let squared = |point: &Point| {
            let error = svi.curve(point.k).w - point.w;
            point.weight * error * error
        };
        self.points.iter().map(squared).sum()
    }

    /// The best slice of this m and σ.
    ///
    /// With y = (k − m)/σ: w = a + c·u + p·v, where u = (√(y² + 1) + y)/2 and v = (√(y² + 1) − y)/2
    /// belong to the wings. Their factors bσ(1 ± ρ) are any two numbers from 0 to 2σ, so the bounds
    /// of the paper (with Lee's 2 in the place of 4) become a square.
    fn slice(&self, [m, log_sigma]: Place) -> Option<Svi> {
        let sigma = libm::exp(log_sigma);
        let wings = |k: f64| {
            let y = (k - m) / sigma;
            // No overflow: the bounds keep y below 1e15.
            let radius = (y * y + 1.0).sqrt();
            // The difference of two large numbers, by their product being 1.
            let (large, small) = (radius + y.abs(), 1.0 / (radius + y.abs()));
            let (u, v) = if y >= 0.0 {
                (large, small)
            } else {
                (small, large)
            };
            [0.5 * u, 0.5 * v, 0.0]
        };
        // Means first, so that the level drops out of the normal equations without cancellation.
        let mut mean = [0.0; 3];
        for point in &self.points {
            let mut row = wings(point.k);
            row[2] = point.w;
            for (mean, x) in mean.iter_mut().zip(row) {
                *mean += point.weight * x;
            }
        }
        let mut sums = [[0.0; 3]; 2];
        for point in &self.points {
            let mut row = wings(point.k);
            row[2] = point.w;
            for (x, mean) in row.iter_mut().zip(mean) {
                *x -= mean;
            }
            for (sums, factor) in sums.iter_mut().zip(row) {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += point.weight * factor * x;
                }
            }
        }
        let [call, put] = least_squares_in_square(sums, STEEPEST_WING * sigma);
        let slopes = call + put;
        let rho = if slopes > 0.0 {
            (call - put) / slopes
        } else {
            0.0
        };
        let flat = Raw {
            a: 0.0,
            b: 0.5 * slopes / sigma,
            rho: rho.clamp(-LARGEST_RHO, LARGEST_RHO),
            m,
            sigma,
        };
        // Not so low that the least variance were below 0.
        let lowest = -Svi::new(flat)?.least_variance();
        let level = mean[2] - call * mean[0] - put * mean[1];
        Svi::new(Raw {
            a: level.max(lowest),
            ..flat
        })
    }

    /// Levenberg and Marquardt's steps in all five parameters, each taken only where the slice stays
    /// valid and its error falls.
    fn polish(&self, start: Svi) -> Svi {
        let (mut svi, mut cost, mut damping) = (start, self.cost(&start), 1e-3);
        for _ in 0..POLISH_STEPS {
            let next = self
                .step(&svi, damping)
                .map(|next| (next, self.cost(&next)));
            match next {
                Some((next, lower)) if lower < cost => {
                    (svi, cost) = (next, lower);
                    damping = f64::max(damping * 0.1, 1e-15);
                }
                _ => damping *= 10.0,
            }
        }
        svi
    }

    fn step(&self, svi: &Svi, damping: f64) -> Option<Svi> {
        let mut normal = dense::matrix(5, 5, |_, _| 0.0);
        let mut gradient = [0.0; 5];
        for point in &self.points {
            let row = derivatives(svi, point.k);
            let error = point.w - svi.curve(point.k).w;
            for (i, factor) in row.into_iter().enumerate() {
                gradient[i] += point.weight * factor * error;
                for (j, x) in row.into_iter().enumerate() {
                    normal[i][j] += point.weight * factor * x;
                }
            }
        }
        // In units in which every parameter matters alike; one that does not matter stays.
        let unit: Vec<f64> = (0..5)
            .map(|i| normal[i][i].sqrt())
            .map(|root| if root > 1e-150 { 1.0 / root } else { 0.0 })
            .collect();
        let scaled = dense::matrix(5, 5, |i, j| {
            let damped = if i == j { damping } else { 0.0 };
            let alone = if i == j && unit[i] == 0.0 { 1.0 } else { 0.0 };
            normal[i][j] * unit[i] * unit[j] + damped + alone
        });
        let known = dense::matrix(5, 1, |i, _| gradient[i] * unit[i]);
        let change = dense::solve(scaled, known)?;
        let change = |i: usize| change[i][0] * unit[i];
        let next = Svi::new(Raw {
            a: svi.a + change(0),
            b: svi.b + change(1),
            rho: (svi.rho + change(2)).clamp(-LARGEST_RHO, LARGEST_RHO),
            m: (svi.m + change(3)).clamp(self.lowest[0], self.highest[0]),
            // Unbounded it would vanish where a kink between two points fits their noise best.
            sigma: (svi.sigma + change(4)).clamp(self.narrowest, self.widest),
        })?;
        (next.steepest_wing() <= STEEPEST_WING).then_some(next)
    }
}

/// ∂w/∂(a, b, ρ, m, σ).
fn derivatives(svi: &Svi, k: f64) -> [f64; 5] {
    let x = k - svi.m;
    let radius = libm::hypot(x, svi.sigma);
    [
        1.0,
        svi.rho * x + radius,
        svi.b * x,
        -svi.b * (svi.rho + x / radius),
        svi.b * svi.sigma / radius,
    ]
}

/// Minimises ½xᵀAx − xᵀy over the square [0, side]², given `[A | y]`: the lowest point of the
/// quadratic where that lies inside, else the lowest of the four edges.
fn least_squares_in_square(sums: [[f64; 3]; 2], side: f64) -> [f64; 2] {
    let [[aa, ab, ay], [_, bb, by]] = sums;
    let determinant = aa * bb - ab * ab;
    if determinant > 1e-15 * aa * bb {
        let free = [
            (ay * bb - by * ab) / determinant,
            (by * aa - ay * ab) / determinant,
        ];
        if free.iter().all(|x| (0.0..=side).contains(x)) {
            return free;
        }
    }
    let edge = |top: f64, square: f64| {
        if square > 0.0 {
            (top / square).clamp(0.0, side)
        } else {
            0.0
        }
    };
    let on_edges = [0.0, side].into_iter().flat_map(|fixed| {
        [
            [fixed, edge(by - ab * fixed, bb)],
            [edge(ay - ab * fixed, aa), fixed],
        ]
    });
    let height = |[x, y]: [f64; 2]| 0.5 * (aa * x * x + bb * y * y) + ab * x * y - ay * x - by * y;
    on_edges
        .reduce(|low, next| {
            if height(next) < height(low) {
                next
            } else {
                low
            }
        })
        .expect("a square has four edges")
}
