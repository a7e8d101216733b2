//! What expires when: rules such as "the last Tuesday of the month, since September 2025", and
//! the dates they make on a calendar. A holiday moves an expiry to the previous session.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use super::exchange::MAX_CLOSURE_DAYS;
use super::{Exchange, Settlement};

/// A date on which options of a product expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry<'a> {
    /// The date in the exchange's zone, holidays heeded.
    pub date: NaiveDate,
    /// The root of the series: SPX or SPXW.
    pub root: &'a str,
    /// How often such an expiry comes round.
    pub kind: ExpiryKind,
    /// Which prints it settles on.
    pub settlement: Settlement,
    /// The date that the rule names: another than `date` where that is a holiday.
    pub nominal: NaiveDate,
    /// The calendar does not cover a date that decides, so that a holiday may still move it.
    pub provisional: bool,
}

/// How often an expiry comes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryKind {
    /// Once a month, quarterly and yearly series included.
    Monthly,
    /// On one weekday of every week.
    Weekly,
    /// On the other weekdays.
    Daily,
}

/// A rule that names dates. It holds for those from `from` until before `until`.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// `None` is the product's own name.
    pub(super) root: Option<String>,
    pub(super) kind: ExpiryKind,
    pub(super) on: On,
    pub(super) settlement: Settlement,
    pub(super) from: NaiveDate,
    pub(super) until: NaiveDate,
    /// Also in the week of a monthly expiry, where it is a weekly.
    pub(super) every_week: bool,
    /// A holiday moves it to the next session.
    pub(super) next: bool,
}

/// Some days before a weekday of the month.
#[derive(Clone, Copy, Debug)]
pub(super) struct On {
    pub(super) days_before: u64,
    pub(super) which: Which,
    pub(super) weekday: Weekday,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    Every,
    /// 1 is the first.
    Nth(u32),
    Last,
}

/// The expiries from `from` to `to`, both included, by date; on one date in the order of the rules.
pub(super) fn expiries<'a>(
    rules: &'a [Rule],
    name: &'a str,
    exchange: &Exchange,
    from: NaiveDate,
    to: NaiveDate,
) -> Vec<Expiry<'a>> {
    // A closure may move an expiry in or out of the range.
    let margin = Days::new(u64::from(MAX_CLOSURE_DAYS));
    let first = from.checked_sub_days(margin).unwrap_or(NaiveDate::MIN);
    let last = to.checked_add_days(margin).unwrap_or(NaiveDate::MAX);

    let mut expiries = Vec::new();
    for nominal in first.iter_days().take_while(|&nominal| nominal <= last) {
        for rule in rules.iter().filter(|rule| rule.names(nominal)) {
            if rule.gives_way(rules, nominal) {
                continue;
            }
            let Some(date) = rule.moved(exchange, nominal) else {
                continue;
            };
            let expiry = Expiry {
                date,
                root: rule.root.as_deref().unwrap_or(name),
                kind: rule.kind,
                settlement: rule.settlement,
                nominal,
                provisional: exchange.is_provisional(date)
                    || exchange.is_provisional(rule.on.anchor(nominal).unwrap_or(nominal)),
            };
            if (from..=to).contains(&date) {
                expiries.push(expiry);
            }
        }
    }
    // By kind within a date and root, so that of several a monthly stays.
    expiries.sort_by_key(|expiry| (expiry.date, rank(rules, name, expiry.root), expiry.kind));
    expiries.dedup_by_key(|expiry| (expiry.date, expiry.root));
    expiries
}

/// The place of a root's first rule.
fn rank(rules: &[Rule], name: &str, root: &str) -> Option<usize> {
    let of_root = |rule: &Rule| rule.root.as_deref().unwrap_or(name) == root;
    rules.iter().position(of_root)
}

impl Rule {
    fn names(&self, nominal: NaiveDate) -> bool {
        (self.from..self.until).contains(&nominal)
            && self.on.anchor(nominal).is_some_and(|a| self.on.falls_on(a))
    }

    /// Whether a monthly expiry takes the place of this weekly one.
    fn gives_way(&self, rules: &[Rule], nominal: NaiveDate) -> bool {
        if self.kind != ExpiryKind::Weekly || self.every_week {
            return false;
        }
        let week = nominal.week(Weekday::Mon);
        let (Some(monday), Some(sunday)) = (week.checked_first_day(), week.checked_last_day())
        else {
            return false;
        };
        let mut monthlies = rules.iter().filter(|r| r.kind == ExpiryKind::Monthly);
        monthlies.any(|rule| {
            let mut days = monday.iter_days().take_while(|&day| day <= sunday);
            days.any(|day| rule.names(day))
        })
    }

    /// The date after holidays, its own and that of the day it is reckoned from.
    fn moved(&self, exchange: &Exchange, nominal: NaiveDate) -> Option<NaiveDate> {
        let anchor = self.on.anchor(nominal)?;
        if exchange.takes_expiries(nominal) && exchange.takes_expiries(anchor) {
            return Some(nominal);
        }
        let mut date = nominal;
        for _ in 0..MAX_CLOSURE_DAYS {
            date = if self.next {
                date.succ_opt()?
            } else {
                date.pred_opt()?
            };
            if exchange.takes_expiries(date) {
                return Some(date);
            }
        }
        None
    }
}

impl On {
    /// The day that the named date is reckoned from.
    fn anchor(self, nominal: NaiveDate) -> Option<NaiveDate> {
        nominal.checked_add_days(Days::new(self.days_before))
    }

    fn falls_on(self, anchor: NaiveDate) -> bool {
        anchor.weekday() == self.weekday
            && match self.which {
                Which::Every => true,
                Which::Nth(n) => anchor.day0() / 7 + 1 == n,
                Which::Last => anchor
                    .checked_add_days(Days::new(7))
                    .is_none_or(|next| next.month() != anchor.month()),
            }
    }
}

#[cfg(test)]
mod tests;
