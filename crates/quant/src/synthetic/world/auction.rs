//! The closing auction of a stock or fund: what its feed tells in the last ten minutes, and the
//! print it ends with.

use super::draw::Draw;
use crate::market::{Imbalance, Price, Side, Size, Span, Timestamp};

/// How long before the close the feed begins, and how often it tells.
const WINDOW: Span = Span::from_millis(600_000);
const EVERY_SECONDS: i64 = 5;

/// Share of a day's volume that the auction clears, in the mean.
const SHARE: f64 = 0.07;

/// What is known of a symbol's auction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Draws of the symbol and the session.
    pub(super) draw: Draw,
    /// Shares of an ordinary day.
    pub(super) daily_volume: f64,
    /// Standard deviation of the log return of a session.
    pub(super) session_sigma: f64,
    /// Smallest step of a price.
    pub(super) tick: Price,
}

impl Terms {
    /// Whether the feed tells at an instant before a close.
    pub(super) fn tells(now: Timestamp, close: Timestamp) -> bool {
        now < close && close.since(now) <= WINDOW && now.whole_seconds() % EVERY_SECONDS == 0
    }

    /// What the feed tells at a fair price. Orders come in and mostly offset: the imbalance
    /// shrinks as the close comes near, paired shares grow.
    pub(super) fn imbalance(&self, fair: f64, now: Timestamp, close: Timestamp) -> Imbalance {
        let left = (close.since(now).seconds() / WINDOW.seconds()).clamp(0.0, 1.0);
        let moment = self.draw.part(now.whole_seconds() as u64);
        let size = SHARE * self.daily_volume * self.draw.part(1).log_normal(0.4);
        let paired = size * (1.0 - 0.6 * left);
        let one_sided = 0.15 * self.draw.part(2).normal() + 0.03 * moment.normal();
        let imbalance = size * one_sided * (0.3 + 0.7 * left);
        // The whole auction one-sided would move the price by about a session's deviation.
        let pull = self.session_sigma * imbalance / (paired + imbalance.abs()).max(1.0);
        Imbalance {
            paired: shares(paired),
            imbalance: shares(imbalance.abs()),
            side: if shares(imbalance.abs()) == Size::ZERO {
                Side::Unknown
            } else if imbalance > 0.0 {
                Side::Buy
            } else {
                Side::Sell
            },
            reference_price: Some(self.price(fair)),
            near_price: Some(self.price(fair * libm::exp(0.5 * pull))),
            far_price: Some(self.price(fair * libm::exp(pull))),
            at: now,
        }
    }

    fn price(&self, value: f64) -> Price {
        let ticks = (value / self.tick.to_f64()).round() as i64;
        crate::synthetic::ladder::ticks(ticks.max(1), self.tick)
    }
}

fn shares(count: f64) -> Size {
    crate::synthetic::ladder::size(count.round() as i64)
}
