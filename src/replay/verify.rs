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
use crate::engine::universe::UniverseEngine;
use crate::recording::run::RunReader;
use crate::store::tap::{RunEvent, RunTurn, UniverseTurn};

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
    universe: Option<UniverseEngine>,
    last_pass: Option<u64>,
    verified: Verified,
}

impl Verifier {
    fn new(setup: Setup) -> Self {
        Self {
            setup,
            engines: BTreeMap::new(),
            universe: None,
            last_pass: None,
            verified: Verified::default(),
        }
    }

    /// Gives true at the first difference.
    fn event(&mut self, event: RunEvent) -> anyhow::Result<bool> {
        match event {
            RunEvent::Settings(config) | RunEvent::NextFile(config, _) => {
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
            RunEvent::UniverseStarted { symbols, states } => {
                let terms = self.setup.overall_terms(&symbols);
                let universe = UniverseEngine::new(self.setup.overall, terms);
                let mut universe = universe.map_err(anyhow::Error::msg)?;
                universe.restore(&states);
                self.universe = Some(universe);
                Ok(false)
            }
            RunEvent::UniverseTurned(turn) => self.universe_turn(&turn),
        }
    }

    fn universe_turn(&mut self, turn: &UniverseTurn) -> anyhow::Result<bool> {
        let universe = self.universe.as_mut();
        let universe = universe.context("the calculators over all symbols never started")?;
        if turn.anew {
            universe.forget_written();
        }
        let due = Jobs::from_bits(turn.due);
        let turned = universe.turn(&turn.symbols, &turn.answers, due, turn.now);
        self.verified.turns += 1;
        self.verified.documents += turn.documents.len() as u64;
        let at = (turn.pass, turn.now);
        Ok(self.differs(at, "", &turn.documents, &turned.hashes()))
    }

    /// Notes the first document that differs, where one does.
    fn differs(
        &mut self,
        (pass, now): (u64, Timestamp),
        subject: &str,
        documents: &[(String, u64)],
        repeated: &[(String, u64)],
    ) -> bool {
        if repeated == documents {
            return false;
        }
        let pairs = documents.iter().zip(repeated);
        let same = pairs.take_while(|(was, is)| was == is).count();
        let name = documents.get(same).or(repeated.get(same));
        self.verified.difference = Some(format!(
            "pass {pass} at {}: {subject}{}",
            now.to_rfc3339(),
            name.map_or("", |(name, _)| name),
        ));
        true
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
        let subject = format!("{} ", turn.symbol);
        Ok(self.differs((turn.pass, turn.now), &subject, &documents, &repeated))
    }
}
