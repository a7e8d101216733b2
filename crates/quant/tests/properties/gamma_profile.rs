//! The re-priced gamma of a book and its zero-gamma levels, whatever the book.

use proptest::collection::vec;
use proptest::prelude::*;
use quant::math::gamma_profile::{Point, Rows, add, at, log_ratio};
use quant::math::zero_gamma::{Grid, Level, Status, Tracker, ZeroGamma};

/// What a contract is to its gamma: strike of spot, years, volatility, carry rate, weight.
type Contract = (f64, f64, f64, f64, f64);

fn book() -> impl Strategy<Value = Vec<Contract>> {
    let contract = (
        0.5..2.0,
        1e-5..2.0,
        0.01..3.0,
        -0.1..0.1,
        prop_oneof![-1e6..1e6, Just(0.0)],
    );
    vec(contract, 0..60)
}

#[derive(Clone, Default)]
struct Columns {
    spot: f64,
    log_moneyness: Vec<f64>,
    inv_deviation: Vec<f64>,
    carry: Vec<f64>,
    weight: Vec<f64>,
}

impl Columns {
    /// Strikes are of a spot of `scale`.
    fn of(contracts: &[Contract], scale: f64) -> Self {
        let mut columns = Self {
            spot: scale,
            ..Self::default()
        };
        for &(strike, years, vol, rate, weight) in contracts {
            columns
                .log_moneyness
                .push(log_ratio(strike * scale, columns.spot));
            columns.inv_deviation.push(1.0 / (vol * years.sqrt()));
            columns.carry.push((rate + 0.5 * vol * vol) * years);
            columns.weight.push(weight);
        }
        columns
    }

    fn rows(&self) -> Rows<'_> {
        let Self {
            spot,
            log_moneyness,
            inv_deviation,
            carry,
            weight,
        } = self;
        Rows::new(*spot, log_moneyness, inv_deviation, carry, weight).unwrap()
    }

    fn profile(&self) -> Vec<f64> {
        let grid = self.grid();
        let mut profile = vec![0.0; grid.spots().len()];
        add(self.rows(), grid.log_ratios(), &mut profile);
        profile
    }

    /// The same contracts with other weights.
    fn weighing(&self, weight: impl Fn(f64) -> f64) -> Self {
        let weight = self.weight.iter().map(|&of| weight(of)).collect();
        Self {
            weight,
            ..self.clone()
        }
    }

    fn gross(&self) -> Vec<f64> {
        self.weighing(f64::abs).profile()
    }

    fn grid(&self) -> Grid {
        Grid::linear(self.spot, 0.2, 41).unwrap()
    }

    fn zero_gamma(&self) -> ZeroGamma {
        ZeroGamma::find(&self.grid(), &self.profile(), &self.gross(), |log_ratio| {
            at(self.rows(), log_ratio)
        })
    }
}

/// Each pair is equal up to so much of the gross exposure.
fn close(a: &[f64], b: &[f64], gross: &[f64], tolerance: f64) -> bool {
    let pairs = a.iter().zip(b).zip(gross);
    let mut pairs = pairs.map(|((a, b), gross)| ((a - b).abs(), gross));
    pairs.all(|(error, gross)| error <= tolerance * gross + f64::MIN_POSITIVE)
}

fn times(values: &[f64], factor: f64) -> Vec<f64> {
    values.iter().map(|value| value * factor).collect()
}

proptest! {
    #[test]
    fn the_profile_is_linear_in_the_weights(book in book(), factor in -10.0..10.0) {
        let one = Columns::of(&book, 100.0);
        let got = one.weighing(|weight| weight * factor).profile();
        let gross = times(&one.gross(), f64::abs(factor));
        prop_assert!(close(&got, &times(&one.profile(), factor), &gross, 1e-14));
    }

    #[test]
    fn the_profile_of_two_books_is_the_sum_of_theirs(book in book(), cut in 0_usize..60) {
        let cut = cut.min(book.len());
        let whole = Columns::of(&book, 100.0);
        let (all, gross) = (whole.profile(), whole.gross());
        let parts = [&book[..cut], &book[cut..]].map(|part| Columns::of(part, 100.0).profile());
        let sum: Vec<f64> = parts[0].iter().zip(&parts[1]).map(|(a, b)| a + b).collect();
        prop_assert!(close(&all, &sum, &gross, 1e-14));
    }

    #[test]
    fn the_order_of_contracts_costs_only_rounding(book in book()) {
        let there = Columns::of(&book, 100.0);
        let back: Vec<Contract> = book.iter().rev().copied().collect();
        let back = Columns::of(&back, 100.0);
        prop_assert!(close(&there.profile(), &back.profile(), &there.gross(), 1e-14));
        let (a, b) = (at(there.rows(), 0.0), at(back.rows(), 0.0));
        prop_assert!((a.value - b.value).abs() <= 1e-14 * there.gross()[20] + f64::MIN_POSITIVE);
    }

    #[test]
    fn calls_for_puts_negates_the_signed_profile(book in book()) {
        // Long calls and short puts: gamma is the right's in all but sign.
        let columns = Columns::of(&book, 100.0);
        let got = columns.weighing(|weight| -weight).profile();
        let negated = times(&columns.profile(), -1.0);
        prop_assert_eq!(got, negated);
    }

    #[test]
    fn spot_and_strikes_in_another_unit_scale_the_profile(book in book(), power in -20_i32..20) {
        // A power of two rounds nothing.
        let scale = 2.0_f64.powi(power);
        let one = Columns::of(&book, 100.0);
        let other = Columns::of(&book, 100.0 * scale);
        let (expected, gross) = (times(&one.profile(), scale), times(&one.gross(), scale));
        prop_assert!(close(&other.profile(), &expected, &gross, 0.0));
        let points = [at(one.rows(), 0.01), at(other.rows(), 0.01)];
        prop_assert_eq!(points[0].slope, points[1].slope);
    }

    #[test]
    fn levels_are_zeros_of_the_profile_and_told_by_the_status(book in book()) {
        let columns = Columns::of(&book, 100.0);
        let found = columns.zero_gamma();
        let counts = match found.status {
            Status::None | Status::Degenerate => found.levels.is_empty(),
            Status::One => found.levels.len() == 1,
            Status::Many => found.levels.len() > 1,
        };
        prop_assert!(counts);
        prop_assert!(found.levels.is_sorted_by(|a, b| a.spot < b.spot));
        for level in &found.levels {
            let log_ratio = log_ratio(100.0, level.spot);
            let gross = columns.weighing(f64::abs);
            let Point { value, slope } = at(columns.rows(), log_ratio);
            prop_assert!(level.spot >= 80.0 && level.spot <= 120.0 && slope.is_finite());
            prop_assert!(value.abs() <= 1e-9 * at(gross.rows(), log_ratio).value);
        }
    }

    #[test]
    fn a_book_and_its_mirror_have_the_same_levels(book in book()) {
        let columns = Columns::of(&book, 100.0);
        let mirrored = columns.weighing(|weight| -weight);
        let (one, other) = (columns.zero_gamma(), mirrored.zero_gamma());
        prop_assert_eq!(one.status, other.status);
        for (one, other) in one.levels.iter().zip(&other.levels) {
            prop_assert_eq!((one.spot, one.slope), (other.spot, -other.slope));
        }
    }

    #[test]
    fn the_tracker_shows_one_of_the_levels(
        passes in vec((50.0..150.0, vec(50.0..150.0, 0..4)), 1..30),
    ) {
        let mut tracker = Tracker::default();
        for (spot, spots) in passes {
            let levels: Vec<Level> = spots.iter().map(|&spot| Level { spot, slope: 1.0 }).collect();
            let shown = tracker.follow(spot, &levels);
            prop_assert_eq!(shown.is_some(), !levels.is_empty());
            prop_assert!(shown.is_none_or(|level| levels.contains(&level)));
        }
    }
}
