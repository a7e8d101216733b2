//! The term structure of at-the-money volatility: constant maturities and forward volatilities.
//!
//! What is linear between two expiries is total variance w = σ²t, as if variance accrued evenly
//! between them. Times are in any one unit, because only their ratios matter. Nothing is
//! extrapolated.

/// The at-the-money volatility of one expiry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expiry {
    /// Time to expiry, above 0.
    pub time: f64,
    /// Implied volatility per square root of a year, as a decimal, above 0.
    pub iv: f64,
}

/// The volatility of a maturity that need not be listed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantMaturity {
    /// Implied volatility at that maturity, as a decimal.
    pub iv: f64,
    /// The expiry at or before it.
    pub near: Expiry,
    /// The expiry at or after it; `near` itself where the maturity is listed.
    pub far: Expiry,
    /// Total variance falls from `near` to `far`.
    pub calendar_arbitrage: bool,
}

/// Why a maturity has no volatility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMaturity {
    /// No expiry with a time and a volatility above 0.
    NoExpiries,
    /// The maturity is no time, or lies before the first or after the last expiry.
    OutsideRange,
}

/// What two expiries say of the time between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Forward {
    /// The volatility from the near to the far expiry, as a decimal, at least 0.
    Volatility(f64),
    /// Total variance falls with time: the far option is worth less than the near one. The forward
    /// variance per unit of time, below 0.
    CalendarArbitrage(f64),
}

impl Forward {
    /// The volatility, where there is one.
    pub fn volatility(self) -> Option<f64> {
        match self {
            Self::Volatility(volatility) => Some(volatility),
            Self::CalendarArbitrage(_) => None,
        }
    }
}

/// The volatility at a maturity, linear in total variance between the expiries beside it; a listed
/// maturity has its own volatility. Expiries may come in any order; ones without a finite time
/// and volatility above 0 are passed over, and of two at one time the first counts.
pub fn constant_maturity(expiries: &[Expiry], time: f64) -> Result<ConstantMaturity, NoMaturity> {
    let usable = || expiries.iter().copied().filter(is_usable);
    if usable().next().is_none() {
        return Err(NoMaturity::NoExpiries);
    }
    let near = usable()
        .filter(|expiry| expiry.time <= time)
        .reduce(|best, next| if next.time > best.time { next } else { best });
    let far = usable()
        .filter(|expiry| expiry.time >= time)
        .reduce(|best, next| if next.time < best.time { next } else { best });
    let (Some(near), Some(far)) = (near, far) else {
        return Err(NoMaturity::OutsideRange);
    };
    if near.time == far.time {
        return Ok(ConstantMaturity {
            iv: near.iv,
            near,
            far: near,
            calendar_arbitrage: false,
        });
    }
    let share = (time - near.time) / (far.time - near.time);
    // Weights of the two variances; they add up to 1 where the volatilities are the same.
    let of_near = (1.0 - share) * (near.time / time);
    let of_far = share * (far.time / time);
    let iv = f64::sqrt(of_near * near.iv * near.iv + of_far * far.iv * far.iv);
    Ok(ConstantMaturity {
        iv,
        near,
        far,
        calendar_arbitrage: total_variance(far) < total_variance(near),
    })
}

/// The volatility between two expiries: √((w₂ − w₁)/(t₂ − t₁)). `None` where one has no finite time
/// and volatility above 0, and where the second does not come after the first.
pub fn forward_volatility(near: Expiry, far: Expiry) -> Option<Forward> {
    let span = far.time - near.time;
    if !(is_usable(&near) && is_usable(&far) && span > 0.0) {
        return None;
    }
    let rise = total_variance(far) - total_variance(near);
    let variance = rise / span;
    if !variance.is_finite() {
        return None;
    }
    Some(if rise < 0.0 {
        Forward::CalendarArbitrage(variance)
    } else {
        Forward::Volatility(variance.sqrt())
    })
}

/// σ²t.
fn total_variance(expiry: Expiry) -> f64 {
    expiry.iv * expiry.iv * expiry.time
}

fn is_usable(expiry: &Expiry) -> bool {
    // Between the two bounds neither squares nor their quotients leave the finite numbers.
    let in_range = |x: f64| (1e-60..=1e60).contains(&x);
    in_range(expiry.time) && in_range(expiry.iv)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(time: f64, iv: f64) -> Expiry {
        Expiry { time, iv }
    }

    #[test]
    fn a_listed_maturity_has_its_own_volatility() {
        let listed = [expiry(20.0, 0.21), expiry(10.0, 0.2), expiry(10.0, 0.3)];
        let got = constant_maturity(&listed, 10.0).unwrap();
        assert_eq!((got.iv, got.near, got.far), (0.2, listed[1], listed[1]));
    }

    #[test]
    fn a_maturity_outside_of_the_expiries_has_none() {
        let listed = [expiry(10.0, 0.2), expiry(20.0, 0.21)];
        for time in [9.999, 20.001, 0.0, -1.0, f64::NAN, f64::INFINITY] {
            let got = constant_maturity(&listed, time);
            assert_eq!(got, Err(NoMaturity::OutsideRange), "{time}");
        }
    }

    #[test]
    fn expiries_without_a_volatility_are_passed_over() {
        let unusable = [expiry(15.0, f64::NAN), expiry(0.0, 0.2), expiry(16.0, 0.0)];
        let none = constant_maturity(&unusable, 15.0);
        assert_eq!(none, Err(NoMaturity::NoExpiries));
        let mut listed = vec![expiry(10.0, 0.2), expiry(20.0, 0.2)];
        listed.extend(unusable);
        assert_eq!(constant_maturity(&listed, 15.0).unwrap().near, listed[0]);
        assert_eq!(forward_volatility(unusable[0], listed[1]), None);
        assert_eq!(forward_volatility(listed[1], listed[0]), None);
    }

    #[test]
    fn equal_total_variances_leave_nothing_between_them() {
        let forward = forward_volatility(expiry(1.0, 0.4), expiry(4.0, 0.2)).unwrap();
        assert!(forward.volatility().unwrap_or(0.0) < 1e-8);
    }
}
