//! Which world it is to be.

use super::underlying::Underlying;

/// What a world is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The underlyings by name, those of the default universe where nobody says.
    pub underlyings: Vec<Underlying>,
    /// How many stocks are generated beside them, named from `S0001` on, at most 20,000.
    pub generated: usize,
    /// Whether it trades day and night; else each underlying keeps the hours of its exchange.
    pub always_open: bool,
    /// Orders that trade a second, all underlyings together, where that is to be so; the mean of
    /// a session.
    pub trades_per_second: Option<f64>,
    /// Whether books are events. Without them a book is asked for where it is wanted.
    pub books: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            underlyings: Underlying::defaults(),
            generated: 0,
            always_open: false,
            trades_per_second: None,
            books: true,
        }
    }
}

impl Settings {
    /// Most stocks that are generated.
    pub const MOST_GENERATED: usize = 20_000;

    /// Every underlying there will be, within limits.
    pub(super) fn all(&self, seed: u64) -> Vec<Underlying> {
        let generated = self.generated.min(Self::MOST_GENERATED);
        let generated = (1..=generated).map(|number| Underlying::generated(number, seed));
        let all = self.underlyings.iter().cloned().chain(generated);
        let mut all: Vec<Underlying> = all.map(Underlying::within_limits).collect();
        let total: f64 = all.iter().map(|one| one.trades_per_second).sum();
        if let Some(wanted) = self.trades_per_second.filter(|wanted| *wanted >= 0.0)
            && total > 0.0
        {
            for one in &mut all {
                one.trades_per_second = (one.trades_per_second * (wanted / total)).min(1e4);
            }
        }
        all
    }
}
