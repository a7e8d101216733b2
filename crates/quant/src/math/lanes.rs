//! e^x and ln x over several numbers at once, and the widest registers of the host to do it in.
//!
//! Both are plain additions, multiplications and selections without branches, so that the
//! compiler turns a loop over them into vector instructions. Each number goes through the same
//! operations whatever stands beside it, and nothing is fused: more lanes and wider registers
//! change the time, never a bit. [`widest`] compiles a [`Kernel`] once for each width and picks
//! at run time.

/// 1.5·2⁵²: added to a number below 2⁵¹ it leaves the nearest integer in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// ln 2 with 21 trailing zero bits: its products with exponents are exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;

/// ln 2 less [`LN_2_HIGH`].
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// (e^r − 1 − r)/r² on |r| ≤ ln 2/2, constant term first: minimax in the relative error of e^r,
/// by Lawson's reweighted least squares in 200 bits: 1e-17 with the coefficients rounded.
const EXP: [f64; 10] = [
    0.500_000_000_000_001_1,
    0.166_666_666_666_664_13,
    0.041_666_666_666_529_86,
    0.008_333_333_333_493_929,
    0.001_388_888_894_370_152_8,
    1.984_126_950_789_553_8e-4,
    2.480_149_303_143_68e-5,
    2.755_758_510_201_758e-6,
    2.763_027_058_911_083_3e-7,
    2.500_048_537_464_075_5e-8,
];

/// e^x of each number: within 1 unit in the last place, subnormal results included; ∞ above
/// 709.78, 0 below −745.13, not a number for one.
#[inline(always)]
pub fn exp<const N: usize>(x: [f64; N]) -> [f64; N] {
    let mut y = [0.0; N];
    for i in 0..N {
        y[i] = exp_1(x[i]);
    }
    y
}

/// ln x of each number: within 1 unit in the last place; −∞ at 0, not a number below and for one.
#[inline(always)]
pub fn ln<const N: usize>(x: [f64; N]) -> [f64; N] {
    let mut y = [0.0; N];
    for i in 0..N {
        y[i] = ln_1(x[i]);
    }
    y
}

/// [`exp`] of one number, for the body of a kernel's own loop.
#[inline(always)]
pub fn exp_1(x: f64) -> f64 {
    // What is no number fails both comparisons and goes through.
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let k = (x * std::f64::consts::LOG2_E + ROUND) - ROUND;
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;

    // Estrin's scheme: pairs that do not wait for each other.
    let r2 = r * r;
    let r4 = r2 * r2;
    let low = (EXP[0] + EXP[1] * r) + (EXP[2] + EXP[3] * r) * r2;
    let high = (EXP[4] + EXP[5] * r) + (EXP[6] + EXP[7] * r) * r2;
    let top = EXP[8] + EXP[9] * r;
    let p = low + (high + top * r4) * r4;
    let mantissa = 1.0 + (r + r2 * p);

    // In two halves: 2^k alone leaves the range of exponents at both ends, and only the last
    // product meets the subnormal numbers.
    let half = (k * 0.5 + ROUND) - ROUND;
    (mantissa * power_of_two(half)) * power_of_two(k - half)
}

/// 2^k for an integer k in (−1023, 1024).
#[inline(always)]
fn power_of_two(k: f64) -> f64 {
    // The biased exponent stands in the low bits; the shift drops all above it.
    f64::from_bits((k + (ROUND + 1_023.0)).to_bits() << 52)
}

/// (ln((1+s)/(1−s)) − 2s)/s as a polynomial in s², minimax, from s² on; of fdlibm's `e_log.c`
/// (Sun Microsystems, 1993).
const LN: [f64; 7] = [
    0.666_666_666_666_673_5,
    0.399_999_999_994_094_2,
    0.285_714_287_436_623_9,
    0.222_221_984_321_497_84,
    0.181_835_721_616_180_5,
    0.153_138_376_992_093_73,
    0.147_981_986_051_165_86,
];

/// [`ln`] of one number, for the body of a kernel's own loop.
#[inline(always)]
pub fn ln_1(x: f64) -> f64 {
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const FRACTION: u64 = 0x000f_ffff_ffff_ffff;
    /// 2⁵², and the bits of an integer below 2⁵² as a double less it.
    const INTEGER: f64 = 4_503_599_627_370_496.0;
    /// 2⁵⁴.
    const LIFT: f64 = 18_014_398_509_481_984.0;

    let subnormal = x < f64::MIN_POSITIVE;
    let lifted = if subnormal { x * LIFT } else { x };
    let shift = if subnormal { 1_023.0 + 54.0 } else { 1_023.0 };

    // x = 2^k (1 + f) with 1 + f in [√½, √2).
    let bits = lifted.to_bits().wrapping_add(ONE - SQRT_HALF);
    let biased = f64::from_bits((bits >> 52) | INTEGER.to_bits()) - INTEGER;
    let k = biased - shift;
    let f = f64::from_bits((bits & FRACTION) + SQRT_HALF) - 1.0;

    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let odd = w * (LN[1] + w * (LN[3] + w * LN[5]));
    let even = z * (LN[0] + w * (LN[2] + w * (LN[4] + w * LN[6])));
    let half_square = 0.5 * f * f;
    let correction = s * (half_square + (even + odd)) + k * LN_2_LOW;
    let y = k * LN_2_HIGH - ((half_square - correction) - f);

    let y = if x == f64::INFINITY { x } else { y };
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f64::NAN }
}

/// A computation that [`widest`] compiles for several widths of register. `run` and all that it
/// calls in its loops must be `#[inline(always)]`: what is not inlined keeps the narrow registers.
pub trait Kernel {
    /// What it returns.
    type Output;

    /// Computes. The order of operations must not depend on the registers.
    fn run(self) -> Self::Output;
}

/// A set of vector registers this program was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registers {
    /// What every host of the architecture has: two numbers on x86-64 and aarch64.
    Baseline,
    /// Four numbers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Eight numbers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Registers {
    /// The ones this host has, the narrowest first.
    pub fn available() -> impl DoubleEndedIterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let all = [Self::Baseline, Self::Avx2, Self::Avx512];
        #[cfg(not(target_arch = "x86_64"))]
        let all = [Self::Baseline];
        all.into_iter().filter(|registers| registers.present())
    }

    #[inline]
    fn present(self) -> bool {
        match self {
            Self::Baseline => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }

    /// Runs the kernel in these registers, in the baseline's where the host does not have them.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        if !self.present() {
            return kernel.run();
        }
        #[cfg_attr(
            target_arch = "x86_64",
            expect(
                unsafe_code,
                reason = "the features a function is compiled for are checked two lines above; a \
                          list of functions made by a macro could not be run one by one in tests"
            )
        )]
        match self {
            Self::Baseline => kernel.run(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the host has AVX2, by `present`.
            Self::Avx2 => unsafe { avx2(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the host has these parts of AVX-512, by `present`.
            Self::Avx512 => unsafe { avx512(kernel) },
        }
    }
}

/// Runs the kernel in the widest registers of the host.
pub fn widest<K: Kernel>(kernel: K) -> K::Output {
    let registers = Registers::available().next_back();
    registers.unwrap_or(Registers::Baseline).run(kernel)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(test)]
mod tests;
