//! Small dense matrices: products, and linear systems by Gaussian elimination with pivoting.

/// Rows of equal length.
pub type Matrix = Vec<Vec<f64>>;

/// A pivot below this share of the largest entry is rounding, and the system singular.
const SMALLEST_PIVOT: f64 = 1e-12;

/// The matrix of a function of row and column.
pub fn matrix(rows: usize, columns: usize, entry: impl Fn(usize, usize) -> f64) -> Matrix {
    let row = |at| (0..columns).map(|column| entry(at, column)).collect();
    (0..rows).map(row).collect()
}

/// a · b.
pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let columns = b.first().map_or(0, Vec::len);
    let row = |left: &Vec<f64>| {
        let mut sum = vec![0.0; columns];
        for (factor, right) in left.iter().zip(b) {
            add_scaled(&mut sum, *factor, right);
        }
        sum
    };
    a.iter().map(row).collect()
}

/// a · v.
pub fn apply(a: &Matrix, v: &[f64]) -> Vec<f64> {
    let dot = |row: &Vec<f64>| row.iter().zip(v).map(|(x, y)| x * y).sum();
    a.iter().map(dot).collect()
}

/// X of a · X = b; `None` where `a` is singular or nearly so.
pub fn solve(mut a: Matrix, mut b: Matrix) -> Option<Matrix> {
    let n = a.len();
    let largest = a.iter().flatten().fold(0.0, |max: f64, x| max.max(x.abs()));
    for step in 0..n {
        let pivot = (step..n).max_by(|i, j| a[*i][step].abs().total_cmp(&a[*j][step].abs()))?;
        a.swap(step, pivot);
        b.swap(step, pivot);
        let usable = a[step][step].abs() > SMALLEST_PIVOT * largest;
        if !usable {
            return None;
        }
        let (from, known) = (a[step].clone(), b[step].clone());
        for row in step + 1..n {
            let factor = -a[row][step] / from[step];
            add_scaled(&mut a[row], factor, &from);
            add_scaled(&mut b[row], factor, &known);
        }
    }
    for step in (0..n).rev() {
        b[step].iter_mut().for_each(|x| *x /= a[step][step]);
        let known = b[step].clone();
        for row in 0..step {
            add_scaled(&mut b[row], -a[row][step], &known);
        }
    }
    Some(b)
}

fn add_scaled(to: &mut [f64], factor: f64, row: &[f64]) {
    if factor != 0.0 {
        to.iter_mut().zip(row).for_each(|(x, y)| *x += factor * y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_on_the_diagonal_is_pivoted_away() {
        let a = vec![vec![0.0, 2.0], vec![1.0, 1.0]];
        let b = vec![vec![4.0], vec![5.0]];
        assert_eq!(solve(a, b), Some(vec![vec![3.0], vec![2.0]]));
    }

    #[test]
    fn dependent_rows_have_no_solution() {
        let a = vec![vec![0.1, 0.3], vec![0.2, 0.6]];
        assert_eq!(solve(a, vec![vec![1.0], vec![1.0]]), None);
        let nan = vec![vec![f64::NAN]];
        assert_eq!(solve(nan, vec![vec![1.0]]), None);
    }

    #[test]
    fn a_product_of_shapes() {
        let a = matrix(2, 3, |i, j| (i + j) as f64);
        let b = matrix(3, 1, |i, _| i as f64);
        assert_eq!(product(&a, &b), vec![vec![5.0], vec![8.0]]);
        assert_eq!(apply(&a, &[0.0, 1.0, 2.0]), [5.0, 8.0]);
    }
}
