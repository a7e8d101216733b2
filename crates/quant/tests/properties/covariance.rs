//! Covariance matrices: what shrinking, decomposing and projecting must leave, and that the order
//! of the series is only an order.

use proptest::prelude::*;
use quant::math::dense::{Matrix, matrix};
use quant::math::eigen::{eigen, smallest_eigenvalue};
use quant::math::implied_correlation::{Member, implied_correlation};
use quant::math::nearest_psd::nearest_correlation;
use quant::math::shrinkage::{correlation_of, ledoit_wolf};

/// Rows of up to eight returns.
fn returns() -> impl Strategy<Value = Matrix> {
    (1..9usize).prop_flat_map(|p| {
        let row = prop::collection::vec(-0.05..0.05_f64, p);
        prop::collection::vec(row, 2..20)
    })
}

/// Entries in [−1, 1] and a unit diagonal: pairs that need not fit together.
fn pairwise() -> impl Strategy<Value = Matrix> {
    (1..9usize).prop_flat_map(|n| {
        prop::collection::vec(-1.0..1.0_f64, n * n).prop_map(move |entries| {
            matrix(n, n, |i, j| {
                if i == j {
                    1.0
                } else {
                    entries[i.min(j) * n + i.max(j)]
                }
            })
        })
    })
}

fn anything() -> impl Strategy<Value = Matrix> {
    let number = prop_oneof![4 => -1.0..1.0_f64, 1 => any::<f64>(), 1 => -1e300..1e300_f64];
    (1..5usize, 1..5usize, any::<bool>()).prop_flat_map(move |(rows, columns, is_symmetric)| {
        let columns = if is_symmetric { rows } else { columns };
        prop::collection::vec(number.clone(), rows * columns).prop_map(move |entries| {
            let at = move |i: usize, j: usize| {
                if is_symmetric {
                    i.min(j) * columns + i.max(j)
                } else {
                    i * columns + j
                }
            };
            matrix(rows, columns, |i, j| entries[at(i, j)])
        })
    })
}

fn is_finite(of: &Matrix) -> bool {
    of.iter().flatten().all(|x| x.is_finite())
}

fn assert_near(got: &Matrix, expected: &Matrix, within: f64) -> Result<(), TestCaseError> {
    for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
        prop_assert!((got - expected).abs() <= within, "{} {}", got, expected);
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_shrunk_covariance_is_positive_and_no_order_changes_it(
        (returns, order) in returns().prop_flat_map(|returns| {
            let order: Vec<usize> = (0..returns[0].len()).collect();
            (Just(returns), Just(order).prop_shuffle())
        })
    ) {
        let found = ledoit_wolf(&returns).unwrap();
        prop_assert!((0.0..=1.0).contains(&found.shrinkage));
        let largest = found.covariance.iter().flatten().fold(0.0, |max: f64, x| max.max(x.abs()));
        prop_assert!(smallest_eigenvalue(&found.covariance).unwrap() >= -1e-14 * largest);
        if let Some(correlation) = correlation_of(&found.covariance) {
            prop_assert!(smallest_eigenvalue(&correlation).unwrap() >= -1e-13);
            prop_assert!(correlation.iter().flatten().all(|rho| rho.abs() <= 1.0));
        }

        let (n, p) = (returns.len(), order.len());
        let moved = ledoit_wolf(&matrix(n, p, |i, j| returns[i][order[j]])).unwrap();
        prop_assert!((moved.shrinkage - found.shrinkage).abs() < 1e-9);
        let expected = matrix(p, p, |i, j| found.covariance[order[i]][order[j]]);
        assert_near(&moved.covariance, &expected, 1e-9 * largest)?;
    }

    #[test]
    fn the_smallest_eigenvalue_is_that_of_the_decomposition(a in pairwise()) {
        let found = eigen(&a).unwrap();
        prop_assert!((smallest_eigenvalue(&a).unwrap() - found.values[0]).abs() < 1e-14);
        prop_assert!(found.values.is_sorted());
        let n = a.len();
        let back = matrix(n, n, |i, j| {
            let parts = found.values.iter().zip(&found.vectors);
            parts.map(|(value, vector)| value * vector[i] * vector[j]).sum()
        });
        assert_near(&back, &a, 1e-14 * n as f64)?;
    }

    #[test]
    fn the_nearest_is_a_correlation_matrix_in_any_order(
        (a, order) in pairwise().prop_flat_map(|a| {
            let order: Vec<usize> = (0..a.len()).collect();
            (Just(a), Just(order).prop_shuffle())
        })
    ) {
        let n = a.len();
        let found = nearest_correlation(&a, 5_000).unwrap().matrix;
        for (i, row) in found.iter().enumerate() {
            prop_assert_eq!(row[i], 1.0);
            for (j, rho) in row.iter().enumerate() {
                prop_assert!(rho.abs() <= 1.0 + 1e-14 && *rho == found[j][i]);
            }
        }
        prop_assert!(smallest_eigenvalue(&found).unwrap() >= -1e-14);
        let again = nearest_correlation(&found, 5_000).unwrap().matrix;
        assert_near(&again, &found, 1e-9)?;

        let moved = matrix(n, n, |i, j| a[order[i]][order[j]]);
        let moved = nearest_correlation(&moved, 5_000).unwrap().matrix;
        assert_near(&moved, &matrix(n, n, |i, j| found[order[i]][order[j]]), 1e-6)?;
    }

    #[test]
    fn whatever_the_numbers_the_answer_is_finite_or_none(a in anything()) {
        if let Ok(found) = ledoit_wolf(&a) {
            prop_assert!(is_finite(&found.covariance) && is_finite(&found.sample));
            prop_assert!((0.0..=1.0).contains(&found.shrinkage));
        }
        if let Ok(found) = eigen(&a) {
            prop_assert!(is_finite(&found.vectors) && is_finite(&vec![found.values]));
        }
        if let Ok(value) = smallest_eigenvalue(&a) {
            prop_assert!(value.is_finite());
        }
        if let Ok(found) = nearest_correlation(&a, 50) {
            prop_assert!(is_finite(&found.matrix) && found.min_eigenvalue_before.is_finite());
        }
        if let Some(found) = correlation_of(&a) {
            prop_assert!(found.iter().flatten().all(|rho| rho.abs() <= 1.0));
        }
    }

    #[test]
    fn an_index_of_one_correlation_implies_it(
        members in prop::collection::vec((0.01..1.0_f64, 0.05..1.0_f64), 2..40),
        rho in 0.0..1.0_f64,
    ) {
        let members: Vec<Member> =
            members.into_iter().map(|(weight, vol)| Member { weight, vol }).collect();
        let mut variance = 0.0;
        for (i, a) in members.iter().enumerate() {
            for (j, b) in members.iter().enumerate() {
                let between = if i == j { 1.0 } else { rho };
                variance += between * a.weight * a.vol * b.weight * b.vol;
            }
        }
        let found = implied_correlation(&members, variance.sqrt()).unwrap();
        prop_assert!((found.correlation - rho).abs() < 1e-9, "{}", found.correlation);
    }
}
