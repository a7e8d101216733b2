//! Decompositions with known answers, and matrices that have none.

use super::*;
use crate::math::dense::{apply, product};

/// The matrix min(i, j) counted from 1 has the eigenvalues 1/(4 sin²((k − ½)π/(2n + 1))), because
/// its inverse is the second difference with one free end.
fn known(n: usize) -> (Matrix, Vec<f64>) {
    let value = |k: usize| {
        let angle = (2 * k - 1) as f64 / (4 * n + 2) as f64 * std::f64::consts::PI;
        let sine = libm::sin(angle);
        0.25 / (sine * sine)
    };
    let a = matrix(n, n, |i, j| (i.min(j) + 1) as f64);
    (a, (1..=n).rev().map(value).collect())
}

#[test]
fn eigenvalues_known_in_closed_form() {
    for n in [1, 2, 3, 10, 61] {
        let (a, expected) = known(n);
        let bound = 16.0 * f64::EPSILON * expected[n - 1];
        let found = eigen(&a).unwrap();
        for (got, expected) in found.values.iter().zip(&expected) {
            assert!((got - expected).abs() <= bound, "{n}: {got} {expected}");
        }
        let smallest = smallest_eigenvalue(&a).unwrap();
        assert!((smallest - expected[0]).abs() <= bound, "{n}: {smallest}");
    }
}

#[test]
fn vectors_are_orthonormal_and_turn_into_their_multiples() {
    let (a, _) = known(40);
    let found = eigen(&a).unwrap();
    let transposed = matrix(40, 40, |i, j| found.vectors[j][i]);
    let identity = product(&found.vectors, &transposed);
    for (k, row) in identity.iter().enumerate() {
        for (j, x) in row.iter().enumerate() {
            let expected = f64::from(u8::from(j == k));
            assert!((x - expected).abs() < 1e-14, "{k} {j} {x}");
        }
        let turned = apply(&a, &found.vectors[k]);
        for (x, v) in turned.iter().zip(&found.vectors[k]) {
            assert!((x - found.values[k] * v).abs() < 1e-12, "{k}");
        }
    }
}

#[test]
fn one_correlation_for_all_has_one_value_many_times() {
    let a = matrix(30, 30, |i, j| if i == j { 1.0 } else { 0.25 });
    let found = eigen(&a).unwrap();
    for value in &found.values[..29] {
        assert!((value - 0.75).abs() < 1e-14, "{value}");
    }
    assert!((found.values[29] - 8.25).abs() < 1e-14);
    assert!((smallest_eigenvalue(&a).unwrap() - 0.75).abs() < 1e-14);
}

#[test]
fn a_diagonal_is_its_own_answer() {
    let a = matrix(4, 4, |i, j| {
        if i == j {
            [3.0, -0.1, 7.0, 0.3][i]
        } else {
            0.0
        }
    });
    assert_eq!(eigen(&a).unwrap().values, [-0.1, 0.3, 3.0, 7.0]);
    assert_eq!(smallest_eigenvalue(&a), Ok(-0.1));
    let nothing = matrix(3, 3, |_, _| 0.0);
    assert_eq!(smallest_eigenvalue(&nothing), Ok(0.0));
    assert_eq!(eigen(&nothing).unwrap().values, [0.0; 3]);
}

#[test]
fn size_costs_no_digits() {
    let (a, _) = known(5);
    let plain = smallest_eigenvalue(&a).unwrap();
    for exponent in [-1_000, 1_000] {
        let sized = matrix(5, 5, |i, j| libm::ldexp(a[i][j], exponent));
        let expected = libm::ldexp(plain, exponent);
        assert_eq!(smallest_eigenvalue(&sized), Ok(expected), "{exponent}");
    }
}

#[test]
fn what_is_no_symmetric_matrix_is_refused() {
    let both = |a: Matrix, why: Unsolved| {
        assert_eq!(smallest_eigenvalue(&a), Err(why));
        assert_eq!(eigen(&a), Err(why));
    };
    both(Matrix::new(), Unsolved::Shape);
    both(vec![vec![1.0, 2.0], vec![1.0]], Unsolved::Shape);
    both(vec![vec![1.0, 2.0]], Unsolved::Shape);
    both(vec![vec![f64::NAN]], Unsolved::NotFinite);
    both(vec![vec![1.0, 0.2], vec![0.1, 1.0]], Unsolved::NotSymmetric);
    both(vec![vec![f64::MIN; 2]; 2], Unsolved::NotFinite);
}
