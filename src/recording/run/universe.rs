//! The turns of the calculators over all symbols, as a run recording holds them.

use bytes::Bytes;
use quant::market::{Symbol, Timestamp};

use super::{RunReader, RunWriter, put_bytes, put_fetched, put_varint};
use crate::store::tap::{RunEvent, UniverseTurn};

/// They started.
pub(super) const STARTED: u8 = 5;
/// They took a turn.
pub(super) const TURNED: u8 = 6;

impl RunWriter {
    pub(super) fn universe_started(&mut self, symbols: &[Symbol], states: &[Option<Bytes>]) {
        self.universe.clear();
        self.raw.push(STARTED);
        self.symbols(symbols);
        self.states(states);
    }

    pub(super) fn universe_turned(&mut self, turn: &UniverseTurn) {
        self.raw.push(TURNED);
        put_varint(&mut self.raw, turn.pass);
        self.raw.extend_from_slice(&turn.now.nanos().to_le_bytes());
        put_varint(&mut self.raw, turn.due.into());
        self.raw.push(u8::from(turn.anew));
        self.symbols(&turn.symbols);
        put_varint(&mut self.raw, turn.answers.len() as u64);
        for (key, fetched) in &turn.answers {
            put_bytes(&mut self.raw, key.as_bytes());
            let last = self.universe.entry(key.clone()).or_default();
            put_fetched(&mut self.raw, fetched, last);
        }
        self.documents(&turn.documents);
    }

    fn symbols(&mut self, symbols: &[Symbol]) {
        put_varint(&mut self.raw, symbols.len() as u64);
        for symbol in symbols {
            put_bytes(&mut self.raw, symbol.as_str().as_bytes());
        }
    }
}

impl RunReader {
    pub(super) fn universe_started(&mut self) -> Result<RunEvent, &'static str> {
        self.universe.clear();
        Ok(RunEvent::UniverseStarted {
            symbols: self.symbols()?,
            states: self.states()?,
        })
    }

    pub(super) fn universe_turned(&mut self) -> Result<RunEvent, &'static str> {
        let pass = self.number()?;
        let now = Timestamp::from_nanos(i64::from_le_bytes(self.array()?));
        let due = u32::try_from(self.number()?).map_err(|_| "jobs")?;
        let anew = self.byte()? == 1;
        let symbols = self.symbols()?;
        let mut answers = Vec::new();
        for _ in 0..self.count()? {
            let key = self.text()?;
            let mut last = self.universe.remove(&key).unwrap_or_default();
            let fetched = self.fetched(&mut last)?;
            self.universe.insert(key.clone(), last);
            answers.push((key, fetched));
        }
        Ok(RunEvent::UniverseTurned(Box::new(UniverseTurn {
            pass,
            now,
            due,
            anew,
            symbols,
            answers,
            documents: self.documents()?,
        })))
    }

    fn symbols(&mut self) -> Result<Vec<Symbol>, &'static str> {
        let mut symbols = Vec::new();
        for _ in 0..self.count()? {
            symbols.push(self.symbol()?);
        }
        Ok(symbols)
    }
}
