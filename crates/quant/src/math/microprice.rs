//! Stoikov's micro-price: the mid expected in the long run, given imbalance and spread.
//!
//! Stoikov, "The micro-price: a high-frequency estimator of future prices", Quantitative Finance
//! 18(12), 2018. The book is a chain over cells of (imbalance, spread); moves of the mid depend on
//! the cell alone. The price is mid + G*, with G* = Σ Bⁱ G1 over the moves still to come.

use crate::math::dense::{Matrix, apply, matrix, product, solve};

/// Bins of imbalance, from all ask to all bid; odd, so that one is balanced.
pub const BINS: usize = 5;

/// Widest spread with cells of its own, ticks.
pub const SPREADS: usize = 3;

/// Cells of the chain.
pub const CELLS: usize = BINS * SPREADS;

/// Largest move of the mid that counts, half ticks: the widest spread. A jump says nothing of the
/// next move, and a few of them would be the whole mean.
const LARGEST_MOVE: i64 = 2 * SPREADS as i64;

/// Doublings of B after which the terms of the series must have vanished: a million moves.
const DOUBLINGS: usize = 20;

/// What counts as vanished, relative to the first term.
const VANISHED: f64 = 1e-9;

/// The chain: what follows a book, by cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Q: chance that the mid stays, by cell before and after.
    pub stays: Matrix,
    /// R1: chance of each move of the mid, by cell before.
    pub moves: Matrix,
    /// K: those moves.
    pub sizes: Vec<f64>,
    /// R2: chance that the mid moves, by cell before and after.
    pub moved: Matrix,
}

/// What the chain says, by cell, in the unit of its moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjustments {
    /// G1 = (1 − Q)⁻¹ R1 K: the expected first move.
    pub first: Vec<f64>,
    /// B = (1 − Q)⁻¹ R2: the cell after the first move.
    pub renewal: Matrix,
    /// G* = Σ Bⁱ G1: the expected sum of all moves, what is added to the mid.
    pub total: Vec<f64>,
}

impl Chain {
    /// Solves the chain; `None` where a cell never sees a move, or where the expected moves do not
    /// add up: they drift, or swing for ever.
    pub fn solve(&self) -> Option<Adjustments> {
        let n = self.stays.len();
        let one = |i, j| f64::from(u8::from(i == j));
        let leave = matrix(n, n, |i, j| one(i, j) - self.stays[i][j]);
        let renewal = solve(leave.clone(), self.moved.clone())?;
        let drift = apply(&self.moves, &self.sizes);
        let first = column(&solve(leave, as_column(&drift))?);

        let far = (0..DOUBLINGS).fold(renewal.clone(), |power, _| product(&power, &power));
        let left = largest(&apply(&far, &first));
        let vanishes = left <= VANISHED * largest(&first);
        if !vanishes {
            return None;
        }
        // B is stochastic and 1 − B singular; on a G1 that B∞ maps to zero its inverse is that of
        // 1 − B + B∞ (the fundamental matrix of the chain).
        let step = matrix(n, n, |i, j| one(i, j) - renewal[i][j] + far[i][j]);
        let total = column(&solve(step, as_column(&first))?);
        let finite = total.iter().chain(&first).all(|g| g.is_finite());
        finite.then_some(Adjustments {
            first,
            renewal,
            total,
        })
    }
}

fn as_column(v: &[f64]) -> Matrix {
    v.iter().map(|x| vec![*x]).collect()
}

fn column(matrix: &Matrix) -> Vec<f64> {
    matrix.iter().map(|row| row[0]).collect()
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |max, x| max.max(x.abs()))
}

/// A cell of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    bin: i8,
    spread: usize,
}

impl Cell {
    /// The cell of an imbalance bin (see [`bin`]) and a spread in ticks; `None` outside the chain.
    pub fn of(bin: i8, spread_ticks: i64) -> Option<Self> {
        let spread = usize::try_from(spread_ticks).ok()?.checked_sub(1)?;
        let within = spread < SPREADS && usize::from(bin.unsigned_abs()) <= BINS / 2;
        within.then_some(Self { bin, spread })
    }

    /// Its place in rows and columns.
    pub fn index(self) -> usize {
        let from_ask = BINS as i64 / 2 + i64::from(self.bin);
        self.spread * BINS + from_ask as usize
    }

    fn mirrored(self) -> Self {
        Self {
            bin: -self.bin,
            ..self
        }
    }
}

/// The bin of an imbalance: −2 all ask, 0 balanced, +2 all bid, each two fifths of [−1, 1] but
/// for rounding at the edges, which belong to the more balanced bin so that bid and ask are alike.
/// `None` without sizes.
pub fn bin(bid_size: i64, ask_size: i64) -> Option<i8> {
    let (bid, ask) = (i128::from(bid_size), i128::from(ask_size));
    let total = bid + ask;
    if total <= 0 || bid < 0 || ask < 0 {
        return None;
    }
    let lean = (bid - ask).abs() * BINS as i128;
    // The k-th bin from the middle reaches up to (2k + 1) / BINS.
    let rank = (0..BINS as i8 / 2).find(|k| lean <= i128::from(2 * k + 1) * total);
    let rank = rank.unwrap_or(BINS as i8 / 2);
    Some(if bid < ask { -rank } else { rank })
}

/// Counted steps from one book to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    stayed: [[u32; CELLS]; CELLS],
    moved: [[u32; CELLS]; CELLS],
    moves: [[u32; 2 * LARGEST_MOVE as usize + 1]; CELLS],
    steps: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            stayed: [[0; CELLS]; CELLS],
            moved: [[0; CELLS]; CELLS],
            moves: [[0; 2 * LARGEST_MOVE as usize + 1]; CELLS],
            steps: 0,
        }
    }
}

impl Counts {
    /// Counts a step, and its mirror with bid and ask exchanged: with counts that know no side the
    /// expected moves cancel over all cells, without it the series of G* drifts away.
    pub fn add(&mut self, from: Cell, to: Cell, half_ticks: i64) {
        if half_ticks.abs() > LARGEST_MOVE {
            return;
        }
        self.steps += 1;
        self.count(from, to, half_ticks);
        self.count(from.mirrored(), to.mirrored(), -half_ticks);
    }

    fn count(&mut self, from: Cell, to: Cell, half_ticks: i64) {
        let (from, to) = (from.index(), to.index());
        self.moves[from][(half_ticks + LARGEST_MOVE) as usize] += 1;
        let pairs = match half_ticks {
            0 => &mut self.stayed,
            _ => &mut self.moved,
        };
        pairs[from][to] += 1;
    }

    /// Steps counted, without their mirrors.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Steps out of a cell, mirrors included.
    pub fn visits(&self, cell: usize) -> u32 {
        self.moves[cell].iter().sum()
    }

    /// The chain of the shares. A cell without a step leads nowhere.
    pub fn chain(&self) -> Chain {
        let share = |cell, count: u32| f64::from(count) / f64::from(self.visits(cell).max(1));
        let sizes = (-LARGEST_MOVE..=LARGEST_MOVE).map(|size| size as f64);
        let is_move = |at: usize| at as i64 != LARGEST_MOVE;
        Chain {
            stays: matrix(CELLS, CELLS, |i, j| share(i, self.stayed[i][j])),
            moves: matrix(CELLS, self.moves[0].len(), |i, j| {
                if is_move(j) {
                    share(i, self.moves[i][j])
                } else {
                    0.0
                }
            }),
            sizes: sizes.collect(),
            moved: matrix(CELLS, CELLS, |i, j| share(i, self.moved[i][j])),
        }
    }
}

/// G* in half ticks of the cells with at least `min_visits` steps out of them, mirrors included;
/// exactly opposite in mirrored cells. `None` where the chain has no solution.
pub fn adjustments(counts: &Counts, min_visits: u32) -> Option<[Option<f64>; CELLS]> {
    let total = counts.chain().solve()?.total;
    let mirror = |cell: usize| cell / BINS * BINS + (BINS - 1 - cell % BINS);
    let opposite = |cell: usize| (total[cell] - total[mirror(cell)]) / 2.0;
    Some(std::array::from_fn(|cell| {
        (counts.visits(cell) >= min_visits.max(1)).then(|| opposite(cell))
    }))
}

/// The tick that explains these price differences: the largest that divides those which make up
/// at least a hundredth of them each (all of them, where none does), so that a stray quote between
/// ticks does not pass for the grid. `None` where nothing differs.
pub fn tick_size(differences: &mut Vec<i64>) -> Option<i64> {
    differences.retain_mut(|difference| {
        *difference = difference.saturating_abs();
        *difference > 0
    });
    differences.sort_unstable();
    let runs = || differences.chunk_by(|a, b| a == b);
    let common = runs().filter(|run| run.len() * 100 >= differences.len());
    let divisor = common.map(|run| run[0]).reduce(greatest_divisor);
    divisor.or_else(|| runs().map(|run| run[0]).reduce(greatest_divisor))
}

fn greatest_divisor(a: i64, b: i64) -> i64 {
    if b == 0 {
        a
    } else {
        greatest_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_know_no_side() {
        let bins = [(0, 9), (1, 4), (2, 3), (5, 5), (3, 2), (4, 1), (9, 0)];
        let of = bins.map(|(bid, ask)| bin(bid, ask).unwrap());
        assert_eq!(of, [-2, -1, 0, 0, 0, 1, 2]);
        assert_eq!(bin(0, 0), None);
    }

    #[test]
    fn a_cell_is_within_three_ticks() {
        assert_eq!(Cell::of(-2, 1).map(Cell::index), Some(0));
        assert_eq!(Cell::of(2, 3).map(Cell::index), Some(CELLS - 1));
        for (bin, spread) in [(0, 0), (0, 4), (3, 1), (0, -1)] {
            assert_eq!(Cell::of(bin, spread), None);
        }
    }

    #[test]
    fn a_stray_quote_is_not_the_grid() {
        let mut usual = [10_000, 20_000, -10_000, 0, 30_000].repeat(40);
        usual.push(13);
        assert_eq!(tick_size(&mut usual), Some(10_000));
        assert_eq!(tick_size(&mut vec![i64::MIN, 6, 4]), Some(1));
        assert_eq!(tick_size(&mut vec![0]), None);
        let mut never_twice: Vec<i64> = (2..400).map(|n| n * 25).collect();
        assert_eq!(tick_size(&mut never_twice), Some(25));
    }

    #[test]
    fn a_heavy_bid_that_is_followed_by_a_rise_lifts_the_price() {
        let cell = |bin| Cell::of(bin, 1).unwrap();
        let mut counts = Counts::default();
        for _ in 0..60 {
            counts.add(cell(2), cell(2), 0);
            counts.add(cell(2), cell(0), 2);
            counts.add(cell(0), cell(2), 0);
        }
        let of = adjustments(&counts, 20).unwrap();
        // From the heavy bid half of the steps stay and half rise by a tick; then balance.
        assert!((of[4].unwrap() - 2.0).abs() < 1e-12, "{of:?}");
        assert_eq!((of[0], of[2]), (of[4].map(|g| -g), Some(0.0)));
        assert_eq!(of[1], None, "never seen");
    }

    #[test]
    fn a_mid_that_never_moves_has_no_chain() {
        let cell = Cell::of(1, 1).unwrap();
        let mut counts = Counts::default();
        counts.add(cell, cell, 0);
        assert_eq!(adjustments(&counts, 1), None);
    }

    #[test]
    fn a_trend_that_feeds_itself_does_not_add_up() {
        let heavy = Cell::of(2, 1).unwrap();
        let mut counts = Counts::default();
        counts.add(heavy, heavy, 2);
        assert_eq!(adjustments(&counts, 1), None);
    }

    #[test]
    fn a_swing_for_ever_does_not_add_up() {
        let (bid, ask) = (Cell::of(2, 1).unwrap(), Cell::of(-2, 1).unwrap());
        let mut counts = Counts::default();
        counts.add(bid, ask, 2);
        assert_eq!(adjustments(&counts, 1), None);
    }

    #[test]
    fn jumps_are_left_out() {
        let cell = Cell::of(0, 1).unwrap();
        let mut counts = Counts::default();
        counts.add(cell, cell, LARGEST_MOVE + 1);
        assert_eq!(counts.steps(), 0);
    }
}
