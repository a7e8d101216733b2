//! What exp and ln in lanes promise: accuracy, edges, and the same bits in every register.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use super::*;

const MANY: usize = 200_000;

/// Numbers of every exponent, evenly spread ones in between, and the special ones.
fn inputs() -> Vec<f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut inputs: Vec<f64> = (0..MANY)
        .map(|_| f64::from_bits(random.next_u64()))
        .collect();
    inputs.extend((0..MANY).map(|i| (i as f64 / MANY as f64 - 0.5) * 1_600.0));
    inputs.extend((0..MANY).map(|i| (i as f64 / MANY as f64 - 0.5) * 4.0));
    inputs.extend((0..MANY).map(|i| -708.0 - 38.0 * i as f64 / MANY as f64));
    inputs.extend([0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]);
    inputs.extend([f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::MIN, 0.5, 2.0]);
    inputs
}

/// The same value, or both none: the bits of what is no number carry nothing.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Relative where a double is relative, in steps of the subnormal numbers below; worst first.
fn worst(got: impl Fn(f64) -> f64, expected: impl Fn(f64) -> f64) -> f64 {
    let mut worst = 0.0_f64;
    for x in inputs() {
        let (got, expected) = (got(x), expected(x));
        if same(got, expected) || (got == 0.0 && expected == 0.0) {
            continue;
        }
        let error = (got - expected).abs() / expected.abs().max(f64::MIN_POSITIVE);
        assert!(error < 1e-12, "{x:e}: got {got:e}, expected {expected:e}");
        worst = worst.max(error);
    }
    worst
}

#[test]
fn exp_is_the_other_librarys_to_the_last_digit() {
    let worst = worst(exp_1, libm::exp);
    assert!(worst <= 4.5e-16, "{worst:e}");
}

#[test]
fn ln_is_the_other_librarys_to_the_last_digit() {
    let worst = worst(ln_1, libm::log);
    assert!(worst <= 4.5e-16, "{worst:e}");
}

#[test]
fn exp_ends_where_doubles_end() {
    let ends = exp([0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300]);
    assert_eq!(ends, [1.0, 1.0, f64::INFINITY, 0.0, f64::INFINITY, 0.0]);
    // The last doubles on this side of e^x = MAX, of the least double, and the next beyond.
    assert!(exp_1(709.782_712_893_384).is_finite());
    assert_eq!(exp_1(709.782_712_893_384_1), f64::INFINITY);
    assert_eq!(exp_1(-745.133_219_101_941_1), 5e-324);
    assert_eq!(exp_1(-745.133_219_101_941_3), 0.0);
    assert!(exp_1(f64::NAN).is_nan());
}

#[test]
fn ln_of_what_is_not_positive_is_no_number() {
    assert_eq!(ln([0.0, -0.0]), [f64::NEG_INFINITY; 2]);
    assert_eq!(ln([1.0, f64::INFINITY]), [0.0, f64::INFINITY]);
    for x in [-1.0, -5e-324, f64::NEG_INFINITY, f64::NAN] {
        assert!(ln_1(x).is_nan(), "{x}");
    }
}

/// A column through `exp` and `ln`, N at a time.
struct Column<'a, const N: usize>(&'a [f64]);

impl<const N: usize> Kernel for Column<'_, N> {
    type Output = Vec<[f64; 2]>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut out = Vec::with_capacity(self.0.len());
        let (chunks, rest) = self.0.as_chunks::<N>();
        assert!(rest.is_empty());
        for &chunk in chunks {
            let (e, l) = (exp(chunk), ln(chunk));
            for i in 0..N {
                out.push([e[i], l[i]]);
            }
        }
        out
    }
}

#[test]
fn lanes_and_registers_do_not_change_a_bit() {
    let mut inputs = inputs();
    inputs.truncate(inputs.len() / 8 * 8);
    let one = Registers::Baseline.run(Column::<1>(&inputs));
    for registers in Registers::available() {
        for other in [
            registers.run(Column::<1>(&inputs)),
            registers.run(Column::<2>(&inputs)),
            registers.run(Column::<4>(&inputs)),
            registers.run(Column::<8>(&inputs)),
        ] {
            for (x, (one, other)) in inputs.iter().zip(one.iter().zip(&other)) {
                let equal = same(one[0], other[0]) && same(one[1], other[1]);
                assert!(equal, "{registers:?} {x:e}: {one:?} {other:?}");
            }
        }
    }
    let widest = widest(Column::<8>(&inputs));
    assert!(widest.iter().zip(&one).all(|(a, b)| same(a[0], b[0])));
}
