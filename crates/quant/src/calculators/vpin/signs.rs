//! How VPIN's buckets account for the signs of trades: what decided them, and by which quotes.

use super::{QuoteShares, SignSource};
use crate::market::{QuoteSource, Rule, Side, SignedBy, SignedTrade};
use crate::math::volume_buckets::{KINDS, Print};

const SIGNED_BY: [SignedBy; 4] = [
    SignedBy::Flag,
    SignedBy::Quote,
    SignedBy::Tick,
    SignedBy::None,
];
const QUOTES: usize = 3;

/// A trade as the buckets account for it: what signed it and where its quote came from.
pub(super) fn print_of(signed: &SignedTrade) -> Print {
    let by = match signed.signed_by {
        SignedBy::Flag => 0,
        SignedBy::Quote => 1,
        SignedBy::Tick => 2,
        SignedBy::None => 3,
    };
    let quote = match signed.quote_source {
        QuoteSource::Trade => 0,
        QuoteSource::Observed => 1,
        QuoteSource::None => 2,
    };
    Print {
        at_ns: signed.trade.at.nanos(),
        size: signed.trade.size.units(),
        sign: match signed.side {
            Side::Buy => 1,
            Side::Sell => -1,
            Side::Unknown => 0,
        },
        kind: by * QUOTES as u8 + quote,
    }
}

pub(super) struct Shares {
    pub(super) classified: f64,
    flagged: bool,
    ruled: bool,
    pub(super) quotes: QuoteShares,
}

impl Shares {
    pub(super) fn of(by_kind: &[i128; KINDS]) -> Self {
        let total: i128 = by_kind.iter().sum();
        let signed_by = |by: SignedBy| -> i128 {
            let at = SIGNED_BY.iter().position(|other| *other == by);
            let first = at.expect("every kind is listed") * QUOTES;
            by_kind[first..first + QUOTES].iter().sum()
        };
        let quoted = |from: usize| -> f64 {
            let volume: i128 = by_kind.iter().skip(from).step_by(QUOTES).sum();
            volume as f64 / total as f64
        };
        Self {
            classified: (total - signed_by(SignedBy::None)) as f64 / total as f64,
            flagged: signed_by(SignedBy::Flag) > 0,
            ruled: signed_by(SignedBy::Quote) + signed_by(SignedBy::Tick) > 0,
            quotes: QuoteShares {
                trade: quoted(0),
                observed: quoted(1),
                none: quoted(2),
            },
        }
    }

    pub(super) fn sign_source(&self, rule: Rule) -> SignSource {
        match rule {
            Rule::Auto => match (self.flagged, self.ruled) {
                (true, true) => SignSource::Mixed,
                (true, false) => SignSource::Aggressor,
                (false, _) => SignSource::LeeReady,
            },
            Rule::LeeReady => SignSource::LeeReady,
            Rule::Quote => SignSource::Quote,
            Rule::Tick => SignSource::Tick,
            Rule::Emo => SignSource::Emo,
            Rule::Clnv => SignSource::Clnv,
        }
    }
}
