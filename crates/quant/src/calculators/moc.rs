//! Market on close: how one-sided the closing auction is, told by its feed or estimated.
//!
//! The estimate projects the pace of the last hour to the close, takes the book's imbalance for
//! the side and share of it, and lets gamma hedging add to it. It is a guess until a feed of the
//! auction takes its place: New York tells from 15:50, Nasdaq early from 15:50 and all from 15:55.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{gex, obi};
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::flow;
use crate::market::signing::Side;
use crate::market::{Bar, Imbalance, Price, Quote, Span, Timestamp, size_sum_to_f64};
use crate::math::auction::{self, Auction, Inputs};
use crate::snapshot::{Discovered, Latest, SessionClose};

/// One-minute bars behind the pace.
const BARS: usize = 60;
/// Share of one-sided volume below which neither side has more.
const FLAT: f64 = 0.05;

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Minutes before the close from which there is a value.
    pub window_minutes: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            window_minutes: 60.0,
        }
    }
}

/// The document. Money is in units of the currency. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// `auction_feed` or `estimate`.
    pub source: Option<Source>,
    /// Money that finds no other side, at least 0.
    pub imbalance_total: Option<f64>,
    /// `imbalance_total` over all of the auction's money, 0 to 1; null where there is none.
    pub imbalance_ratio: Option<f64>,
    /// Which side is too many: `BUY`, `SELL`, `FLAT`.
    pub imbalance_side: Option<ImbalanceSide>,
    /// Money that is matched.
    pub imbalance_paired: Option<f64>,
    /// Where it would clear: the feed's near price, else its far one; of an estimate the mid
    /// weighted toward the thinner side of the book, null where that is not known.
    pub indicative_price: Option<f64>,
    /// It over the mid, basis points.
    pub near_close_offset_bps: Option<f64>,
    /// Shares still traded until the close at the pace of the last 60 minute bars.
    pub projected_volume_shares: Option<f64>,
    /// Shares traded in those bars.
    pub window_volume_shares: Option<f64>,
    /// Minutes to the close.
    pub minutes_to_close: Option<f64>,
    /// Imbalance of five levels of the book, −1 to 1.
    pub level5_imbalance: Option<f64>,
    /// What hedging adds, 1 to 1.375: 1 + 0.25 for each billion of gamma exposure per 1 %, at most
    /// one and a half of them. Null where gamma is not known, and the total then without it.
    pub gamma_factor: Option<f64>,
    /// Imbalance over paired shares, above 0 to buy; null without a feed or pairs.
    pub imbalance_signed_to_paired: Option<f64>,
    /// Imbalance over all shares of the auction, −1 to 1; null without a feed.
    pub imbalance_share: Option<f64>,
    /// Imbalance in percent of average daily volume, above 0 to buy; null without a feed.
    pub imbalance_pct_adv: Option<f64>,
    /// The feed's near price over its reference price, basis points.
    pub near_vs_reference_bps: Option<f64>,
    /// Its far price over its reference price, basis points.
    pub far_vs_reference_bps: Option<f64>,
}

/// Where an imbalance comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The auction's own feed.
    AuctionFeed,
    /// Reckoned from volume, book and gamma.
    Estimate,
}

/// Which side is too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ImbalanceSide {
    /// Buyers.
    Buy,
    /// Sellers.
    Sell,
    /// Neither.
    Flat,
}

/// The closing imbalance of one symbol.
pub struct Moc {
    params: Params,
    counted: Counted,
}

/// What an estimate is made from.
type Market<'a> = (
    Result<&'a Quote, NoValue>,
    Result<&'a [Bar], NoValue>,
    Latest<'a, obi::Obi>,
    Latest<'a, gex::Gex>,
);

impl Calculator for Moc {
    const NAME: &'static str = "moc";
    const KEY: &'static str = "metric:moc";
    const ABOUT: &'static str = "Market on close: how one-sided the closing auction is, told by \
        its feed or estimated.";
    const JOB: Job = Job::Moc;
    type Params = Params;
    type Input<'a> = (
        SessionClose,
        &'a Discovered,
        Option<&'a Imbalance>,
        Market<'a>,
    );
    type Payload = Payload;
    type State = ();

    fn new(params: Params, (): ()) -> Result<Self, String> {
        let is = params.window_minutes;
        if !(is > 0.0 && is <= 1_440.0) {
            return Err(format!(
                "window_minutes: must be above 0, 1440 at most (is {is})"
            ));
        }
        Ok(Self {
            params,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(
        &mut self,
        (SessionClose(close), discovered, feed, market): Self::Input<'_>,
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let close = close.ok_or(NoValue::Undefined("the calendar knows no close"))?;
        let minutes = close.since(now).seconds() / 60.0;
        if !(minutes > 0.0 && minutes <= self.params.window_minutes) {
            return Err(NoValue::Undefined("not within window_minutes of the close"));
        }
        let estimate = estimate(&market, minutes, now);
        let bars = market.1.map_or(0, |bars| bars.len().min(BARS));
        self.counted.used = bars as u64;
        let adv = discovered.average_daily_volume;
        let adv = adv.map(|adv| adv.to_f64());
        match feed {
            // What the estimate knows besides stays beside what the feed tells.
            Some(feed) => told(
                feed,
                adv,
                market.0.ok(),
                estimate.unwrap_or_default(),
                minutes,
            ),
            None => estimate,
        }
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(_: Status) -> Payload {
        Payload::default()
    }
}

fn mid_of(quote: &Quote) -> Option<f64> {
    flow::mid(quote.touch()?)
}

/// Volume of the last hour of bars. Of a minute that is there twice the later one counts; where bars
/// reach back less than an hour, and half of one at least, what they hold is taken for the hour's rate.
fn hourly_volume(bars: &[Bar], now: Timestamp) -> Result<f64, NoValue> {
    let from = now.minus(Span::from_seconds(3_600.0));
    let mut minutes: BTreeMap<Timestamp, i64> = BTreeMap::new();
    for bar in bars
        .iter()
        .filter(|bar| bar.start >= from && bar.start <= now)
    {
        minutes.insert(bar.start, bar.volume.units());
    }
    let oldest = bars.iter().map(|bar| bar.start).min().unwrap_or(now);
    let covered = now.since(oldest.max(from)).seconds() / 60.0;
    if covered < BARS as f64 / 2.0 {
        return Err(NoValue::Warming {
            unit: "minutes of bars",
            have: covered.max(0.0) as usize,
            need: BARS / 2,
        });
    }
    let volume = minutes.into_values().map(i128::from).sum();
    Ok(size_sum_to_f64(volume) * BARS as f64 / covered)
}

fn estimate(
    (quote, bars, obi, gex): &Market<'_>,
    minutes: f64,
    now: Timestamp,
) -> Result<Payload, NoValue> {
    let (quote, bars) = ((*quote)?, (*bars)?);
    let mid = mid_of(quote).ok_or(NoValue::Undefined("no regular quote"))?;
    let book = obi.payload;
    let level5_imbalance = book
        .and_then(|book| book.level5_imbalance)
        .ok_or(NoValue::Undefined("the book's imbalance has no value"))?;
    let gamma = gex
        .payload
        .and_then(|gex| Some(gex.gex_usd_per_1pct?.unsigned));
    let window_volume = hourly_volume(bars, now)?;
    let inputs = Inputs {
        window_volume,
        minutes_to_close: minutes,
        level5_imbalance,
        gex_per_1pct: gamma.unwrap_or(0.0),
        mid,
    };
    let estimate = inputs
        .estimate()
        .ok_or(NoValue::Undefined("the bars' volumes are no volumes"))?;
    let indicative = book.and_then(|book| book.micro_price);
    Ok(Payload {
        source: Some(Source::Estimate),
        imbalance_total: Some(estimate.total),
        imbalance_ratio: auction::imbalance_ratio(estimate.total, estimate.paired),
        imbalance_side: Some(if estimate.strength < FLAT {
            ImbalanceSide::Flat
        } else if level5_imbalance > 0.0 {
            ImbalanceSide::Buy
        } else {
            ImbalanceSide::Sell
        }),
        imbalance_paired: Some(estimate.paired),
        indicative_price: indicative,
        near_close_offset_bps: indicative.and_then(|price| auction::offset_bps(price, mid)),
        projected_volume_shares: Some(estimate.projected_volume),
        window_volume_shares: Some(inputs.window_volume),
        minutes_to_close: Some(minutes),
        level5_imbalance: Some(level5_imbalance),
        gamma_factor: gamma.map(|_| estimate.gamma_factor),
        ..Payload::default()
    })
}

/// What a feed tells; `beside` is the estimate, as far as there is one.
fn told(
    feed: &Imbalance,
    average_daily_volume: Option<f64>,
    quote: Option<&Quote>,
    beside: Payload,
    minutes: f64,
) -> Result<Payload, NoValue> {
    let price = |price: Option<Price>| Some(price?.to_f64()).filter(|price| *price > 0.0);
    let (paired, unmatched) = (feed.paired.to_f64(), feed.imbalance.to_f64());
    if paired < 0.0 || unmatched < 0.0 {
        return Err(NoValue::Undefined("the feed's shares are below zero"));
    }
    let sign = f64::from(flow::sign(feed.side).unwrap_or(0));
    let auction = Auction {
        paired,
        signed_imbalance: sign * unmatched,
        reference: price(feed.reference_price),
        near: price(feed.near_price),
        far: price(feed.far_price),
        average_daily_volume,
    };
    let measures = auction.measures();
    let mid = quote.and_then(mid_of);
    let reckoned_at = auction.reference.or(mid);
    let total = reckoned_at.map(|price| unmatched * price);
    let paired = reckoned_at.map(|price| paired * price);
    let indicative = auction.near.or(auction.far);
    let side = match feed.side {
        Side::Buy if unmatched > 0.0 => ImbalanceSide::Buy,
        Side::Sell if unmatched > 0.0 => ImbalanceSide::Sell,
        Side::Buy | Side::Sell | Side::Unknown => ImbalanceSide::Flat,
    };
    let both = total.zip(paired);
    Ok(Payload {
        source: Some(Source::AuctionFeed),
        imbalance_total: total,
        imbalance_ratio: both.and_then(|(total, paired)| auction::imbalance_ratio(total, paired)),
        imbalance_side: Some(side),
        imbalance_paired: paired,
        indicative_price: indicative,
        near_close_offset_bps: indicative
            .zip(mid)
            .and_then(|(price, mid)| auction::offset_bps(price, mid)),
        minutes_to_close: Some(minutes),
        imbalance_signed_to_paired: measures.signed_to_paired,
        imbalance_share: measures.share_of_auction,
        imbalance_pct_adv: measures.pct_adv,
        near_vs_reference_bps: measures.near_vs_reference_bps,
        far_vs_reference_bps: measures.far_vs_reference_bps,
        ..beside
    })
}
