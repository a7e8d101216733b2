//! Who is taken to have made a trade: an institution or a retail customer, by size, venue, company
//! and patience.
//!
//! A guess from what is public, not an identification: algorithms slice large orders, and most
//! off-exchange prints are internalised retail orders (Boehmer, Jones, Zhang & Zhang, Journal of
//! Finance 76, 2021). The score of a trade is +2 from the institutional size on, +1 off exchange,
//! +1 in a cluster of its side, +1 where it is large and waited inside the quote, −1 where it is
//! small and took it. Two and more is institutional, nothing or less retail; one is institutional
//! from three quarters of the institutional size, and below that nobody's.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Counted, NoValue, Status};
use crate::flow::{self, Flow, Sides};
use crate::market::signing::Side;
use crate::market::{SignedTrade, Span};
use crate::math::sum::Sum;
use crate::snapshot::{Section, Tape};

/// Recent trades that are classified.
const WINDOW: usize = 200;
/// Part of the institutional size from which a score of one is institutional.
const BORDERLINE: f64 = 0.75;

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Money from which a print is of institutional size.
    pub institutional_notional: f64,
    /// Money from which one that did not take the quote is a patient institution's.
    pub passive_notional: f64,
    /// Money up to which one that took the quote is a retail customer's.
    pub retail_notional: f64,
    /// Milliseconds within which prints of one side make a cluster.
    pub cluster_window_ms: u64,
    /// Fewest of them.
    pub cluster_min: usize,
    /// Names of venues that are off exchange, upper or lower case.
    pub off_exchange_venues: Vec<String>,
}

impl Default for Params {
    fn default() -> Self {
        let venues = ["D", "TRF", "FINRA", "ADF", "XADF", "ATS", "DARK", "XOFF"];
        Self {
            institutional_notional: 100_000.0,
            passive_notional: 50_000.0,
            retail_notional: 20_000.0,
            cluster_window_ms: 350,
            cluster_min: 3,
            off_exchange_venues: venues.map(str::to_owned).to_vec(),
        }
    }
}

impl Params {
    /// Whether they can be used; an error names each setting that cannot.
    pub fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        for (name, is) in [
            ("institutional_notional", self.institutional_notional),
            ("passive_notional", self.passive_notional),
            ("retail_notional", self.retail_notional),
        ] {
            if !(is > 0.0 && is <= 1e15) {
                wrong.push(format!("{name}: must be above 0, 1e15 at most (is {is})"));
            }
        }
        if self.cluster_window_ms > 60_000 {
            let is = self.cluster_window_ms;
            wrong.push(format!("cluster_window_ms: must be 0 to 60000 (is {is})"));
        }
        if !(2..=WINDOW).contains(&self.cluster_min) {
            let is = self.cluster_min;
            wrong.push(format!("cluster_min: must be 2 to {WINDOW} (is {is})"));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }
}

/// Who is taken to have made a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Participant {
    /// An institution.
    Institution,
    /// A retail customer.
    Retail,
}

/// What the document of one participant says. Everything but `value` and `status` is null unless
/// `meta.status` is `ok`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload<S> {
    /// Its share of the classified notional, 0 to 1; with the other participant's it adds up to 1.
    /// 0.5 unless `meta.status` is `ok`.
    pub value: f64,
    /// Money in its trades.
    pub notional: Option<f64>,
    /// Its trades.
    pub trade_count: Option<u64>,
    /// Money in all trades, those that are nobody's too.
    pub total_notional: Option<f64>,
    /// Its trades that stand in a cluster of one side.
    pub cluster_trades: Option<u64>,
    /// Its trades by what spoke for it.
    pub signals: Option<S>,
    /// |bought − sold| / (bought + sold) of its trades by volume, 0 to 1; null where no side is
    /// known.
    pub aggressor_ratio: Option<f64>,
    /// `ok`, `no_trades` where there is none, `unclassified` where all are nobody's.
    pub status: Option<FlowStatus>,
}

/// What the trades tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowStatus {
    /// Some are somebody's.
    Ok,
    /// There is no trade.
    NoTrades,
    /// No trade is anybody's.
    Unclassified,
    /// Those that are somebody's are of no money: never now that prints without a price or a size
    /// are left out, but readers know the word.
    NoNotional,
}

/// What is known of a trade.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    notional: f64,
    off_exchange: bool,
    in_cluster: bool,
    /// Whether it took the quote; `None` where no regular quote is known.
    crossed: Option<bool>,
}

/// The trades of one participant.
#[derive(Clone, Debug, Default)]
pub struct Share {
    prints: Vec<Print>,
    sides: Sides,
}

/// The classification of a window of trades.
#[derive(Clone, Debug)]
pub struct Participants {
    institution: Share,
    retail: Share,
    total_notional: f64,
    /// What was used and left out.
    pub counted: Counted,
}

impl Participants {
    /// Of the newest trades of a tape; no value where they are too old, or nobody's.
    pub fn of_tape(tape: Tape<'_>, params: &Params) -> Result<Self, NoValue> {
        tape.fresh()?;
        let flow = Flow::last(tape, WINDOW);
        if flow.trades.is_empty() {
            return Err(NoValue::Missing(Section::Trades));
        }
        let all = Self::of(&flow, params);
        if all.institution.prints.is_empty() && all.retail.prints.is_empty() {
            return Err(NoValue::Undefined("no trade can be told to be anybody's"));
        }
        if all.institution.notional() + all.retail.notional() <= 0.0 {
            return Err(NoValue::Undefined("the trades are of no money"));
        }
        Ok(all)
    }

    /// Of trades in the order of time.
    pub fn of(flow: &Flow<'_>, params: &Params) -> Self {
        let clusters = clusters(&flow.trades, params);
        let (mut institution, mut retail) = (Share::default(), Share::default());
        let mut total = Sum::default();
        let mut counted = flow.counted.clone();
        for (signed, in_cluster) in flow.trades.iter().zip(clusters) {
            let print = Print::of(signed, in_cluster, params);
            total.add(print.notional);
            match print.participant(params) {
                Some(Participant::Institution) => institution.add(print, signed),
                Some(Participant::Retail) => retail.add(print, signed),
                None => *counted.dropped.entry("unclassified").or_default() += 1,
            }
        }
        counted.used = (institution.prints.len() + retail.prints.len()) as u64;
        Self {
            institution,
            retail,
            total_notional: total.value(),
            counted,
        }
    }

    /// Institutions' share of the classified money, 0 to 1; 0.5 without any.
    pub fn institutional_share(&self) -> f64 {
        let (one, other) = (self.institution.notional(), self.retail.notional());
        let classified = one + other;
        if classified > 0.0 {
            one / classified
        } else {
            0.5
        }
    }

    /// The document of institutions, with their signals.
    pub fn institution<S>(&self, signals: impl Fn(&Share) -> S) -> Payload<S> {
        self.payload(&self.institution, self.institutional_share(), signals)
    }

    /// The document of retail customers, with their signals. The two values are one number and the
    /// rest to 1, so that they add up to 1 to the last bit.
    pub fn retail<S>(&self, signals: impl Fn(&Share) -> S) -> Payload<S> {
        self.payload(&self.retail, 1.0 - self.institutional_share(), signals)
    }

    fn payload<S>(&self, share: &Share, value: f64, signals: impl Fn(&Share) -> S) -> Payload<S> {
        let imbalance = crate::math::book::imbalance(share.sides.buy, share.sides.sell);
        Payload {
            value,
            notional: Some(share.notional()),
            trade_count: Some(share.prints.len() as u64),
            total_notional: Some(self.total_notional),
            cluster_trades: Some(share.in_cluster()),
            signals: Some(signals(share)),
            aggressor_ratio: imbalance.map(f64::abs),
            status: Some(FlowStatus::Ok),
        }
    }
}

impl<S> Payload<S> {
    /// The neutral document where there is no value.
    pub fn absent(status: Status) -> Self {
        Self {
            value: 0.5,
            notional: None,
            trade_count: None,
            total_notional: None,
            cluster_trades: None,
            signals: None,
            aggressor_ratio: None,
            status: match status {
                Status::Missing => Some(FlowStatus::NoTrades),
                Status::Undefined => Some(FlowStatus::Unclassified),
                Status::Ok | Status::Stale | Status::Warming | Status::Busy | Status::Error => None,
            },
        }
    }
}

impl Print {
    fn of(signed: &SignedTrade, in_cluster: bool, params: &Params) -> Self {
        let quoted = signed.trade.touch.filter(|touch| touch.is_regular());
        let venue = signed.trade.venue;
        Self {
            notional: flow::notional(signed),
            off_exchange: venue.is_some_and(|venue| {
                let mut names = params.off_exchange_venues.iter();
                names.any(|name| name.eq_ignore_ascii_case(venue.as_str()))
            }),
            in_cluster,
            crossed: quoted.map(|_| flow::crossed(signed, 0.0) != Side::Unknown),
        }
    }

    fn participant(&self, params: &Params) -> Option<Participant> {
        match self.score(params) {
            2.. => Some(Participant::Institution),
            ..=0 => Some(Participant::Retail),
            1 => (self.notional >= BORDERLINE * params.institutional_notional)
                .then_some(Participant::Institution),
        }
    }

    fn score(&self, params: &Params) -> i32 {
        2 * i32::from(self.is_large(params))
            + i32::from(self.off_exchange)
            + i32::from(self.in_cluster)
            + i32::from(self.is_passive(params))
            - i32::from(self.is_retail_take(params))
    }

    fn is_large(&self, params: &Params) -> bool {
        self.notional >= params.institutional_notional
    }

    fn is_passive(&self, params: &Params) -> bool {
        self.crossed == Some(false) && self.notional >= params.passive_notional
    }

    fn is_retail_take(&self, params: &Params) -> bool {
        self.crossed == Some(true) && self.notional <= params.retail_notional
    }
}

impl Share {
    fn add(&mut self, print: Print, signed: &SignedTrade) {
        self.prints.push(print);
        self.sides.add(signed.side, signed.trade.size);
    }

    fn notional(&self) -> f64 {
        let notionals = self.prints.iter().map(|print| print.notional);
        notionals.collect::<Sum>().value()
    }

    fn count(&self, of: impl Fn(&Print) -> bool) -> u64 {
        self.prints.iter().filter(|print| of(print)).count() as u64
    }

    /// Trades of institutional size.
    pub fn large(&self, params: &Params) -> u64 {
        self.count(|print| print.is_large(params))
    }

    /// Trades up to the retail size.
    pub fn small(&self, params: &Params) -> u64 {
        self.count(|print| print.notional <= params.retail_notional)
    }

    /// Trades off exchange.
    pub fn off_exchange(&self) -> u64 {
        self.count(|print| print.off_exchange)
    }

    /// Trades in a cluster.
    pub fn in_cluster(&self) -> u64 {
        self.count(|print| print.in_cluster)
    }

    /// Trades that are large and waited inside the quote.
    pub fn passive(&self, params: &Params) -> u64 {
        self.count(|print| print.is_passive(params))
    }

    /// Trades at or through the quote.
    pub fn aggressive(&self) -> u64 {
        self.count(|print| print.crossed == Some(true))
    }
}

/// For each trade whether it is one of enough trades of its side within the window. Trades of
/// unknown side are in none.
fn clusters(trades: &[&SignedTrade], params: &Params) -> Vec<bool> {
    let window = Span::from_millis(i64::try_from(params.cluster_window_ms).unwrap_or(i64::MAX));
    let mut clustered = vec![false; trades.len()];
    for side in [Side::Buy, Side::Sell] {
        let of_side: Vec<usize> = (0..trades.len())
            .filter(|at| trades[*at].side == side)
            .collect();
        for run in of_side.windows(params.cluster_min) {
            let (first, last) = (run[0], run[run.len() - 1]);
            if trades[last].trade.at.since(trades[first].trade.at) <= window {
                run.iter().for_each(|at| clustered[*at] = true);
            }
        }
    }
    clustered
}
