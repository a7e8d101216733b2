//! What comes by channel, handed to each symbol with what is read of it. A pass waits for no
//! message: what is there is taken, the rest is for the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use quant::market::Timestamp;
use quant::snapshot::Section;

use super::plan::Jobs;
use super::{CHAINS_A_PASS, Engine};
use crate::store::codec::BadInput;
use crate::store::exchange::{Fetched, Gathered};
use crate::store::inbox::{Counts, Inbox, PerChannel};
use crate::telemetry;

/// The family of messages among bad input.
const FAMILY: &str = "channels";

/// What was said of a symbol's chain before the keys were read.
#[derive(Clone, Copy, Default)]
pub(super) struct Told {
    /// How often that there is a new one.
    pub(super) messages: u64,
    /// Whether it is read for that.
    pub(super) read: bool,
}

/// The channels as the engine reads them.
pub(super) struct Listening {
    inbox: Arc<Inbox>,
    /// Whether the inbox was told which symbols there are.
    follows: bool,
    /// What was reported so far.
    reported: BTreeMap<&'static str, Counts>,
}

impl Listening {
    /// A symbol had its messages, and these of them were malformed.
    pub(super) fn turned(&self, handed: PerChannel, malformed: PerChannel) {
        if handed != PerChannel::default() {
            self.inbox.lock().turned(handed, malformed);
        }
    }
}

impl Engine {
    /// Takes messages from an inbox from here on.
    pub fn listen(&mut self, inbox: Arc<Inbox>) {
        self.listening = Some(Listening {
            inbox,
            follows: false,
            reported: BTreeMap::new(),
        });
    }

    /// Whether messages of other symbols are let go already, where there are any.
    pub(super) fn follows(&self) -> bool {
        self.listening
            .as_ref()
            .is_none_or(|listening| listening.follows)
    }

    /// Messages of other symbols than there are now are let go.
    pub(super) fn follow(&mut self) {
        if let Some(listening) = &mut self.listening {
            let symbols = self.slots.iter().map(|slot| slot.symbol.clone());
            listening.inbox.lock().follow(symbols.collect());
            listening.follows = true;
        }
    }

    /// Up to where prints may be taken once the lists are read: a producer writes the list first,
    /// so a print that is here by now is in the list by then, where there is one.
    pub(super) fn mark(&self) -> u64 {
        let listening = self.listening.as_ref();
        listening.map_or(0, |listening| listening.inbox.lock().mark())
    }

    /// Which of the chosen were told to have a new chain, as far as this pass can read it.
    pub(super) fn told(&self, chosen: &[(usize, Jobs, NaiveDate)]) -> Vec<Told> {
        let Some(listening) = &self.listening else {
            return vec![Told::default(); chosen.len()];
        };
        let needs = |due: &Jobs| self.setup.needs(*due, Section::Chain);
        let planned = chosen.iter().filter(|(_, due, _)| needs(due)).count();
        let mut room = CHAINS_A_PASS.saturating_sub(planned);
        let waiting = listening.inbox.lock();
        let told = |(at, due, _): &(usize, Jobs, NaiveDate)| {
            let messages = waiting.told(&self.slots[*at].symbol);
            let read = messages > 0 && room > 0 && !needs(due);
            room -= usize::from(read);
            Told { messages, read }
        };
        chosen.iter().map(told).collect()
    }

    /// Puts to what was read of each symbol what came by channel.
    pub(super) fn take_messages(
        &mut self,
        chosen: &[(usize, Jobs, NaiveDate)],
        gathered: &mut [Gathered],
        told: &[Told],
        mark: u64,
    ) {
        let Some(listening) = &self.listening else {
            return;
        };
        let mut waiting = listening.inbox.lock();
        for at in &self.resting {
            waiting.let_go(&self.slots[*at].symbol);
        }
        for (((at, ..), told), gathered) in chosen.iter().zip(told).zip(gathered) {
            let slot = &mut self.slots[*at];
            if gathered.chain != Fetched::NotAsked {
                waiting.chain_read(&slot.symbol, told.messages);
            }
            gathered.messages = waiting.take(&slot.symbol, mark);
            for message in &gathered.messages {
                slot.handed[message.channel as usize] += 1;
            }
        }
    }

    /// Says what became of messages since the last time.
    pub(super) fn report_channels(&mut self, now: Timestamp) {
        let Some(listening) = &mut self.listening else {
            return;
        };
        let counts: BTreeMap<&'static str, Counts> = listening.inbox.lock().counts().collect();
        let mut bad = BadInput::default();
        for (channel, counts) in &counts {
            let before = listening.reported.get(channel).copied().unwrap_or_default();
            for ((outcome, count), (_, before)) in
                counts.outcomes().into_iter().zip(before.outcomes())
            {
                let news = count.saturating_sub(before);
                if news == 0 {
                    continue;
                }
                telemetry::channel_messages(channel, outcome, news);
                if matches!(outcome, "malformed" | "lagged") {
                    bad.add(FAMILY, outcome, news);
                }
            }
        }
        listening.reported.clone_from(&counts);
        self.status.lock().channels = counts;
        self.count_bad(&bad, None, now);
    }
}
