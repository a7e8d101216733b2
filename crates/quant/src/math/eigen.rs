//! Eigenvalues and eigenvectors of a symmetric matrix.
//!
//! Golub & Van Loan, "Matrix Computations" (4th ed.), chapter 8: Householder reflections to a
//! tridiagonal matrix (8.3.1), from there Sturm counts for one eigenvalue (8.4.1) and implicit QL
//! for all with their vectors (8.3.3, as EISPACK's `tql2`). Errors are ε times the largest
//! eigenvalue in size, a few times over. One thread, one order of operations.

use super::dense::{Matrix, matrix};

/// Why a matrix has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsolved {
    /// Empty, of rows of different lengths, or not square where it must be.
    Shape,
    /// An entry of it, or of the result, is not finite.
    NotFinite,
    /// Two entries across the diagonal differ.
    NotSymmetric,
    /// The iteration did not come to its end.
    NotConverged,
}

/// Eigenvalues with their vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigen {
    /// Rising.
    pub values: Vec<f64>,
    /// Row k is the vector of value k, of length 1, orthogonal to all others.
    pub vectors: Matrix,
}

/// The smallest eigenvalue; 8/3 n³ operations.
pub fn smallest_eigenvalue(a: &Matrix) -> Result<f64, Unsolved> {
    let (scaled, exponent) = scaled(a)?;
    let value = libm::ldexp(tridiagonal(scaled).smallest(), exponent);
    finite(value).ok_or(Unsolved::NotFinite)
}

/// All eigenvalues and vectors; about 9 n³ operations.
pub fn eigen(a: &Matrix) -> Result<Eigen, Unsolved> {
    let (scaled, exponent) = scaled(a)?;
    let tridiagonal = tridiagonal(scaled);
    let vectors = tridiagonal.transposed_reflections();
    let (values, vectors) = diagonalise(tridiagonal, vectors).ok_or(Unsolved::NotConverged)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|i, j| values[*i].total_cmp(&values[*j]));
    let back = |at: &usize| finite(libm::ldexp(values[*at], exponent));
    let sorted: Option<Vec<f64>> = order.iter().map(back).collect();
    Ok(Eigen {
        values: sorted.ok_or(Unsolved::NotFinite)?,
        vectors: order.iter().map(|at| vectors[*at].clone()).collect(),
    })
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// The matrix times 2^−exponent, so that the largest entry is at least 1/2 and below 1: exact, but
/// for what is nothing beside it, and no square leaves the range.
fn scaled(a: &Matrix) -> Result<(Matrix, i32), Unsolved> {
    check(a)?;
    let exponent = exponent_of(a.iter().flatten());
    let row = |row: &Vec<f64>| row.iter().map(|x| libm::ldexp(*x, -exponent)).collect();
    Ok((a.iter().map(row).collect(), exponent))
}

/// The binary exponent of the largest number.
pub(super) fn exponent_of<'a>(numbers: impl Iterator<Item = &'a f64>) -> i32 {
    libm::frexp(numbers.fold(0.0, |max: f64, x| max.max(x.abs()))).1
}

/// Whether it is a symmetric matrix of finite numbers.
pub(super) fn check(a: &Matrix) -> Result<(), Unsolved> {
    let n = a.len();
    if n == 0 || a.iter().any(|row| row.len() != n) {
        return Err(Unsolved::Shape);
    }
    if !a.iter().flatten().all(|x| x.is_finite()) {
        return Err(Unsolved::NotFinite);
    }
    let is_symmetric = (0..n).all(|i| (0..i).all(|j| a[i][j] == a[j][i]));
    is_symmetric.then_some(()).ok_or(Unsolved::NotSymmetric)
}

/// T = QᵀAQ with Q = H₀·H₁·…
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Entry i stands between i and i + 1.
    beside: Vec<f64>,
    /// The unit vectors v of H = I − 2vvᵀ, each shorter by one; empty where H is I.
    reflections: Vec<Vec<f64>>,
}

fn tridiagonal(mut a: Matrix) -> Tridiagonal {
    let n = a.len();
    let (mut beside, mut reflections) = (Vec::new(), Vec::new());
    for k in 0..n.saturating_sub(1) {
        let (side, v) = reflection(&a[k][k + 1..]);
        beside.push(side);
        if !v.is_empty() {
            reflect(&mut a[k + 1..], k + 1, &v);
        }
        reflections.push(v);
    }
    let diagonal = (0..n).map(|k| a[k][k]).collect();
    Tridiagonal {
        diagonal,
        beside,
        reflections,
    }
}

/// The reflection that takes `x` to a multiple of the first axis, and that multiple.
fn reflection(x: &[f64]) -> (f64, Vec<f64>) {
    /// Smaller squares are nothing beside entries near 1.
    const NOTHING: f64 = 1e-290;
    let tail: f64 = x[1..].iter().map(|x| x * x).sum();
    if tail < NOTHING {
        return (x[0], Vec::new());
    }
    // Of the sign that does not cancel.
    let side = -(x[0] * x[0] + tail).sqrt().copysign(x[0]);
    let first = x[0] - side;
    let length = (first * first + tail).sqrt();
    let mut v: Vec<f64> = x.iter().map(|x| x / length).collect();
    v[0] = first / length;
    (side, v)
}

/// A − vwᵀ − wvᵀ with p = 2Av and w = p − (vᵀp)v, which is HAH, of the columns from `from` on.
fn reflect(a: &mut [Vec<f64>], from: usize, v: &[f64]) {
    let mut w = vec![0.0; v.len()];
    for (row, factor) in a.iter().zip(v) {
        add_scaled(&mut w, 2.0 * factor, &row[from..]);
    }
    let along: f64 = v.iter().zip(&w).map(|(v, p)| v * p).sum();
    add_scaled(&mut w, -along, v);
    for ((row, vi), wi) in a.iter_mut().zip(v).zip(&w) {
        for ((x, vj), wj) in row[from..].iter_mut().zip(v).zip(&w) {
            *x -= vi * wj + wi * vj;
        }
    }
}

fn add_scaled(to: &mut [f64], factor: f64, row: &[f64]) {
    to.iter_mut().zip(row).for_each(|(x, y)| *x += factor * y);
}

impl Tridiagonal {
    /// By halving Gershgorin's interval.
    fn smallest(&self) -> f64 {
        /// Of entries near 1, below the rounding of the reflections.
        const TOLERANCE: f64 = 1e-18;
        let radius = |at: usize| {
            let left = at
                .checked_sub(1)
                .map_or(0.0, |left| self.beside[left].abs());
            left + self.beside.get(at).map_or(0.0, |x| x.abs())
        };
        let (mut low, mut high) = (f64::INFINITY, f64::INFINITY);
        for (at, centre) in self.diagonal.iter().enumerate() {
            low = low.min(centre - radius(at));
            // An eigenvalue is never above the least of the diagonal.
            high = high.min(*centre);
        }
        while high - low > TOLERANCE {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.has_eigenvalue_below(middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        // The upper end is exact where the matrix is diagonal.
        high
    }

    /// Whether a pivot of T − xI is negative.
    fn has_eigenvalue_below(&self, x: f64) -> bool {
        let mut pivot = 1.0;
        let squares = self.beside.iter().map(|x| x * x);
        let before = std::iter::once(0.0).chain(squares);
        self.diagonal.iter().zip(before).any(|(centre, square)| {
            pivot = (centre - x) - square / pivot;
            if pivot == 0.0 {
                // As if x were a little less: the next pivot is far below 0 if it is joined to this.
                pivot = f64::MIN_POSITIVE;
            }
            pivot < 0.0
        })
    }

    /// Qᵀ.
    fn transposed_reflections(&self) -> Matrix {
        let n = self.diagonal.len();
        let mut q = matrix(n, n, |i, j| f64::from(u8::from(i == j)));
        for (k, v) in self.reflections.iter().enumerate().rev() {
            let mut along = vec![0.0; v.len()];
            for (row, factor) in q[k + 1..].iter().zip(v) {
                add_scaled(&mut along, 2.0 * factor, &row[k + 1..]);
            }
            for (row, factor) in q[k + 1..].iter_mut().zip(v) {
                add_scaled(&mut row[k + 1..], -factor, &along);
            }
        }
        matrix(n, n, |i, j| q[j][i])
    }
}

/// Implicit QL: eigenvalues of T, and the rows of Qᵀ turned into eigenvectors of A.
fn diagonalise(of: Tridiagonal, mut vectors: Matrix) -> Option<(Vec<f64>, Matrix)> {
    /// It takes fewer than two a value.
    const MAX_STEPS: u32 = 60;
    let (mut d, mut e) = (of.diagonal, of.beside);
    let n = d.len();
    e.push(0.0);
    for low in 0..n {
        let mut steps = 0;
        loop {
            let is_apart = |at: &usize| is_apart(e[*at], d[*at], d[at + 1]);
            let high = (low..n - 1).find(is_apart).unwrap_or(n - 1);
            if high == low {
                break;
            }
            steps += 1;
            if steps > MAX_STEPS {
                return None;
            }
            ql_step(&mut d, &mut e, &mut vectors, low, high);
        }
    }
    d.iter().all(|x| x.is_finite()).then_some((d, vectors))
}

/// Whether an entry beside the diagonal is nothing to its neighbours, or to entries near 1.
fn is_apart(beside: f64, left: f64, right: f64) -> bool {
    const NOTHING: f64 = 1e-30;
    beside.abs() <= f64::EPSILON * (left.abs() + right.abs()) + NOTHING
}

/// One step with Wilkinson's shift on the block from `low` to `high`.
fn ql_step(d: &mut [f64], e: &mut [f64], vectors: &mut Matrix, low: usize, high: usize) {
    let length = |x: f64, y: f64| (x * x + y * y).sqrt();
    let mut g = (d[low + 1] - d[low]) / (2.0 * e[low]);
    g = d[high] - d[low] + e[low] / (g + length(g, 1.0).copysign(g));
    let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
    for i in (low..high).rev() {
        let (f, b) = (sine * e[i], cosine * e[i]);
        let r = length(f, g);
        e[i + 1] = r;
        if r == 0.0 {
            // The block has come apart here.
            d[i + 1] -= shift;
            e[high] = 0.0;
            return;
        }
        (sine, cosine) = (f / r, g / r);
        g = d[i + 1] - shift;
        let turned = (d[i] - g) * sine + 2.0 * cosine * b;
        shift = sine * turned;
        d[i + 1] = g + shift;
        g = cosine * turned - b;
        let (above, below) = vectors.split_at_mut(i + 1);
        rotate(&mut above[i], &mut below[0], sine, cosine);
    }
    d[low] -= shift;
    e[low] = g;
    e[high] = 0.0;
}

fn rotate(x: &mut [f64], y: &mut [f64], sine: f64, cosine: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

#[cfg(test)]
mod tests;
