//! Verification: repeats the passes of a recorded run and compares every document.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::Context;
use quant::calculators::PER_SYMBOL;
use quant::market::{Symbol, Timestamp};
use serde::Serialize;

use crate::config::Config;
use crate::engine::plan::Jobs;
use crate::engine::setup::Setup;
use crate::engine::symbol::SymbolEngine;
use crate::recording::run::RunReader;
use crate::store::tap::{RunEvent, RunTurn};

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Verified {
    /// Passes repeated.
    pub passes: u64,
    /// Turns of a symbol.
    pub turns: u64,
    /// Documents compared.
    pub documents: u64,
    /// The first document that differs: pass, time, symbol, name.
    pub difference: Option<String>,
}

/// Repeats a recorded run. An error where it cannot be judged: it is incomplete, or of other
/// settings than this program knows.
pub fn verify(path: &Path) -> anyhow::Result<Verified> {
    let whole = incomplete(path)?;
    if let Some(why) = whole {
        anyhow::bail!("the run is incomplete and proves nothing: {why}");
    }
    let mut reader = RunReader::open(path)?;
    let config = reader
        .header()
        .config
        .clone()
        .context("the run names no settings")?;
    let mut verifier = Verifier::new(setup_of(config)?);
    for event in reader.by_ref() {
        if verifier.event(event?)? {
            break;
        }
    }
    Ok(verifier.verified)
}

/// Why a run is not whole.
fn incomplete(path: &Path) -> anyhow::Result<Option<String>> {
    let mut reader = RunReader::open(path)?;
    for event in reader.by_ref() {
        event?;
    }
    Ok(reader.incomplete())
}

fn setup_of(config: serde_json::Value) -> anyhow::Result<Setup> {
    let config: Config = serde_json::from_value(config)
        .context("the run's settings are not those of this version of the program")?;
    Ok(Setup::new(config, PER_SYMBOL))
}

struct Verifier {
    setup: Setup,
    engines: BTreeMap<Symbol, SymbolEngine>,
    last_pass: Option<u64>,
    verified: Verified,
}

impl Verifier {
    fn new(setup: Setup) -> Self {
        Self {
            setup,
            engines: BTreeMap::new(),
            last_pass: None,
            verified: Verified::default(),
        }
    }

    /// Gives true at the first difference.
    fn event(&mut self, event: RunEvent) -> anyhow::Result<bool> {
        match event {
            RunEvent::Settings(config) | RunEvent::NextFile(config) => {
                self.setup = setup_of(config)?;
                Ok(false)
            }
            RunEvent::Reconfigured(symbol) => {
                let engine = self.engines.get_mut(&symbol);
                let engine = engine.with_context(|| format!("{symbol} never started"))?;
                self.setup.reconfigure(engine).map_err(anyhow::Error::msg)?;
                Ok(false)
            }
            RunEvent::Started { symbol, states } => {
                let engine = self.setup.symbol_engine(&symbol, Timestamp::default());
                let mut engine = engine.map_err(anyhow::Error::msg)?;
                engine.restore(&states);
                self.engines.insert(symbol, engine);
                Ok(false)
            }
            RunEvent::Turned(turn) => self.turn(*turn),
        }
    }

    fn turn(&mut self, turn: RunTurn) -> anyhow::Result<bool> {
        let engine = self.engines.get_mut(&turn.symbol);
        let engine = engine.with_context(|| format!("{} never started", turn.symbol))?;
        if turn.anew {
            engine.forget_written();
        }
        let due = Jobs::from_bits(turn.due);
        let gathered = turn.gathered;
        let turned = catch_unwind(AssertUnwindSafe(|| {
            engine.turn(gathered, due, turn.today, turn.now)
        }));
        self.verified.turns += 1;
        if self.last_pass.replace(turn.pass) != Some(turn.pass) {
            self.verified.passes += 1;
        }
        // A turn that failed as a whole said nothing, and must fail again.
        let documents = turn.documents.unwrap_or_default();
        self.verified.documents += documents.len() as u64;
        let repeated = turned.map_or_else(|_| Vec::new(), |turned| turned.hashes());
        if repeated == documents {
            return Ok(false);
        }
        let pairs = documents.iter().zip(&repeated);
        let same = pairs.take_while(|(was, is)| was == is).count();
        let name = documents.get(same).or(repeated.get(same));
        self.verified.difference = Some(format!(
            "pass {} at {}: {} {}",
            turn.pass,
            turn.now.to_rfc3339(),
            turn.symbol,
            name.map_or("", |(name, _)| name),
        ));
        Ok(true)
    }
}
