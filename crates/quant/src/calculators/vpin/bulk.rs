//! VPIN without signs: one-minute bars of the tape, classified in bulk by their price change.
//!
//! A bar is a minute of trade time in which something traded; it ends with the first trade of a
//! later minute, so that what is known does not depend on when the tape was read.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Params;
use crate::market::Trade;
use crate::math::bvc::{BulkBuckets, Law};
use crate::math::rolling::Moments;

const MINUTE_NS: i64 = 60_000_000_000;

/// A gap of more minutes than this is a night or a weekend, and its price change none of a bar:
/// longer than any lunch break, shorter than any night.
const LONGEST_GAP: i64 = 180;

/// The laws that bars are held against, in the order of [`Poured`].
const LAWS: [Law; 2] = [Law::Normal, Law::HEAVY];

/// The open bar, the price changes of those before it, and the buckets they filled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bulk {
    bar: Option<Bar>,
    /// Close-to-close changes of the newest complete bars in price units, oldest first.
    changes: VecDeque<i64>,
    /// `None` until the size of a bucket is known.
    poured: Option<Poured>,
}

/// Buckets by normal law, and by Student's t.
type Poured = [BulkBuckets; 2];

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bar {
    minute: i64,
    /// Close of the bar before; `None` after a gap.
    previous: Option<i64>,
    close: i64,
    volume: i64,
}

impl Bulk {
    /// Empty buckets of another size; bars and changes stay, they know no size.
    pub(super) fn restart(&mut self, size: i64, kept: usize) {
        self.poured = Some(LAWS.map(|_| BulkBuckets::new(size, kept)));
    }

    pub(super) fn fold(&mut self, trade: &Trade, params: &Params) {
        let (minute, close) = (trade.at.nanos().div_euclid(MINUTE_NS), trade.price.units());
        let volume = trade.size.units();
        // Index prints have no size.
        if volume <= 0 {
            return;
        }
        let mut previous = None;
        if let Some(bar) = &mut self.bar {
            let step = minute.saturating_sub(bar.minute);
            // A print reported late belongs to the volume and not to the close.
            if (-LONGEST_GAP..=0).contains(&step) {
                bar.volume = bar.volume.saturating_add(volume);
                if step == 0 {
                    bar.close = close;
                }
                return;
            }
            let ended = *bar;
            self.complete(ended, params);
            previous = (1..=LONGEST_GAP).contains(&step).then_some(ended.close);
        }
        self.bar = Some(Bar {
            minute,
            previous,
            close,
            volume,
        });
    }

    /// Classifies a bar by the scatter known before it. Without that it is left out: half and
    /// half would pull the value toward zero.
    fn complete(&mut self, bar: Bar, params: &Params) {
        let change = bar
            .previous
            .map(|previous| bar.close.saturating_sub(previous));
        if let (Some(sigma), Some(poured)) = (self.sigma(params.bvc_min_bars), &mut self.poured) {
            for (law, buckets) in LAWS.into_iter().zip(poured) {
                let net = law.net(bar.volume, change.unwrap_or(0) as f64, sigma);
                buckets.pour(bar.volume, net);
            }
        }
        self.changes.extend(change);
        self.shorten(params.bvc_bars);
    }

    /// Keeps the newest changes where there are more than the settings allow.
    pub(super) fn shorten(&mut self, kept: usize) {
        let surplus = self.changes.len().saturating_sub(kept);
        self.changes.drain(..surplus);
    }

    fn sigma(&self, least: usize) -> Option<f64> {
        if self.changes.len() < least {
            return None;
        }
        Moments::of(self.changes.iter().map(|change| *change as f64))?.stdev()
    }

    /// VPIN of the classified bars by the normal law and by Student's t, each in [0, 1]; `None`
    /// under n complete buckets.
    pub(super) fn vpin(&self) -> [Option<f64>; 2] {
        match &self.poured {
            Some(poured) => poured.each_ref().map(BulkBuckets::vpin),
            None => [None, None],
        }
    }

    pub(super) fn has_buckets(&self) -> bool {
        self.poured.is_some()
    }

    /// Whether this could have come of trades under these settings, with buckets of `size` units.
    pub(super) fn is_sound(&self, params: &Params, size: Option<i64>) -> bool {
        let buckets_are = |poured: &Poured| {
            let sound = |of: &BulkBuckets| of.is_sound(size.unwrap_or(0), params.buckets);
            poured.iter().all(sound)
        };
        self.bar.is_none_or(|bar| bar.volume > 0) && self.poured.as_ref().is_none_or(buckets_are)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Price, Side, Size, Timestamp};

    fn trade(second: i64, price: i64, size: i64) -> Trade {
        Trade {
            at: Timestamp::from_seconds(second),
            price: Price::from_units(price),
            size: Size::from_units(size),
            flag: Side::Unknown,
            touch: None,
            venue: None,
            conditions: crate::market::Conditions::NONE,
        }
    }

    fn folded(trades: &[(i64, i64, i64)]) -> Bulk {
        let params = Params {
            bvc_bars: 3,
            bvc_min_bars: 2,
            ..Params::default()
        };
        let mut bulk = Bulk::default();
        bulk.restart(100, 2);
        for &(second, price, size) in trades {
            bulk.fold(&trade(second, price, size), &params);
        }
        bulk
    }

    #[test]
    fn a_bar_is_classified_by_the_scatter_before_it() {
        // Changes +2 and −2: σ = √8, so the third, +4, lies √2 of them away.
        let bulk = folded(&[
            (0, 10, 1),
            (60, 12, 1),
            (120, 10, 1),
            (180, 9, 100),
            (200, 14, 100),
            (240, 14, 1),
        ]);
        let sigma = libm::sqrt(8.0);
        for (law, vpin) in LAWS.into_iter().zip(bulk.vpin()) {
            let expected = law.lean(4.0, sigma);
            assert!(
                (vpin.unwrap() - expected).abs() < 0.005,
                "{vpin:?} {expected}"
            );
        }
        assert_eq!(bulk.changes, [2, -2, 4]);
    }

    #[test]
    fn the_first_bars_and_the_open_one_are_not_classified() {
        let bulk = folded(&[(0, 10, 500), (60, 12, 500), (120, 10, 500), (180, 9, 500)]);
        assert_eq!(bulk.vpin(), [None, None]);
        assert_eq!(bulk.poured.unwrap()[0], BulkBuckets::new(100, 2));
    }

    #[test]
    fn the_window_forgets() {
        let bulk = folded(&[
            (0, 1, 1),
            (60, 2, 1),
            (120, 4, 1),
            (180, 8, 1),
            (240, 16, 1),
            (300, 0, 1),
        ]);
        assert_eq!(bulk.changes, [2, 4, 8]);
    }

    #[test]
    fn a_late_print_adds_volume_and_no_price() {
        let bulk = folded(&[(60, 10, 1), (59, 99, 7)]);
        assert_eq!(
            bulk.bar,
            Some(Bar {
                minute: 1,
                previous: None,
                close: 10,
                volume: 8,
            })
        );
    }

    #[test]
    fn a_night_has_no_change_and_a_wrong_clock_does_not_stop_the_bars() {
        let night = LONGEST_GAP * 60 + 60;
        let bulk = folded(&[
            (0, 10, 1),
            (60, 12, 1),
            (60 + night, 50, 1),
            (120 + night, 51, 1),
        ]);
        assert_eq!(bulk.changes, [2]);
        assert_eq!(bulk.bar.unwrap().previous, Some(50));
        let back = folded(&[(1 << 40, 10, 1), (0, 12, 1), (60, 13, 1)]);
        assert_eq!(back.bar.unwrap().previous, Some(12));
    }

    #[test]
    fn prints_without_size_make_no_bar() {
        assert_eq!(folded(&[(0, 10, 0)]).bar, None);
    }
}
