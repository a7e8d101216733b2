//! Gatheral's raw SVI: one expiry's total implied variance as a function of log-moneyness,
//! w(k) = a + b(ρ(k − m) + √((k − m)² + σ²)), with k = ln(K/F) and w = IV²·T.
//!
//! Gatheral & Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014):
//! (3.1) the curve, (2.1) the density function g, (3.5) the jump wings. Calibration is in `fit`.

mod fit;

pub use fit::{Fit, Point, fit};

/// Wings steeper than 2 in total variance break Lee's moment formula.
const STEEPEST_WING: f64 = 2.0;

/// A slice with valid parameters: all finite, b ≥ 0, |ρ| < 1, σ > 0, and no negative variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Svi {
    a: f64,
    b: f64,
    rho: f64,
    m: f64,
    sigma: f64,
}

/// The parameters as they are written: what a slice is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raw {
    /// Level of total variance.
    pub a: f64,
    /// Slope of the wings, at least 0.
    pub b: f64,
    /// Difference between the wings, between −1 and 1.
    pub rho: f64,
    /// Log-moneyness about which the hyperbola lies.
    pub m: f64,
    /// How round the bottom is, above 0.
    pub sigma: f64,
}

/// The slice in a trader's terms, which hardly change with the expiry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JumpWings {
    /// At-the-money variance per year, w(0)/t.
    pub v: f64,
    /// At-the-money skew, ∂√w/∂k at the money.
    pub psi: f64,
    /// Slope of the put wing, b(1 − ρ)/√w(0).
    pub p: f64,
    /// Slope of the call wing, b(1 + ρ)/√w(0).
    pub c: f64,
    /// Least variance per year, (a + bσ√(1 − ρ²))/t.
    pub v_tilde: f64,
}

/// Where the density function is least, and how much it is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DensityMinimum {
    /// Log-moneyness ln(K/F).
    pub k: f64,
    /// g(k); below 0 a butterfly has a negative price.
    pub g: f64,
}

/// w, w' and w'' at one k.
#[derive(Clone, Copy)]
struct Curve {
    w: f64,
    slope: f64,
    bend: f64,
}

impl Svi {
    /// The slice of these parameters; `None` where they are not valid.
    pub fn new(raw: Raw) -> Option<Self> {
        let Raw {
            a,
            b,
            rho,
            m,
            sigma,
        } = raw;
        let finite = [a, b, rho, m, sigma].iter().all(|x| x.is_finite());
        let svi = Self {
            a,
            b,
            rho,
            m,
            sigma,
        };
        let valid = finite && b >= 0.0 && rho.abs() < 1.0 && sigma > 0.0;
        let least = svi.least_variance();
        (valid && least.is_finite() && least >= 0.0).then_some(svi)
    }

    /// The parameters.
    pub fn raw(&self) -> Raw {
        Raw {
            a: self.a,
            b: self.b,
            rho: self.rho,
            m: self.m,
            sigma: self.sigma,
        }
    }

    /// w(k), at least 0; `None` where k is not finite or w too large for a number.
    pub fn total_variance(&self, k: f64) -> Option<f64> {
        // At the bottom of a slice that touches 0 rounding may take it below.
        finite(self.curve(k).w).map(|w| w.max(0.0))
    }

    /// dw/dk.
    pub fn slope(&self, k: f64) -> Option<f64> {
        finite(self.curve(k).slope)
    }

    /// d²w/dk², at least 0.
    pub fn curvature(&self, k: f64) -> Option<f64> {
        finite(self.curve(k).bend)
    }

    /// Implied volatility √(w/t) of an expiry in `years`, as a decimal; `None` unless above 0.
    pub fn implied_volatility(&self, k: f64, years: f64) -> Option<f64> {
        let variance = self.total_variance(k)? / years;
        finite(variance.sqrt()).filter(|iv| *iv > 0.0)
    }

    /// dIV/dk = w'/(2√(wt)) of an expiry in `years`.
    pub fn volatility_slope(&self, k: f64, years: f64) -> Option<f64> {
        let iv = self.implied_volatility(k, years)?;
        finite(self.slope(k)? / (2.0 * iv * years))
    }

    /// g(k) = (1 − kw'/2w)² − w'²/4·(1/w + 1/4) + w''/2, the risk-neutral density of ln(S/F) but for a
    /// positive factor; `None` where w is 0.
    pub fn density(&self, k: f64) -> Option<f64> {
        let Curve { w, slope, bend } = self.curve(k);
        if w <= 0.0 {
            return None;
        }
        let linear = 1.0 - k * slope / (2.0 * w);
        let g = linear * linear - 0.25 * slope * slope * (1.0 / w + 0.25) + 0.5 * bend;
        finite(g)
    }

    /// The least g of a grid, the first of equal ones; `None` where g is nowhere defined.
    pub fn density_minimum(&self, grid: impl IntoIterator<Item = f64>) -> Option<DensityMinimum> {
        grid.into_iter()
            .filter_map(|k| self.density(k).map(|g| DensityMinimum { k, g }))
            .reduce(|least, next| if next.g < least.g { next } else { least })
    }

    /// No butterfly has a negative price: no wing is steeper than 2 (Lee 2004) and g is nowhere below
    /// 0. It is looked for numerically: on grids that are fine where the slice bends and wide enough
    /// for g to have reached its limits, and between the neighbours of the least value of each.
    pub fn butterfly_free(&self) -> bool {
        if self.steepest_wing() > STEEPEST_WING {
            return false;
        }
        self.bends().into_iter().all(|(centre, scale)| {
            let at = |step: i32| centre + scale * libm::sinh(0.05 * f64::from(step));
            let positive = |k| self.density(k).is_some_and(|g| g >= 0.0);
            let steps = || -300..=300;
            let Some(least) = steps().min_by(|i, j| {
                let g = |step| self.density(at(step)).unwrap_or(f64::NEG_INFINITY);
                g(*i).total_cmp(&g(*j))
            }) else {
                return false;
            };
            let (from, to) = (at(least - 1), at(least + 1));
            let between = |share: i32| from + (to - from) * f64::from(share) / 200.0;
            positive(at(least)) && (0..=200).all(|share| positive(between(share)))
        })
    }

    /// The slice in jump wings for an expiry in `years`; `None` where w(0) or the years are not above
    /// 0.
    pub fn jump_wings(&self, years: f64) -> Option<JumpWings> {
        let at_the_money = self.total_variance(0.0)?;
        if !(at_the_money > 0.0 && years > 0.0) {
            return None;
        }
        let root = at_the_money.sqrt();
        let wings = JumpWings {
            v: at_the_money / years,
            psi: self.slope(0.0)? / (2.0 * root),
            p: self.b * (1.0 - self.rho) / root,
            c: self.b * (1.0 + self.rho) / root,
            v_tilde: self.least_variance() / years,
        };
        let JumpWings {
            v,
            psi,
            p,
            c,
            v_tilde,
        } = wings;
        let finite = [v, psi, p, c, v_tilde].iter().all(|x| x.is_finite());
        finite.then_some(wings)
    }

    /// The least w: a + bσ√(1 − ρ²).
    fn least_variance(&self) -> f64 {
        self.a + self.b * self.sigma * self.roundness()
    }

    /// √(1 − ρ²).
    fn roundness(&self) -> f64 {
        ((1.0 - self.rho) * (1.0 + self.rho)).sqrt()
    }

    fn steepest_wing(&self) -> f64 {
        self.b * (1.0 + self.rho.abs())
    }

    /// Where g changes, and on which scale: about m by σ, and about the bottom by the width over which
    /// w doubles, which is far narrower where the slice almost touches 0.
    fn bends(&self) -> [(f64, f64); 2] {
        let bottom = self.m - self.rho * self.sigma / self.roundness();
        let bend = self.curve(bottom).bend;
        let doubling = (2.0 * self.least_variance() / bend).sqrt();
        let usable = bottom.is_finite() && doubling.is_finite() && doubling > 0.0;
        let about_m = (self.m, self.sigma);
        [about_m, if usable { (bottom, doubling) } else { about_m }]
    }

    fn curve(&self, k: f64) -> Curve {
        let x = k - self.m;
        let radius = libm::hypot(x, self.sigma);
        let (cosine, share) = (x / radius, self.sigma / radius);
        Curve {
            w: self.a + self.b * (self.rho * x + radius),
            slope: self.b * (self.rho + cosine),
            bend: self.b * share * share / radius,
        }
    }
}

fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

#[cfg(test)]
mod tests;
