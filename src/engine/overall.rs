//! The turns of the calculators over all symbols: after the symbols' documents are written, what
//! they read is fetched, computed beside the runtime, and published.
//!
//! One turn is under way at a time. One that does not come back within the pass is published by
//! the pass in which it does; a store that does not answer costs this turn only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use quant::calculator::{Job, Status};
use quant::calculators::UNIVERSE;
use quant::market::{Symbol, Timestamp};
use tokio::task::JoinHandle;
use tracing::{error, info};

use super::plan::{Jobs, Schedule};
use super::universe::{Answers, UniverseEngine, UniverseTurned};
use super::{Engine, Pass, is_due};
use crate::clock::Stopwatch;
use crate::store::exchange::{BESIDE, Fetched, StoreError, Write};
use crate::store::tap::{RunEvent, UniverseTurn};
use crate::telemetry;

/// The calculators over all symbols and their place in the loop.
#[derive(Default)]
pub(super) struct Overall {
    schedule: Option<Schedule>,
    engine: Option<Box<UniverseEngine>>,
    away: Option<JoinHandle<Back>>,
    save_due: Option<Timestamp>,
    /// What stands in the store is not known any more.
    anew: bool,
    /// Whether the calculators are under former settings.
    outdated: bool,
    /// Whether they cannot be made under the settings that hold.
    refused: bool,
    /// What is kept beside documents and did not reach the store, oldest first.
    unwritten: Vec<Write>,
}

/// What the calculators over all symbols have of a pass at least.
const LEAST: Duration = Duration::from_millis(100);

/// Most of what is kept beside documents that waits for the store.
const MOST_UNWRITTEN: usize = 1_000;

/// What comes back from a turn.
struct Back {
    engine: Box<UniverseEngine>,
    turned: UniverseTurned,
    due: Jobs,
    tapped: Option<Box<UniverseTurn>>,
}

impl Overall {
    /// Every job is due.
    pub(super) fn make_due(&mut self) {
        if let Some(schedule) = &mut self.schedule {
            schedule.all_due();
        }
    }

    /// Everything is due and every document is written again.
    pub(super) fn write_everything_again(&mut self) {
        self.make_due();
        self.anew = true;
    }

    /// The calculators are put under the settings that hold before their next turn.
    pub(super) fn reconfigure(&mut self) {
        self.outdated = true;
        self.refused = false;
    }

    /// The next file of a recording begins: the calculators start again from what they remember.
    pub(super) fn starts_again(&mut self) {
        self.outdated = true;
        self.anew = false;
    }
}

impl Engine {
    /// Takes a turn over all symbols where one is due. `left` is what the pass has left.
    pub(super) async fn turn_overall(
        &mut self,
        now: Timestamp,
        left: Option<Duration>,
        pass: &mut Pass,
    ) {
        let watch = Stopwatch::start();
        let rest = || {
            let rest = left.map(|left| left.saturating_sub(watch.elapsed()));
            // Symbols that need the whole pass leave this much all the same.
            rest.map(|rest| rest.max(LEAST))
        };
        if self.overall.away.is_some() {
            self.take_overall_back(now, Some(Duration::ZERO), pass)
                .await;
        }
        let due = self.overall_due(now);
        if self.overall.away.is_some() || self.overall.refused || due == Jobs::NONE {
            return;
        }
        match super::within(rest(), self.begin_overall(due, now)).await {
            Ok(true) => self.take_overall_back(now, rest(), pass).await,
            Ok(false) => {}
            Err(why) => {
                self.overall_failed(due, &why.to_string(), now);
                pass.errors += 1;
            }
        }
    }

    fn overall_due(&self, now: Timestamp) -> Jobs {
        let all = || {
            let jobs = self.setup.overall_intervals().map(|(job, _)| job);
            jobs.fold(Jobs::NONE, Jobs::with)
        };
        let schedule = self.overall.schedule.as_ref();
        let schedule = schedule.filter(|_| !self.overall.outdated);
        schedule.map_or_else(all, |schedule| schedule.due(now, self.setup.slack()))
    }

    fn overall_failed(&self, due: Jobs, why: &str, now: Timestamp) {
        let mut known = self.status.lock();
        for job in ran_jobs(due) {
            known.job_failed(job, why, now);
        }
        known.jobs_ended(now, over_all);
    }

    /// Reads what is due and sends the calculators off; says whether it did. It may be given up
    /// at any wait: the calculators stay where they are until they go.
    async fn begin_overall(&mut self, due: Jobs, now: Timestamp) -> Result<bool, StoreError> {
        let named = self.slots.iter().filter(|slot| !slot.dropped);
        let mut symbols: Vec<Symbol> = named.map(|slot| slot.symbol.clone()).collect();
        symbols.sort();
        let made = self.make_overall(&symbols, now).await?;
        // Made anew, everything is due.
        let due = if made { self.overall_due(now) } else { due };
        let Some(engine) = &self.overall.engine else {
            return Ok(false);
        };
        let answers = self.read_overall(engine, due, &symbols, now).await?;
        let Some(mut engine) = self.overall.engine.take() else {
            return Ok(false);
        };
        let slack = self.setup.slack();
        if let Some(schedule) = &mut self.overall.schedule {
            schedule.ran(due, now, slack);
        }
        let anew = std::mem::take(&mut self.overall.anew);
        if anew {
            engine.forget_written();
        }
        let tapped = self.tap.as_ref().map(|_| {
            Box::new(UniverseTurn {
                pass: self.passes,
                now,
                due: due.bits(),
                anew,
                symbols: symbols.clone(),
                answers: answers.clone(),
                documents: Vec::new(),
            })
        });
        self.overall.away = Some(tokio::task::spawn_blocking(move || {
            let turned = engine.turn(&symbols, &answers, due, now);
            Back {
                engine,
                turned,
                due,
                tapped,
            }
        }));
        Ok(true)
    }

    /// Makes the calculators where they are not there yet, or are of other settings or symbols;
    /// says whether it did. What they remember goes on where its settings are the same.
    async fn make_overall(
        &mut self,
        symbols: &[Symbol],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let present = self.overall.engine.as_ref();
        let knows_all = present.is_some_and(|engine| engine.knows(symbols));
        if knows_all && !self.overall.outdated {
            return Ok(false);
        }
        let made = UniverseEngine::new(self.setup.overall, self.setup.overall_terms(symbols));
        let mut engine = match made {
            Ok(engine) => Box::new(engine),
            Err(why) => {
                error!(%why, "nothing is computed over all symbols until the settings change");
                self.overall.refused = true;
                self.overall_failed(self.overall_due(now), &why, now);
                return Ok(false);
            }
        };
        let memory: BTreeMap<String, Bytes> = present
            .map_or_else(Vec::new, |engine| engine.save(now))
            .into_iter()
            .collect();
        let keys = engine.state_keys();
        let saved = match self.setup.save_every() {
            Some(_) => self.source.load(&keys, now).await?,
            None => vec![None; keys.len()],
        };
        // What is remembered here is newer than what was saved.
        let pairs = keys.iter().zip(saved);
        let states: Vec<Option<Bytes>> = pairs
            .map(|(key, saved)| memory.get(key).cloned().or(saved))
            .collect();
        for (name, why) in engine.restore(&states) {
            info!(name, %why, "state not restored");
        }
        if let Some(tap) = &self.tap {
            tap.send(RunEvent::UniverseStarted {
                symbols: symbols.to_vec(),
                states,
            });
        }
        self.overall.schedule = Some(self.setup.overall_schedule());
        self.overall.outdated = false;
        self.overall.engine = Some(engine);
        Ok(true)
    }

    async fn read_overall(
        &self,
        engine: &UniverseEngine,
        due: Jobs,
        symbols: &[Symbol],
        now: Timestamp,
    ) -> Result<Answers, StoreError> {
        let texts = engine.texts(due, symbols);
        let values = self.source.load(&texts, now).await?;
        let told = |value: Option<Bytes>| value.map_or(Fetched::Missing, Fetched::Value);
        let mut answers: Answers = texts
            .into_iter()
            .zip(values.into_iter().map(told))
            .collect();
        let lists = engine.lists(due, symbols, &answers);
        let tails = self.source.tails(&lists).await?;
        answers.extend(lists.into_iter().map(|(key, _)| key).zip(tails));
        Ok(answers)
    }

    /// Waits for the calculators that are away and publishes what they say.
    async fn take_overall_back(&mut self, now: Timestamp, left: Option<Duration>, pass: &mut Pass) {
        let Some(mut away) = self.overall.away.take() else {
            return;
        };
        let back = match left {
            Some(left) => match tokio::time::timeout(left, &mut away).await {
                Ok(back) => back,
                Err(_) => {
                    self.overall.away = Some(away);
                    pass.busy += 1;
                    return;
                }
            },
            None => away.await,
        };
        let back = match back {
            Ok(back) => back,
            Err(why) => {
                // Each calculator's own panic is caught where it runs; this is none of theirs.
                error!(%why, "the turn over all symbols failed");
                pass.errors += 1;
                return;
            }
        };
        self.publish_overall(back, now, pass).await;
    }

    async fn publish_overall(&mut self, back: Back, now: Timestamp, pass: &mut Pass) {
        let Back {
            engine,
            turned,
            due,
            tapped,
        } = back;
        if let (Some(tap), Some(mut turn)) = (&self.tap, tapped) {
            turn.documents = turned.hashes();
            tap.send(RunEvent::UniverseTurned(turn));
        }
        self.count_bad(&turned.bad, None, now);
        let symbols = self.slots.len() as u64;
        let ran = ran_jobs(due).map(|job| (job, symbols)).collect();
        self.status.lock().jobs_ran(now, &ran);
        let reported: BTreeSet<String> =
            turned.reports.iter().map(|(key, _)| key.clone()).collect();
        self.status.lock().forget_overall(due, &reported);
        for (key, report) in turned.reports {
            telemetry::calculated(report.calculator, report.status.as_str(), report.seconds);
            pass.errors += usize::from(report.status == Status::Error);
            let why = report.reason.clone().unwrap_or_default();
            if self.status.lock().reported_overall(&key, report, now) {
                error!(key, why, "calculator failed");
            }
        }
        pass.documents += turned.writes.len();
        let mut writes = std::mem::take(&mut self.overall.unwritten);
        writes.extend(turned.writes);
        let published = self.sink.publish(&writes, now).await;
        let mut known = self.status.lock();
        if let Err(why) = &published {
            for job in ran_jobs(due) {
                known.job_failed(job, &why.to_string(), now);
            }
        }
        known.jobs_ended(now, over_all);
        drop(known);
        if published.is_err() {
            self.overall.write_everything_again();
            // Documents are made again; what goes into a list is not.
            writes.retain(|write| write.document == BESIDE);
            let surplus = writes.len().saturating_sub(MOST_UNWRITTEN);
            self.overall.unwritten = writes.split_off(surplus);
        }
        if let Some(every) = self.setup.save_every()
            && is_due(&mut self.overall.save_due, every, now)
        {
            let states = engine.save(now);
            self.save(states, now);
        }
        self.overall.engine = Some(engine);
    }

    /// The states of the calculators over all symbols, where they are at home; for a stop.
    pub(super) fn overall_states(&self, now: Timestamp) -> Vec<(String, Bytes)> {
        let engine = self.overall.engine.as_ref();
        engine.map_or_else(Vec::new, |engine| engine.save(now))
    }

    /// Whether a turn is under way.
    pub(super) fn overall_is_away(&self) -> bool {
        self.overall.away.is_some()
    }
}

/// Whether a job is over all symbols.
pub(super) fn over_all(job: Job) -> bool {
    UNIVERSE.iter().any(|entry| entry.card.job == job)
}

fn ran_jobs(due: Jobs) -> impl Iterator<Item = Job> {
    Job::ALL.into_iter().filter(move |job| due.has(*job))
}
