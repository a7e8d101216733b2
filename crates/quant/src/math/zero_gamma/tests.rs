//! What zero gamma promises: all roots, refined, and one of them followed.

use super::*;

const SPOT: f64 = 100.0;

/// The levels of a plain curve of spot, its gross exposure being 1 everywhere.
fn levels_of(curve: impl Fn(f64) -> f64) -> ZeroGamma {
    let grid = Grid::linear(SPOT, 0.2, 161).unwrap();
    let values: Vec<f64> = grid.spots().iter().map(|&x| curve(x)).collect();
    let gross = vec![1.0; values.len()];
    ZeroGamma::find(&grid, &values, &gross, |log_ratio| Point {
        value: curve(SPOT * libm::exp(log_ratio)),
        slope: 7.0,
    })
}

fn spots(found: &ZeroGamma) -> Vec<f64> {
    found.levels.iter().map(|level| level.spot).collect()
}

fn levels(spots: &[f64]) -> Vec<Level> {
    let level = |&spot| Level { spot, slope: 1.0 };
    spots.iter().map(level).collect()
}

#[test]
fn a_grid_spans_its_width_with_spot_in_the_middle() {
    for grid in [
        Grid::linear(5_800.0, 0.2, 161).unwrap(),
        Grid::logarithmic(5_800.0, 0.2, 161).unwrap(),
    ] {
        assert!((grid.spots()[0] - 4_640.0).abs() < 1e-9);
        assert!((grid.spots()[160] - 6_960.0).abs() < 1e-9);
        assert!(grid.spots().is_sorted());
        for (&x, &l) in grid.spots().iter().zip(grid.log_ratios()) {
            assert!((libm::log(x / 5_800.0) - l).abs() < 1e-15, "{x}");
        }
    }
    let linear = Grid::linear(5_800.0, 0.2, 161).unwrap();
    assert_eq!(
        (linear.spots()[80], linear.log_ratios()[80]),
        (5_800.0, 0.0)
    );
}

#[test]
fn there_is_no_grid_around_nothing() {
    for (spot, width, points) in [
        (0.0, 0.2, 161),
        (f64::NAN, 0.2, 161),
        (f64::INFINITY, 0.2, 161),
        (100.0, 0.0, 161),
        (100.0, 1.0, 161),
        (100.0, f64::NAN, 161),
        (100.0, 0.2, 1),
    ] {
        assert_eq!(Grid::linear(spot, width, points), None);
        assert_eq!(Grid::logarithmic(spot, width, points), None);
    }
}

#[test]
fn a_curve_of_one_sign_has_no_level() {
    let found = levels_of(|_| 1.0);
    assert_eq!((found.status, found.levels.len()), (Status::None, 0));
    assert_eq!(found.nearest(SPOT), None);
}

#[test]
fn roots_are_found_to_the_last_digits() {
    let found = levels_of(|x| (x - 97.123_456_789) * 1e6);
    assert_eq!(found.status, Status::One);
    assert!((found.levels[0].spot - 97.123_456_789).abs() < 1e-12);
    assert_eq!(found.levels[0].slope, 7.0);
}

#[test]
fn of_many_roots_the_nearest_is_named() {
    let found = levels_of(|x| (x - 85.1) * (x - 98.7) * (x - 111.1));
    assert_eq!(found.status, Status::Many);
    for (got, expected) in spots(&found).iter().zip([85.1, 98.7, 111.1]) {
        assert!((got - expected).abs() < 1e-11, "{got} {expected}");
    }
    assert_eq!(found.nearest(SPOT), Some(found.levels[1]));
    assert_eq!(found.nearest(110.0), Some(found.levels[2]));
}

#[test]
fn a_root_on_the_grid_is_found_once() {
    let found = levels_of(|x| x - SPOT);
    assert_eq!(found.status, Status::One);
    assert!((found.levels[0].spot - SPOT).abs() < 1e-12);
}

#[test]
fn what_rounding_leaves_of_zero_is_degenerate() {
    let noise = |x: f64| 1e-13 * libm::sin(1e4 * x);
    assert_eq!(levels_of(noise).status, Status::Degenerate);
    assert_eq!(levels_of(|_| 0.0).status, Status::Degenerate);
}

#[test]
fn a_flat_stretch_between_the_signs_is_degenerate() {
    let flat = |x: f64| {
        if (x - SPOT).abs() < 5.0 {
            0.0
        } else {
            x - SPOT
        }
    };
    let found = levels_of(flat);
    assert_eq!((found.status, found.levels.len()), (Status::Degenerate, 0));
}

#[test]
fn wings_without_gamma_are_no_roots() {
    let hill = |x: f64| if (x - SPOT).abs() < 5.0 { 1.0 } else { 0.0 };
    assert_eq!(levels_of(hill).status, Status::None);
}

#[test]
fn exposure_that_is_no_number_gives_no_level() {
    let grid = Grid::linear(SPOT, 0.2, 5).unwrap();
    let values = [1.0, -1.0, f64::NAN, 1.0, f64::INFINITY];
    let nothing = |_| Point {
        value: f64::NAN,
        slope: f64::NAN,
    };
    let found = ZeroGamma::find(&grid, &values, &[1.0; 5], nothing);
    assert_eq!((found.status, found.levels.len()), (Status::None, 0));
}

#[test]
fn the_tracker_starts_with_the_nearest() {
    let mut tracker = Tracker::default();
    let level = tracker.follow(100.0, &levels(&[95.0, 101.0, 108.0]));
    assert_eq!(level.unwrap().spot, 101.0);
    assert_eq!(tracker.follow(100.0, &[]), None);
    assert_eq!(tracker, Tracker::default());
}

#[test]
fn the_tracker_stays_with_its_level_while_another_is_a_little_nearer() {
    let mut tracker = Tracker::default();
    tracker.follow(100.0, &levels(&[99.0, 101.1]));
    for _ in 0..10 {
        // 1.1 against 0.9: nearer by 0.2 %.
        let level = tracker.follow(100.0, &levels(&[98.9, 100.9]));
        assert_eq!(level.unwrap().spot, 98.9);
    }
}

#[test]
fn the_tracker_changes_at_the_third_pass_in_a_row() {
    let mut tracker = Tracker::default();
    let two = levels(&[98.0, 101.0]);
    let mut follow = |spot| tracker.follow(spot, &two).unwrap().spot;
    assert_eq!(follow(98.5), 98.0);
    // Nearer twice, then not: counted anew.
    assert_eq!([100.5, 100.5, 99.5].map(&mut follow), [98.0; 3]);
    assert_eq!([100.5, 100.5].map(&mut follow), [98.0; 2]);
    assert_eq!(follow(100.5), 101.0);
    assert_eq!(follow(99.5), 101.0);
}

#[test]
fn the_tracker_starts_anew_where_its_level_vanished() {
    let mut tracker = Tracker::default();
    tracker.follow(100.0, &levels(&[99.0]));
    // 1.1 % away from 99 is another level.
    let level = tracker.follow(100.0, &levels(&[96.0, 100.1]));
    assert_eq!(level.unwrap().spot, 100.1);
}

#[test]
fn the_tracker_goes_on_after_a_restart() {
    let two = levels(&[98.0, 101.0]);
    let mut tracker = Tracker::default();
    for spot in [98.5, 100.5, 100.5] {
        tracker.follow(spot, &two);
    }
    let saved = serde_json::to_string(&tracker).unwrap();
    let mut restored: Tracker = serde_json::from_str(&saved).unwrap();
    assert_eq!(restored, tracker);
    assert_eq!(restored.follow(100.5, &two).unwrap().spot, 101.0);
}

#[test]
fn a_saved_count_out_of_range_does_no_harm() {
    let saved = r#"{"last": 98.0, "nearer_for": 255}"#;
    let mut tracker: Tracker = serde_json::from_str(saved).unwrap();
    let level = tracker.follow(100.5, &levels(&[98.0, 101.0]));
    assert_eq!(level.unwrap().spot, 101.0);
}
