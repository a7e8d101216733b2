//! The turns of the calculators over all symbols: after the symbols' documents are written, what
//! they read is fetched, computed beside the runtime, and published.
//!
//! One turn is under way at a time. One that does not come back within the pass is published by
//! the pass in which it does; a store that does not answer costs this turn only.

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
use crate::store::exchange::{Fetched, StoreError};
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
}

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
        let rest = || left.map(|left| left.saturating_sub(watch.elapsed()));
        if self.overall.away.is_some() {
            self.take_overall_back(now, Some(Duration::ZERO), pass)
                .await;
        }
        let begun = super::within(rest(), self.begin_overall(now)).await;
        match begun {
            Ok(true) => self.take_overall_back(now, rest(), pass).await,
            Ok(false) => {}
            Err(why) => {
                let mut known = self.status.lock();
                for (job, _) in self.setup.overall_intervals() {
                    known.job_failed(job, &why.to_string(), now);
                }
                known.jobs_ended(now, over_all);
                pass.errors += 1;
            }
        }
    }

    /// Reads what is due and sends the calculators off; says whether it did.
    async fn begin_overall(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let slack = self.setup.slack();
        let settled = !self.overall.outdated;
        let schedule = self.overall.schedule.as_ref().filter(|_| settled);
        let none_due = schedule.is_some_and(|s| s.due(now, slack) == Jobs::NONE);
        if self.overall.away.is_some() || none_due {
            return Ok(false);
        }
        let symbols: Vec<Symbol> = self
            .slots
            .iter()
            .filter(|slot| !slot.dropped)
            .map(|slot| slot.symbol.clone())
            .collect();
        let Some(mut engine) = self.overall_at_home(&symbols, now).await? else {
            return Ok(false);
        };
        let schedule = self.overall.schedule.as_ref();
        let due = schedule.map_or(Jobs::NONE, |schedule| schedule.due(now, slack));
        if due == Jobs::NONE {
            self.overall.engine = Some(engine);
            return Ok(false);
        }
        let read = self.read_overall(&engine, due, &symbols, now).await;
        let answers = match read {
            Ok(answers) => answers,
            Err(why) => {
                self.overall.engine = Some(engine);
                return Err(why);
            }
        };
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

    /// The calculators, made and given back their memory where they are not there yet.
    async fn overall_at_home(
        &mut self,
        symbols: &[Symbol],
        now: Timestamp,
    ) -> Result<Option<Box<UniverseEngine>>, StoreError> {
        let present = self.overall.engine.take();
        let knows_all = present.as_ref().is_some_and(|engine| engine.knows(symbols));
        if knows_all && !self.overall.outdated {
            return Ok(present);
        }
        // Other settings or symbols: what is remembered goes on where its settings are the same.
        let memory: Option<Vec<Option<Bytes>>> = present.as_ref().map(|engine| {
            let states = engine.save(now).into_iter();
            states.map(|(_, state)| Some(state)).collect()
        });
        let made = UniverseEngine::new(self.setup.overall, self.setup.overall_terms(symbols));
        let mut engine = match made {
            Ok(engine) => Box::new(engine),
            Err(why) => {
                error!(%why, "nothing is computed over all symbols");
                self.overall.engine = present;
                self.overall.outdated = false;
                return Ok(None);
            }
        };
        let states = match memory {
            Some(states) => states,
            None if self.setup.save_every().is_some() => {
                self.source.load(&engine.state_keys(), now).await?
            }
            None => Vec::new(),
        };
        for (name, why) in engine.restore(&states) {
            info!(name, %why, "state not restored");
        }
        if let Some(tap) = &self.tap {
            tap.send(RunEvent::UniverseStarted {
                symbols: symbols.to_vec(),
                states,
            });
        }
        if self.overall.outdated || self.overall.schedule.is_none() {
            self.overall.schedule = Some(self.setup.overall_schedule());
        }
        self.overall.outdated = false;
        Ok(Some(engine))
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
        for (key, report) in turned.reports {
            telemetry::calculated(report.calculator, report.status.as_str(), report.seconds);
            pass.errors += usize::from(report.status == Status::Error);
            let why = report.reason.clone().unwrap_or_default();
            if self.status.lock().reported_overall(&key, report, now) {
                error!(key, why, "calculator failed");
            }
        }
        pass.documents += turned.writes.len();
        let published = self.sink.publish(&turned.writes, now).await;
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
