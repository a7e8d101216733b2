//! A column of numbers that may be missing.

/// Numbers, one a row; a missing one takes no more room than another.
#[derive(Clone, Debug, Default)]
pub struct Column(Vec<f64>);

impl Column {
    /// The number of a row; `None` where it is missing.
    pub fn get(&self, row: usize) -> Option<f64> {
        let value = self.0[row];
        (!value.is_nan()).then_some(value)
    }

    /// Appends a row. What is not finite is missing.
    pub fn push(&mut self, value: Option<f64>) {
        let value = value.filter(|value| value.is_finite());
        self.0.push(value.unwrap_or(f64::NAN));
    }

    /// Every row in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<f64>> {
        self.0
            .iter()
            .map(|value| (!value.is_nan()).then_some(*value))
    }

    /// With its rows in another order: row `n` is what was row `order[n]`.
    pub(super) fn reordered(&self, order: &[u32]) -> Self {
        Self(order.iter().map(|&row| self.0[row as usize]).collect())
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.iter().eq(other.iter())
    }
}
