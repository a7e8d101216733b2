//! Covariance drawn towards one variance for all and none between, as far as the sample is noise.
//!
//! Ledoit & Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
//! Journal of Multivariate Analysis 88 (2004), section 3.3; the numbers of scikit-learn's
//! `LedoitWolf`. However few the rows, the result is positive definite unless nothing varies.

use super::dense::{Matrix, matrix};
use super::eigen::{Unsolved, check, exponent_of};
use super::sum::{self, Sum};

/// A covariance matrix before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk {
    /// (1 − shrinkage)·sample + shrinkage·μI with μ the mean of the sample variances.
    pub covariance: Matrix,
    /// How far it was drawn, 0 (not at all) to 1 (all).
    pub shrinkage: f64,
    /// The covariance of the sample, divided by n.
    pub sample: Matrix,
}

/// Of returns: a row for each time, two at least, and a column for each series.
pub fn ledoit_wolf(returns: &Matrix) -> Result<Shrunk, Unsolved> {
    let p = returns.first().map_or(0, Vec::len);
    if returns.len() < 2 || p == 0 || returns.iter().any(|row| row.len() != p) {
        return Err(Unsolved::Shape);
    }
    if !returns.iter().flatten().all(|x| x.is_finite()) {
        return Err(Unsolved::NotFinite);
    }
    // By a power of two: exact, and no fourth power leaves the range.
    let exponent = exponent_of(returns.iter().flatten());
    let columns: Matrix = (0..p).map(|at| centred(returns, at, exponent)).collect();
    let n = returns.len() as f64;
    let mut sample = matrix(p, p, |_, _| 0.0);
    for i in 0..p {
        for j in 0..=i {
            sample[i][j] = sum::dot(&columns[i], &columns[j]) / n;
            sample[j][i] = sample[i][j];
        }
    }
    let mean_variance = (0..p).map(|i| sample[i][i]).collect::<Sum>().value() / p as f64;
    let shrinkage = intensity(&columns, &sample, mean_variance);
    let covariance = matrix(p, p, |i, j| {
        let target = if i == j {
            shrinkage * mean_variance
        } else {
            0.0
        };
        (1.0 - shrinkage) * sample[i][j] + target
    });
    Ok(Shrunk {
        covariance: restored(covariance, exponent)?,
        shrinkage,
        sample: restored(sample, exponent)?,
    })
}

/// A column times 2^−exponent, less its mean.
fn centred(returns: &Matrix, column: usize, exponent: i32) -> Vec<f64> {
    let scaled = |row: &Vec<f64>| libm::ldexp(row[column], -exponent);
    let mut values: Vec<f64> = returns.iter().map(scaled).collect();
    let mean = sum::total(&values) / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    values
}

/// b²/d² of the paper: how far the sample is from the truth, estimated by how far each row's own
/// products are from their mean, over how far it is from the target.
fn intensity(columns: &Matrix, sample: &Matrix, mean_variance: f64) -> f64 {
    let n = columns.first().map_or(0, Vec::len);
    let of_row = |row: usize| {
        columns
            .iter()
            .map(|column| column[row] * column[row])
            .sum::<f64>()
    };
    let fourth: Sum = (0..n).map(|row| of_row(row) * of_row(row)).collect();
    let squares: Sum = sample.iter().map(|row| sum::dot(row, row)).collect();
    let (mut diagonal, mut distance) = (Sum::default(), squares);
    for (i, row) in sample.iter().enumerate() {
        diagonal.add(row[i] * row[i]);
        let off = row[i] - mean_variance;
        distance.add(off * off);
    }
    // Off the diagonal the target is 0.
    distance.add(-diagonal.value());
    let distance = distance.value();
    let noise = (fourth.value() / n as f64 - squares.value()) / n as f64;
    if distance > 0.0 {
        (noise / distance).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

fn restored(mut scaled: Matrix, exponent: i32) -> Result<Matrix, Unsolved> {
    for x in scaled.iter_mut().flatten() {
        // In two steps: the scale of a product may lie beyond the exponents.
        *x = libm::ldexp(libm::ldexp(*x, exponent), exponent);
        if !x.is_finite() {
            return Err(Unsolved::NotFinite);
        }
    }
    Ok(scaled)
}

/// The correlations of a symmetric covariance matrix, −1 to 1 and 1 on the diagonal. `None` unless
/// it is one of finite numbers whose variances are above 0.
pub fn correlation_of(covariance: &Matrix) -> Option<Matrix> {
    check(covariance).ok()?;
    let n = covariance.len();
    let deviation = |i: usize| Some(covariance[i][i]).filter(|x| *x > 0.0).map(f64::sqrt);
    let deviations: Vec<f64> = (0..n).map(deviation).collect::<Option<_>>()?;
    Some(matrix(n, n, |i, j| {
        if i == j {
            return 1.0;
        }
        let rho = covariance[i][j] / (deviations[i] * deviations[j]);
        rho.clamp(-1.0, 1.0)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_vary_is_not_shrunk_and_has_no_correlations() {
        let found = ledoit_wolf(&vec![vec![0.5, 0.25]; 4]).unwrap();
        assert_eq!(found.covariance, vec![vec![0.0; 2]; 2]);
        assert_eq!(found.shrinkage, 0.0);
        assert_eq!(correlation_of(&found.covariance), None);
    }

    #[test]
    fn one_series_is_its_own_target() {
        let found = ledoit_wolf(&vec![vec![1.0], vec![-1.0], vec![3.0]]).unwrap();
        assert_eq!(found.shrinkage, 0.0);
        assert!((found.covariance[0][0] - 8.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn size_changes_no_shrinkage() {
        let plain = vec![
            vec![0.1, 0.3],
            vec![-0.2, 0.1],
            vec![0.4, 0.2],
            vec![0.3, -0.5],
        ];
        let found = ledoit_wolf(&plain).unwrap();
        assert!(found.shrinkage > 0.0);
        for exponent in [-500, 500] {
            let sized = matrix(4, 2, |i, j| libm::ldexp(plain[i][j], exponent));
            let sized = ledoit_wolf(&sized).unwrap();
            assert_eq!(sized.shrinkage, found.shrinkage);
            let back = libm::ldexp(sized.covariance[0][1], -2 * exponent);
            assert_eq!(back, found.covariance[0][1]);
        }
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        assert_eq!(ledoit_wolf(&Matrix::new()), Err(Unsolved::Shape));
        assert_eq!(ledoit_wolf(&vec![vec![1.0]]), Err(Unsolved::Shape));
        assert_eq!(ledoit_wolf(&vec![vec![]; 3]), Err(Unsolved::Shape));
        let ragged = vec![vec![1.0], vec![1.0, 2.0]];
        assert_eq!(ledoit_wolf(&ragged), Err(Unsolved::Shape));
        let nan = vec![vec![1.0], vec![f64::NAN]];
        assert_eq!(ledoit_wolf(&nan), Err(Unsolved::NotFinite));
        let vast = vec![vec![f64::MAX], vec![f64::MIN]];
        assert_eq!(ledoit_wolf(&vast), Err(Unsolved::NotFinite));
    }

    #[test]
    fn correlations_of_a_covariance() {
        let covariance = vec![vec![4.0, 1.0], vec![1.0, 0.25]];
        assert_eq!(correlation_of(&covariance), Some(vec![vec![1.0; 2]; 2]));
        assert_eq!(correlation_of(&vec![vec![1.0, 0.0], vec![0.0, 0.0]]), None);
    }
}
