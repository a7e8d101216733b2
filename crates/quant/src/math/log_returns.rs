//! Log returns of prices in time, on their own clock and on the clock several series share.
//!
//! Series are joined by time, never by position: the last n bars of two of them are different
//! minutes as soon as one has a gap. A return whose ends lie in different sessions is none.

use super::dense::Matrix;
use super::sum;

/// A price at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When, in any unit that all series share.
    pub time: i64,
    /// Above 0; a point with any other price is left out.
    pub price: f64,
    /// The session the time belongs to, such as the number of its day.
    pub session: i32,
}

/// Prices in time, prepared for being joined with many others.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub(super) times: Vec<i64>,
    pub(super) sessions: Vec<i32>,
    /// The log return from the point before, across sessions too; 0 for the first. A return over
    /// several steps is their sum: it keeps the digits that a difference of log prices cancels.
    pub(super) steps: Vec<f64>,
    /// The returns within sessions, which are those common with any series on the same clock.
    pub(super) own: Centred,
}

impl Series {
    /// Of points in any order; of several at one time the last is taken.
    pub fn new(points: &[Point]) -> Self {
        let usable = |point: &&Point| point.price.is_finite() && point.price > 0.0;
        let mut sorted: Vec<Point> = points.iter().filter(usable).copied().collect();
        sorted.sort_by_key(|point| point.time);
        sorted.dedup_by(|later, kept| {
            let same = later.time == kept.time;
            if same {
                *kept = *later;
            }
            same
        });
        let steps = sorted
            .windows(2)
            .map(|w| log_return(w[0].price, w[1].price));
        let steps: Vec<f64> = sorted
            .first()
            .map(|_| 0.0)
            .into_iter()
            .chain(steps)
            .collect();
        let within = |at: &usize| sorted[*at].session == sorted[at - 1].session;
        let own = (1..sorted.len()).filter(within).map(|at| steps[at]);
        Self {
            own: Centred::of(own.collect()),
            times: sorted.iter().map(|point| point.time).collect(),
            sessions: sorted.iter().map(|point| point.session).collect(),
            steps,
        }
    }

    /// How many usable points there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether no point is usable.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub(super) fn has_clock_of(&self, other: &Self) -> bool {
        self.times == other.times && self.sessions == other.sessions
    }
}

/// Returns less their mean, and the sum of their squares.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Centred {
    pub(super) values: Vec<f64>,
    pub(super) squares: f64,
}

impl Centred {
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        let squares = centre(&mut values);
        Self { values, squares }
    }
}

/// Takes the mean off and says what the squares then sum to.
pub(super) fn centre(values: &mut [f64]) -> f64 {
    let mean = sum::total(values) / values.len().max(1) as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    sum::dot(values, values)
}

/// Whether `count` returns with this sum of squares are 0 but for what rounding the prices
/// themselves makes: at most ε a return.
pub(super) fn is_rounding(squares: f64, count: usize) -> bool {
    const NOISE: f64 = 4.0 * f64::EPSILON;
    squares <= count as f64 * (NOISE * NOISE)
}

/// ln(to/from), both above 0.
fn log_return(from: f64, to: f64) -> f64 {
    let relative = (to - from) / from;
    // Here the difference is exact, and ln(1 + x) keeps all of its digits.
    if (-0.5..=1.0).contains(&relative) {
        libm::log1p(relative)
    } else {
        libm::log(to) - libm::log(from)
    }
}

/// Hands on both log returns between each two consecutive common times of one session.
pub(super) fn each_common(a: &Series, b: &Series, mut take: impl FnMut(f64, f64)) {
    let (mut i, mut j) = (0, 0);
    // Since the last common time.
    let (mut x, mut y) = (0.0, 0.0);
    let mut before = None;
    while i < a.len() && j < b.len() {
        let (time_a, time_b) = (a.times[i], b.times[j]);
        if time_a <= time_b {
            x += a.steps[i];
            i += 1;
        }
        if time_b <= time_a {
            y += b.steps[j];
            j += 1;
        }
        if time_a == time_b {
            let sessions = (a.sessions[i - 1], b.sessions[j - 1]);
            if before.replace(sessions) == Some(sessions) {
                take(x, y);
            }
            (x, y) = (0.0, 0.0);
        }
    }
}

/// The log returns between consecutive times that all series have, none across sessions: a row
/// for each such interval in the order of time, a column for each series in the order given.
pub fn complete_rows(series: &[&Series]) -> Matrix {
    let Some(first) = series.first() else {
        return Matrix::new();
    };
    let mut rows = Matrix::new();
    let mut next = vec![0; series.len()];
    let mut since = vec![0.0; series.len()];
    let mut before: Option<Vec<i32>> = None;
    for time in &first.times {
        let mut sessions = Vec::with_capacity(series.len());
        for ((one, next), since) in series.iter().zip(&mut next).zip(&mut since) {
            while one.times.get(*next).is_some_and(|at| at <= time) {
                *since += one.steps[*next];
                *next += 1;
            }
            let last = next.checked_sub(1);
            sessions.extend(
                last.filter(|last| one.times[*last] == *time)
                    .map(|last| one.sessions[last]),
            );
        }
        if sessions.len() == series.len() {
            let row = std::mem::replace(&mut since, vec![0.0; series.len()]);
            if before.as_ref() == Some(&sessions) {
                rows.push(row);
            }
            before = Some(sessions);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(i64, f64, i32)]) -> Series {
        let point = |&(time, price, session): &(i64, f64, i32)| Point {
            time,
            price,
            session,
        };
        Series::new(&points.iter().map(point).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_of_several_at_one_time_counts_and_what_is_no_price_does_not() {
        let given = series(&[
            (3, 4.0, 0),
            (1, 9.0, 0),
            (1, 1.0, 0),
            (2, f64::NAN, 0),
            (4, -1.0, 0),
        ]);
        assert_eq!(given, series(&[(1, 1.0, 0), (3, 4.0, 0)]));
        assert_eq!(given.steps, [0.0, libm::log(4.0)]);
    }

    #[test]
    fn no_return_spans_the_night() {
        let a = series(&[(1, 1.0, 1), (2, 2.0, 1), (3, 8.0, 2), (4, 4.0, 2)]);
        let mut seen = Vec::new();
        each_common(&a, &a, |x, y| seen.push((x, y)));
        let ln_2 = libm::log1p(1.0);
        assert_eq!(seen, [(ln_2, ln_2), (-ln_2, -ln_2)]);
        assert_eq!(a.own.values, [ln_2, -ln_2]);
        assert_eq!(complete_rows(&[&a]), [[ln_2], [-ln_2]]);
    }

    #[test]
    fn a_gap_in_one_series_joins_the_steps_of_all() {
        let a = series(&[(1, 1.0, 1), (2, 2.0, 1), (3, 4.0, 1), (5, 4.0, 1)]);
        let b = series(&[
            (0, 3.0, 1),
            (1, 1.0, 1),
            (3, 1.0, 1),
            (4, 7.0, 1),
            (5, 2.0, 1),
        ]);
        let ln_2 = libm::log1p(1.0);
        let rows = complete_rows(&[&a, &b]);
        assert_eq!(rows[0], [2.0 * ln_2, 0.0]);
        assert_eq!(rows[1][0], 0.0);
        assert!((rows[1][1] - ln_2).abs() < 1e-15);
        let mut seen = Vec::new();
        each_common(&a, &b, |x, y| seen.push(vec![x, y]));
        assert_eq!(seen, rows);
        assert!(complete_rows(&[]).is_empty());
        assert!(complete_rows(&[&a, &series(&[])]).is_empty());
    }

    #[test]
    fn the_ends_of_the_range_of_prices_have_a_return() {
        let a = series(&[(1, f64::MAX, 0), (2, 5e-324, 0), (3, f64::MAX, 0)]);
        // ln of the largest and of the least number there is.
        let expected = 709.782_712_893_384 + 744.440_071_921_381_3;
        assert!((a.steps[2] - expected).abs() < 1e-9, "{}", a.steps[2]);
        assert_eq!(a.steps[1], -a.steps[2]);
    }
}
