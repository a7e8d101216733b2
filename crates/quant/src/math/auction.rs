//! The imbalance of a closing auction: as its feed tells it, and estimated before it does.

/// What a feed tells of an auction. Sizes in shares, prices in units of the currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auction {
    /// Shares matched, at least 0.
    pub paired: f64,
    /// Shares not matched: above 0 to buy, below 0 to sell.
    pub signed_imbalance: f64,
    /// The price they are reckoned at.
    pub reference: Option<f64>,
    /// Where it would clear with the continuous book.
    pub near: Option<f64>,
    /// Where it would clear by itself.
    pub far: Option<f64>,
    /// Average daily volume, shares.
    pub average_daily_volume: Option<f64>,
}

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuctionMeasures {
    /// Signed imbalance over paired; `None` where nothing is paired.
    pub signed_to_paired: Option<f64>,
    /// Signed imbalance over all shares, −1 to 1; `None` without any.
    pub share_of_auction: Option<f64>,
    /// Signed imbalance in percent of average daily volume.
    pub pct_adv: Option<f64>,
    /// Signed imbalance at the reference price, in units of the currency.
    pub notional: Option<f64>,
    /// Near price over reference, basis points.
    pub near_vs_reference_bps: Option<f64>,
    /// Far price over reference, basis points.
    pub far_vs_reference_bps: Option<f64>,
}

impl Auction {
    /// What follows from it.
    pub fn measures(&self) -> AuctionMeasures {
        let signed = self.signed_imbalance;
        let over = |base: f64| finite(signed / base).filter(|_| base > 0.0);
        let from_reference = |price: Option<f64>| offset_bps(price?, self.reference?);
        AuctionMeasures {
            signed_to_paired: over(self.paired),
            share_of_auction: over(self.paired + signed.abs()),
            pct_adv: self
                .average_daily_volume
                .and_then(over)
                .map(|share| 100.0 * share),
            notional: self.reference.and_then(|price| finite(signed * price)),
            near_vs_reference_bps: from_reference(self.near),
            far_vs_reference_bps: from_reference(self.far),
        }
    }
}

/// (price − base)/base in basis points; `None` without a base above zero.
pub fn offset_bps(price: f64, base: f64) -> Option<f64> {
    finite((price - base) / base * 1e4).filter(|_| base > 0.0)
}

/// total/(total + paired), 0 to 1; `None` where both are zero.
pub fn imbalance_ratio(total: f64, paired: f64) -> Option<f64> {
    finite(total / (total + paired)).filter(|_| total + paired > 0.0)
}

/// What an imbalance is estimated from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs {
    /// Volume of the last 60 one-minute bars, shares.
    pub window_volume: f64,
    /// Minutes to the close, at least 0.
    pub minutes_to_close: f64,
    /// Five-level imbalance of the book, −1 to 1.
    pub level5_imbalance: f64,
    /// Gamma exposure per 1 %, all signs as they are, in units of the currency.
    pub gex_per_1pct: f64,
    /// Middle of the quote, in units of the currency.
    pub mid: f64,
}

/// An imbalance before a feed tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// P = window volume · minutes to the close / 60: what is still to be traded at this pace.
    pub projected_volume: f64,
    /// s = 1.5·|L5|, 1 at most: the share of it that is one-sided.
    pub strength: f64,
    /// g = 1 + 0.25·min(γ/1e9, 1.5), γ at least 0: hedging adds to it.
    pub gamma_factor: f64,
    /// P·mid·s·g, in units of the currency.
    pub total: f64,
    /// max(P·mid·(1 − 0.9·s), 0.15·P·mid), in units of the currency.
    pub paired: f64,
}

impl Inputs {
    /// The estimate; `None` where the inputs are no numbers.
    pub fn estimate(&self) -> Option<Estimate> {
        let projected_volume = self.window_volume * self.minutes_to_close / 60.0;
        let strength = (1.5 * self.level5_imbalance.abs()).clamp(0.0, 1.0);
        let gamma_factor = 1.0 + 0.25 * (self.gex_per_1pct / 1e9).clamp(0.0, 1.5);
        let money = projected_volume * self.mid;
        let total = money * strength * gamma_factor;
        let paired = (money * (1.0 - 0.9 * strength)).max(0.15 * money);
        let estimate = Estimate {
            projected_volume,
            strength,
            gamma_factor,
            total,
            paired,
        };
        let known = [projected_volume, strength, gamma_factor, total, paired];
        let sound = known
            .iter()
            .all(|number| *number >= 0.0 && number.is_finite());
        sound.then_some(estimate)
    }
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: half an hour at a million an hour, L5 −0.4, two billions of gamma.
    #[test]
    fn an_estimate_by_hand() {
        let inputs = Inputs {
            window_volume: 1e6,
            minutes_to_close: 30.0,
            level5_imbalance: -0.4,
            gex_per_1pct: 1e9,
            mid: 100.0,
        };
        let got = inputs.estimate().unwrap();
        assert_eq!(got.projected_volume, 5e5);
        assert!((got.strength - 0.6).abs() < 1e-15);
        assert_eq!(got.gamma_factor, 1.25);
        assert!((got.total - 5e7 * 0.6 * 1.25).abs() < 1e-6, "{got:?}");
        assert!((got.paired - 5e7 * 0.46).abs() < 1e-6, "{got:?}");
        let wild = Inputs {
            level5_imbalance: 1.0,
            gex_per_1pct: 1e12,
            ..inputs
        };
        let got = wild.estimate().unwrap();
        assert_eq!((got.strength, got.gamma_factor), (1.0, 1.375));
        assert!((got.paired - 0.15 * 5e7).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_number_has_no_estimate() {
        let inputs = Inputs {
            window_volume: f64::NAN,
            minutes_to_close: 30.0,
            level5_imbalance: 0.1,
            gex_per_1pct: 0.0,
            mid: 100.0,
        };
        assert_eq!(inputs.estimate(), None);
        assert_eq!(imbalance_ratio(0.0, 0.0), None);
        assert_eq!(offset_bps(1.0, 0.0), None);
    }
}
