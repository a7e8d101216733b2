//! Max pain: the settlement price at which the holders of all open options together are paid least.
//!
//! What they are paid at a price x, Σ c·max(x − K, 0) + Σ p·max(K − x, 0), is convex and bends at
//! the strikes only. Its slope between two strikes is the calls at and below less the puts at and
//! above, so the least payout is where that sum of counts changes sign: exact for whole numbers,
//! where payouts themselves would round.

use super::sum::Sum;

/// What is open at one strike, in units of the underlying (contracts times what one stands for).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrikeInterest {
    /// Strike.
    pub strike: f64,
    /// Of calls, 0 or more.
    pub call: f64,
    /// Of puts, 0 or more.
    pub put: f64,
}

/// Where the payout is least.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxPain {
    /// The strike; of equal ones the nearest to spot, then the lower.
    pub strike: f64,
    /// Every strike with the least payout, rising.
    pub ties: Vec<f64>,
    /// That payout, in units of the currency.
    pub payout: f64,
    /// How steeply the payout rises from there, on the side where it rises less: its slope over all
    /// open interest, 0 (flat: there is no such point) to 1.
    pub gradient: f64,
}

/// The payout at each strike, in units of the currency; strikes rise.
pub fn payouts(rows: &[StrikeInterest]) -> Vec<f64> {
    let mut payouts = vec![0.0; rows.len()];
    let (mut paid, mut calls) = (Sum::default(), Sum::default());
    for at in 1..rows.len() {
        calls.add(rows[at - 1].call);
        paid.add(calls.value() * (rows[at].strike - rows[at - 1].strike));
        payouts[at] = paid.value();
    }
    let (mut paid, mut puts) = (Sum::default(), Sum::default());
    for at in (0..rows.len().saturating_sub(1)).rev() {
        puts.add(rows[at + 1].put);
        paid.add(puts.value() * (rows[at + 1].strike - rows[at].strike));
        payouts[at] += paid.value();
    }
    payouts
}

/// Max pain of strikes that rise, and the payouts at them; `None` where nothing is open.
pub fn max_pain(rows: &[StrikeInterest], payouts: &[f64], spot: f64) -> Option<MaxPain> {
    let total: Sum = rows.iter().map(|row| row.call + row.put).collect();
    let total = total.value();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    // The slope of the payout below each strike, and above the last.
    let slopes = slopes(rows);
    let from = (0..rows.len()).find(|at| slopes[at + 1] >= 0.0)?;
    let mut to = from;
    while to + 1 < rows.len() && slopes[to + 1] == 0.0 {
        to += 1;
    }
    let away = |at: &usize| (rows[*at].strike - spot).abs();
    // Of equally near ones the first, which is the lower.
    let nearest = (from..=to).min_by(|a, b| away(a).total_cmp(&away(b)))?;
    Some(MaxPain {
        strike: rows[nearest].strike,
        ties: rows[from..=to].iter().map(|row| row.strike).collect(),
        payout: *payouts.get(nearest)?,
        gradient: f64::min(-slopes[from], slopes[to + 1]).max(0.0) / total,
    })
}

/// Calls below less puts above, in front of each strike and behind the last.
fn slopes(rows: &[StrikeInterest]) -> Vec<f64> {
    let mut slopes = vec![0.0; rows.len() + 1];
    let mut puts = Sum::default();
    for at in (0..rows.len()).rev() {
        puts.add(rows[at].put);
        slopes[at] = -puts.value();
    }
    let mut calls = Sum::default();
    for (row, slope) in rows.iter().zip(&mut slopes[1..]) {
        calls.add(row.call);
        *slope += calls.value();
    }
    slopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(f64, f64, f64)]) -> Vec<StrikeInterest> {
        let row = |&(strike, call, put)| StrikeInterest { strike, call, put };
        rows.iter().map(row).collect()
    }

    fn pain(of: &[(f64, f64, f64)], spot: f64) -> Option<MaxPain> {
        let rows = rows(of);
        max_pain(&rows, &payouts(&rows), spot)
    }

    #[test]
    fn a_book_of_puts_is_worth_least_at_and_above_its_highest_strike_and_flat_there() {
        let found = pain(&[(100.0, 0.0, 500.0), (105.0, 0.0, 100.0)], 102.0).unwrap();
        assert_eq!(
            (found.strike, found.payout, found.gradient),
            (105.0, 0.0, 0.0)
        );
    }

    #[test]
    fn of_equally_near_strikes_the_lower_is_named_and_all_are_listed() {
        let book = [(90.0, 5.0, 0.0), (100.0, 0.0, 0.0), (110.0, 0.0, 5.0)];
        let found = pain(&book, 105.0).unwrap();
        assert_eq!(
            (found.strike, found.ties),
            (100.0, vec![90.0, 100.0, 110.0])
        );
        assert_eq!(found.payout, 100.0);
        assert_eq!(found.gradient, 0.5, "beyond each end half of the book pays");
    }

    #[test]
    fn what_is_not_whole_ties_where_its_counts_do() {
        // In payouts 3·0.1 and 0.1 + 0.1 + 0.1 differ.
        let book = [(0.1, 0.3, 0.0), (0.2, 0.0, 0.0), (0.3, 0.0, 0.3)];
        assert_eq!(pain(&book, 0.2).unwrap().ties.len(), 3);
    }

    #[test]
    fn nothing_open_has_no_pain() {
        assert_eq!(pain(&[(100.0, 0.0, 0.0)], 100.0), None);
        assert_eq!(pain(&[], 100.0), None);
    }
}
