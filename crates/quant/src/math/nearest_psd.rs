//! The correlation matrix nearest to one that is none.
//!
//! Correlations of pairs, each on its own common times, need not fit together: the matrix may have
//! negative eigenvalues. N. J. Higham, "Computing the nearest correlation matrix", IMA Journal of
//! Numerical Analysis 22 (2002), algorithm 3.3: projections onto the positive semidefinite matrices
//! and onto those of unit diagonal in turn, with Dykstra's correction for the first. It converges
//! linearly, each step one decomposition.

use super::dense::{Matrix, matrix};
use super::eigen::{Unsolved, check, eigen};

/// Steps change no entry by more when it ends.
const TOLERANCE: f64 = 1e-10;

/// A correlation matrix and what it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// Symmetric, unit diagonal, no eigenvalue below 0 but for rounding.
    pub matrix: Matrix,
    /// The smallest eigenvalue of the matrix it is nearest to; where it was not negative nothing
    /// was changed.
    pub min_eigenvalue_before: f64,
    /// How many projections it took.
    pub iterations: usize,
}

/// The nearest in the sum of squares to a symmetric matrix, whose diagonal is taken to be 1; an
/// error where `max_iterations` do not suffice.
pub fn nearest_correlation(a: &Matrix, max_iterations: usize) -> Result<Nearest, Unsolved> {
    check(a)?;
    let n = a.len();
    let mut y = with_unit_diagonal(a.clone());
    let mut correction = matrix(n, n, |_, _| 0.0);
    let mut before = None;
    for iterations in 1..=max_iterations {
        let r = matrix(n, n, |i, j| y[i][j] - correction[i][j]);
        let (x, smallest) = semidefinite(&r)?;
        let min_eigenvalue_before = *before.get_or_insert(smallest);
        correction = matrix(n, n, |i, j| x[i][j] - r[i][j]);
        let next = with_unit_diagonal(x.clone());
        let moved = largest_change(&next, &y).max(largest_change(&next, &x));
        y = next;
        if moved <= TOLERANCE {
            return Ok(Nearest {
                matrix: rescaled(&x).ok_or(Unsolved::NotFinite)?,
                min_eigenvalue_before,
                iterations,
            });
        }
    }
    Err(Unsolved::NotConverged)
}

fn with_unit_diagonal(mut a: Matrix) -> Matrix {
    for (i, row) in a.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    a
}

/// The nearest matrix without negative eigenvalues, and the smallest eigenvalue it had.
fn semidefinite(r: &Matrix) -> Result<(Matrix, f64), Unsolved> {
    let found = eigen(r)?;
    let mut x = r.clone();
    let negative = found.values.iter().take_while(|value| **value < 0.0);
    for (value, vector) in negative.zip(&found.vectors) {
        // Halves of equal size, so that the sum stays symmetric to the last bit.
        let root = (-value).sqrt();
        let part: Vec<f64> = vector.iter().map(|v| root * v).collect();
        for (row, factor) in x.iter_mut().zip(&part) {
            row.iter_mut()
                .zip(&part)
                .for_each(|(x, v)| *x += factor * v);
        }
    }
    Ok((x, found.values[0]))
}

fn largest_change(a: &Matrix, b: &Matrix) -> f64 {
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

/// Unit diagonal by rows and columns, which makes no eigenvalue negative as replacing it would.
fn rescaled(x: &Matrix) -> Option<Matrix> {
    let n = x.len();
    let root = |i: usize| Some(x[i][i].sqrt()).filter(|root| *root > 0.0);
    let roots: Vec<f64> = (0..n).map(root).collect::<Option<_>>()?;
    let entry = |i: usize, j: usize| x[i][j] / (roots[i] * roots[j]);
    let scaled = with_unit_diagonal(matrix(n, n, entry));
    let is_finite = scaled.iter().flatten().all(|x| x.is_finite());
    is_finite.then_some(scaled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 4 of the paper, to the four digits printed.
    #[test]
    fn the_example_of_the_paper() {
        let a = vec![
            vec![1.0, 1.0, 0.0],
            vec![1.0, 1.0, 1.0],
            vec![0.0, 1.0, 1.0],
        ];
        let found = nearest_correlation(&a, 200).unwrap();
        assert!((found.matrix[0][1] - 0.7607).abs() < 5e-5);
        assert!((found.matrix[0][2] - 0.1573).abs() < 5e-5);
        let root = 1.0 - 2_f64.sqrt();
        assert!((found.min_eigenvalue_before - root).abs() < 1e-15);
    }

    #[test]
    fn what_is_one_already_is_not_touched() {
        let a = matrix(6, 6, |i, j| if i == j { 1.0 } else { 0.3 });
        let found = nearest_correlation(&a, 1).unwrap();
        assert_eq!((found.matrix, found.iterations), (a, 1));
    }

    #[test]
    fn too_few_steps_are_an_error() {
        let a = matrix(3, 3, |i, j| [1.0, 0.9, -0.9][(i + j) % 3]);
        let a = with_unit_diagonal(a);
        assert_eq!(nearest_correlation(&a, 2), Err(Unsolved::NotConverged));
        assert_eq!(nearest_correlation(&a, 0), Err(Unsolved::NotConverged));
    }

    #[test]
    fn what_is_no_symmetric_matrix_is_refused() {
        assert_eq!(nearest_correlation(&Matrix::new(), 9), Err(Unsolved::Shape));
        let nan = vec![vec![f64::NAN]];
        assert_eq!(nearest_correlation(&nan, 9), Err(Unsolved::NotFinite));
        let vast = vec![vec![1.0, f64::MAX], vec![f64::MAX, 1.0]];
        assert!(nearest_correlation(&vast, 50).is_err());
    }
}
