//! Which elements of a drained trade list become trades: each print once, in spite of producers
//! that repeat themselves and lists that were trimmed or replaced under us.

use std::collections::{HashSet, VecDeque};

use quant::market::{Timestamp, Trade};
use quant::snapshot::Section;
use serde::{Deserialize, Serialize};

use crate::store::codec::{DecodedTrade, Decoder};
use crate::store::exchange::NewTrades;

/// Trade ids remembered: a whole list of them.
const IDS: usize = 1024;

/// Admits trades to the tape of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "SavedIntake", into = "SavedIntake")]
pub struct TradeIntake {
    drop_repeats: bool,
    newest: Option<Timestamp>,
    last: Option<Trade>,
    ids: HashSet<u64>,
    id_order: VecDeque<u64>,
}

/// An intake as it is saved: the set of ids follows from their order.
#[derive(Serialize, Deserialize)]
struct SavedIntake {
    drop_repeats: bool,
    newest: Option<Timestamp>,
    last: Option<Trade>,
    ids: VecDeque<u64>,
}

impl From<SavedIntake> for TradeIntake {
    fn from(saved: SavedIntake) -> Self {
        Self {
            drop_repeats: saved.drop_repeats,
            newest: saved.newest,
            last: saved.last,
            ids: saved.ids.iter().copied().collect(),
            id_order: saved.ids,
        }
    }
}

impl From<TradeIntake> for SavedIntake {
    fn from(intake: TradeIntake) -> Self {
        Self {
            drop_repeats: intake.drop_repeats,
            newest: intake.newest,
            last: intake.last,
            ids: intake.id_order,
        }
    }
}

impl TradeIntake {
    /// An intake that has seen nothing.
    pub(super) fn new(drop_repeats: bool) -> Self {
        Self {
            drop_repeats,
            newest: None,
            last: None,
            ids: HashSet::new(),
            id_order: VecDeque::new(),
        }
    }

    /// Drops repeated trades from here on, or not.
    pub(super) fn set_drop_repeats(&mut self, drop_repeats: bool) {
        self.drop_repeats = drop_repeats;
    }

    /// The trades among the elements with their place of arrival; what is bad or was seen before
    /// is counted.
    pub(super) fn admit(
        &mut self,
        new: NewTrades,
        decoder: &mut Decoder<'_>,
    ) -> Vec<(usize, Trade)> {
        let section = Section::Trades;
        if new.wrong_type {
            decoder.bad.count(section, "wrong_type");
        }
        if new.gap {
            decoder.bad.count(section, "gap");
        }
        // A newest time ahead of now is of a clock that was stepped back since.
        let newest = self.newest.map(|newest| newest.min(decoder.received));
        let seen_up_to = newest.filter(|_| new.gap);
        let mut trades = Vec::with_capacity(new.elements.len());
        for (arrival, element) in new.elements.iter().enumerate() {
            let Some(DecodedTrade { trade, id }) = decoder.trade(element) else {
                continue;
            };
            if id.is_some_and(|id| !self.remember(id)) {
                decoder.bad.count(section, "repeated_id");
                continue;
            }
            // After a gap nothing tells a trade of an older list from a new one but its time.
            if id.is_none() && seen_up_to.is_some_and(|newest| trade.at <= newest) {
                decoder.bad.count(section, "seen_before");
                continue;
            }
            let repeats = self.last.replace(trade) == Some(trade);
            if self.drop_repeats && id.is_none() && repeats {
                decoder.bad.count(section, "repeat");
                continue;
            }
            self.newest = self.newest.max(Some(trade.at));
            trades.push((arrival, trade));
        }
        trades
    }

    fn remember(&mut self, id: u64) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.id_order.push_back(id);
        if self.id_order.len() > IDS
            && let Some(oldest) = self.id_order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::{BadInput, Rules};

    fn admit(intake: &mut TradeIntake, elements: &[&str], gap: bool) -> (usize, Vec<String>) {
        let mut bad = BadInput::default();
        let new = NewTrades {
            elements: elements
                .iter()
                .map(|text| text.to_string().into())
                .collect(),
            gap,
            wrong_type: false,
        };
        let trades = intake.admit(
            new,
            &mut Decoder {
                rules: &Rules::default(),
                received: Timestamp::from_seconds(1_800_000_000),
                bad: &mut bad,
            },
        );
        let reasons = bad.iter().map(|(_, reason, n)| format!("{reason}={n}"));
        (trades.len(), reasons.collect())
    }

    fn trade(time: u32) -> String {
        format!(r#"{{"p":10,"s":1,"ts":{}}}"#, 1_700_000_000 + time)
    }

    #[test]
    fn an_id_is_taken_once() {
        let mut intake = TradeIntake::new(false);
        let with_id = r#"{"p":10,"s":1,"ts":1700000000,"id":7}"#;
        let other = r#"{"p":10,"s":1,"ts":1700000000,"id":8}"#;
        let (taken, bad) = admit(&mut intake, &[with_id, other, with_id], false);
        assert_eq!((taken, bad), (2, vec!["repeated_id=1".to_owned()]));
    }

    #[test]
    fn equal_prints_are_two_trades_unless_repeats_are_dropped() {
        let (first, second) = (trade(0), trade(1));
        let elements = [first.as_str(), &first, &second];
        assert_eq!(admit(&mut TradeIntake::new(false), &elements, false).0, 3);
        let (taken, bad) = admit(&mut TradeIntake::new(true), &elements, false);
        assert_eq!((taken, bad), (2, vec!["repeat=1".to_owned()]));
    }

    #[test]
    fn after_a_gap_only_later_trades_are_new() {
        let mut intake = TradeIntake::new(false);
        admit(&mut intake, &[&trade(5)], false);
        let (old, same, new) = (trade(4), trade(5), trade(6));
        let (taken, bad) = admit(&mut intake, &[&old, &same, &new], true);
        assert_eq!(taken, 1);
        assert_eq!(bad, ["gap=1", "seen_before=2"]);
    }

    #[test]
    fn one_bad_element_costs_itself() {
        let good = trade(0);
        let (taken, bad) = admit(&mut TradeIntake::new(false), &["{", &good, "[]"], false);
        assert_eq!((taken, bad), (1, vec!["bad_json=2".to_owned()]));
    }
}
