//! One number from several measures of one-sided flow, and how much of it is known.

/// One measure, 0 to 1, and its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// The measure; `None` where it cannot be had.
    pub value: Option<f64>,
    /// Its weight, at least 0.
    pub weight: f64,
}

/// What the components come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Mean of the components there are by their weights, 0 to 1; `None` where there is none.
    pub value: Option<f64>,
    /// Share of the weights that is there, times the share of the volume whose side is known,
    /// 0 to 1.
    pub confidence: f64,
}

/// Volume of a stretch of trades, in any one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volumes {
    /// Bought by takers.
    pub buy: i128,
    /// Sold by takers.
    pub sell: i128,
    /// In large prints.
    pub large: i128,
    /// All of it, that of unknown side too.
    pub total: i128,
}

impl Volumes {
    /// (buy − sell)/(buy + sell), −1 to 1; `None` where no side is known.
    pub fn aggressor_imbalance(&self) -> Option<f64> {
        super::book::imbalance(self.buy, self.sell)
    }

    /// Share of large prints, 0 to 1; `None` without volume.
    pub fn large_share(&self) -> Option<f64> {
        self.share(self.large)
    }

    /// Share of known side, 0 to 1; 0 without volume.
    pub fn classified_share(&self) -> f64 {
        self.share(self.buy + self.sell).unwrap_or(0.0)
    }

    fn share(&self, part: i128) -> Option<f64> {
        (self.total > 0).then(|| part as f64 / self.total as f64)
    }
}

/// The weighted mean of the components there are.
pub fn score(components: &[Component], classified_share: f64) -> Score {
    let (mut sum, mut present, mut all) = (0.0, 0.0, 0.0);
    for component in components {
        all += component.weight;
        if let Some(value) = component.value {
            sum += component.weight * value;
            present += component.weight;
        }
    }
    let known = if all > 0.0 { present / all } else { 0.0 };
    Score {
        value: (present > 0.0).then(|| (sum / present).clamp(0.0, 1.0)),
        confidence: known * classified_share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_zero_say_nothing() {
        let component = Component {
            value: Some(0.3),
            weight: 0.0,
        };
        let said = score(&[component], 1.0);
        assert_eq!((said.value, said.confidence), (None, 0.0));
    }

    #[test]
    fn no_volume_has_no_sides() {
        let none = Volumes::default();
        assert_eq!(
            (none.aggressor_imbalance(), none.large_share()),
            (None, None)
        );
        assert_eq!(none.classified_share(), 0.0);
    }
}
