//! `analytics vix`: the volatility index of a recorded option chain, over 30 days or over one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use quant::market::{Chain, ChainBuilder, Symbol, Timestamp};
use quant::pricing::RateCurve;
use quant::volatility::clock::{BusinessClock, ClockClose, index_exchange};
use quant::volatility::index::{
    Components, FREEZE_MINUTES, MIN_STRIKES, NearMemory, Term, Terms, one_day, thirty_day,
};
use quant::volatility::strip::Strip;
use serde::Serialize;

use super::replay::time;
use super::{Common, UsageError, print};
use crate::engine::setup::{Setup, calendars};
use crate::recording::{Op, Reader, Record};
use crate::store::codec::{BadInput, Rules};
use crate::store::keys;

/// Compute the volatility index of a recorded option chain.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import cboe-quotedata spx_quotedata.csv --out spx.rec
  analytics vix spx.rec --as-of 2024-01-05T16:15:00-05:00 --rate 0.054

The newest chain at or before --as-of is used, at the time of its own quotes. One that was saved
later counts where its quotes are of that time: it says that they are delayed, or the market was
closed from --as-of on until it was saved.

30 days is Cboe's VIX, from the weekly and monthly expiries around 30 days ahead. 1 day is VIX1D,
from the series that expire today and next, in business minutes from 09:30 to 16:15 in New York.")]
pub(super) struct VixArgs {
    /// Recording that holds the chain
    #[arg(value_name = "FILE.rec")]
    recording: PathBuf,
    /// Instant of the index (RFC 3339 or epoch number)
    #[arg(long, value_name = "T", value_parser = time)]
    as_of: Timestamp,
    /// Continuous rate a year; without it that of the settings
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    rate: Option<f64>,
    /// Days the index looks ahead
    #[arg(long, value_enum, default_value_t)]
    days: Ahead,
    /// Underlying
    #[arg(long, value_name = "S", default_value = "SPX", value_parser = Symbol::new)]
    symbol: Symbol,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, ValueEnum)]
enum Ahead {
    #[default]
    #[value(name = "30")]
    Thirty,
    #[value(name = "1")]
    One,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Shown {
    vix: f64,
    near: Option<ShownTerm>,
    next: ShownTerm,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Components>,
    days: u8,
    symbol: String,
    as_of: String,
}

#[derive(Debug, Serialize)]
struct ShownTerm {
    root: String,
    expiry: NaiveDate,
    forward: Option<f64>,
    k0: Option<f64>,
    strikes_used: Option<usize>,
    puts: Option<usize>,
    calls: Option<usize>,
    crossed: Option<usize>,
    variance: f64,
    t_years: f64,
    minutes: f64,
    weight: f64,
    rate: f64,
    frozen: bool,
}

pub(super) fn execute(args: &VixArgs, common: &Common) -> anyhow::Result<ExitCode> {
    let config = common.start(&[])?.config;
    let setup = Setup::new(config, &[]);
    let shown = shown(args, &setup).map_err(UsageError)?;
    match args.json {
        true => print(&serde_json::to_string(&shown)?),
        false => print(&table(&shown)),
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(args: &VixArgs, setup: &Setup) -> Result<Shown, String> {
    let rates = match args.rate {
        None => setup.rates_of(&args.symbol).ok_or_else(|| {
            format!(
                "no rate is set for the currency of {} (give --rate)",
                args.symbol
            )
        })?,
        Some(rate) => {
            let curve = RateCurve::Flat(rate);
            let checked = curve.check().map_err(|why| format!("--rate: {why}"));
            checked.map(|()| curve)?
        }
    };
    let terms = Terms {
        rates: &rates,
        min_strikes: MIN_STRIKES,
    };
    let calendars = calendars();
    let exchange = setup.exchange_of(&args.symbol);
    let product = calendars.product(args.symbol.as_str(), exchange);
    let product = product.ok_or("--symbol: its exchange has no calendar")?;
    let clock = BusinessClock::new(index_exchange(&calendars, &product), ClockClose::default());
    let chains = Chains {
        recording: &args.recording,
        rules: setup.rules(),
        new: &|| ChainBuilder::new(&calendars, args.symbol.as_str(), exchange),
    };
    let found = chains.find(&args.symbol, args.as_of, &clock)?;
    // Quotes that came later than they are of are not of a later time than was asked for.
    let at = found.chain.at().min(args.as_of);
    let undefined = |why| {
        let at = at.to_rfc3339();
        let days = args.days.days();
        format!("{} has no {days}-day index at {at}: {why}", args.symbol)
    };
    let (vix, near, next, components) = match args.days {
        Ahead::Thirty => {
            let index = thirty_day(&found.chain, &product, at, terms).map_err(undefined)?;
            (index.value, Some(index.near), index.next, None)
        }
        Ahead::One => {
            let mut memory = NearMemory::default();
            if let Some(before) = &found.before_last_hour {
                // What it is for is the memory; an index it may have or not.
                let _ = one_day(before, before.at(), &clock, terms, &mut memory);
            }
            let index = one_day(&found.chain, at, &clock, terms, &mut memory);
            let index = index.map_err(undefined)?;
            (index.value, index.near, index.next, Some(index.components))
        }
    };
    Ok(Shown {
        vix,
        near: near.as_ref().map(ShownTerm::of),
        next: ShownTerm::of(&next),
        components,
        days: args.days.days(),
        symbol: args.symbol.to_string(),
        as_of: at.to_rfc3339(),
    })
}

/// The chains of a recording.
struct Chains<'a> {
    recording: &'a Path,
    rules: Rules,
    new: &'a dyn Fn() -> ChainBuilder<'a>,
}

/// What of a recording is looked at.
struct Found {
    chain: Chain,
    /// The newest of the same day with more than the last hour ahead.
    before_last_hour: Option<Chain>,
}

impl Chains<'_> {
    /// The chain of an instant. Of all chains only those that are looked at are decoded.
    fn find(
        &self,
        symbol: &Symbol,
        as_of: Timestamp,
        clock: &BusinessClock<'_>,
    ) -> Result<Found, String> {
        let key = keys::chain(symbol);
        let today = clock.exchange().at(as_of).date;
        let (mut newest, mut before, mut later) = (None, None, None);
        let mut others = BTreeSet::new();
        let reader = Reader::open(self.recording).map_err(|error| error.to_string())?;
        for record in reader {
            let record = record.map_err(|error| error.to_string())?;
            if *record.key != *key {
                others.extend(symbol_of(&record.key));
                continue;
            }
            if record.op != Op::Set {
                continue;
            }
            let at = Timestamp::from_nanos(record.t_ns);
            let newer = |than: &Option<Record>| than.as_ref().is_none_or(|r| r.t_ns <= record.t_ns);
            if at > as_of {
                if later.as_ref().is_none_or(|r: &Record| record.t_ns < r.t_ns) {
                    later = Some(record);
                }
                continue;
            }
            let has_hour = || {
                let left = clock.minutes_until(at, today);
                clock.exchange().at(at).date == today
                    && left.is_some_and(|left| left >= FREEZE_MINUTES)
            };
            if newer(&before) && has_hour() {
                before = Some(record.clone());
            }
            if newer(&newest) {
                newest = Some(record);
            }
        }
        let file = self.recording.display();
        if newest.is_none() && later.is_none() {
            let names = others.into_iter().collect::<Vec<_>>().join(", ");
            return Err(match names.as_str() {
                "" => format!(
                    "{file} holds no option chain (`analytics import cboe-quotedata` and its like make recordings that do)"
                ),
                names => {
                    format!("{file} holds no chain of {symbol} (give --symbol; there is: {names})")
                }
            });
        }
        if let Some(newest) = newest {
            return Ok(Found {
                chain: self.decode(&newest)?,
                before_last_hour: before.map(|record| self.decode(&record)).transpose()?,
            });
        }
        let Some(later) = later else {
            return Err(format!("{file} holds no chain of {symbol}"));
        };
        let chain = self.decode(&later)?;
        let quoted = chain.at();
        let is_of_then = quoted <= as_of || clock.minutes_between(as_of, quoted) == Some(0.0);
        match is_of_then {
            true => Ok(Found {
                chain,
                before_last_hour: None,
            }),
            false => Err(format!(
                "--as-of: {file} holds no chain of {symbol} so early; the first is of {} (is {})",
                quoted.to_rfc3339(),
                as_of.to_rfc3339()
            )),
        }
    }

    fn decode(&self, record: &Record) -> Result<Chain, String> {
        let received = Timestamp::from_nanos(record.t_ns);
        let mut bad = BadInput::default();
        let mut decoder = self.rules.decoder(received, &mut bad);
        decoder.chain(&record.value, (self.new)()).ok_or_else(|| {
            let reasons: Vec<&str> = bad.iter().map(|(_, reason, _)| reason).collect();
            let (file, at) = (self.recording.display(), received.to_rfc3339());
            format!(
                "{file}: the chain of {at} cannot be read: {}",
                reasons.join(", ")
            )
        })
    }
}

/// The symbol of a chain's key.
fn symbol_of(key: &str) -> Option<String> {
    let name = key.strip_prefix("options:")?.strip_suffix(":chain")?;
    Some(name.to_owned())
}

fn table(shown: &Shown) -> String {
    let mut lines = vec![
        line("index", format!("{:.4}", shown.vix)),
        line("days", shown.days.to_string()),
        line("symbol", shown.symbol.clone()),
        line("as of", shown.as_of.clone()),
    ];
    if let Some(Components {
        zero_dte,
        one_dte,
        forward,
    }) = shown.components
    {
        for (name, part) in [
            ("today alone", zero_dte),
            ("next alone", one_dte),
            ("forward", forward),
        ] {
            lines.push(line(
                name,
                part.map_or("-".to_owned(), |part| format!("{part:.4}")),
            ));
        }
    }
    for (name, term) in [("near", shown.near.as_ref()), ("next", Some(&shown.next))] {
        let Some(term) = term else { continue };
        lines.push(String::new());
        lines.push(line(name, format!("{} {}", term.root, term.expiry)));
        lines.push(line("  variance", format!("{:.10}", term.variance)));
        lines.push(line("  weight", format!("{:.6}", term.weight)));
        lines.push(line("  minutes", term.minutes.to_string()));
        lines.push(line("  rate", term.rate.to_string()));
        match (term.forward, term.k0, term.strikes_used) {
            (Some(forward), Some(k0), Some(used)) => {
                lines.push(line("  forward", format!("{forward:.4}")));
                lines.push(line("  K0", k0.to_string()));
                lines.push(line("  strikes", used.to_string()));
            }
            _ => lines.push(line(
                "  strikes",
                "- (variance held from before the last hour)".to_owned(),
            )),
        }
    }
    lines.join("\n")
}

fn line(name: &str, value: String) -> String {
    format!("{name:<24}{value}")
}

impl ShownTerm {
    fn of(term: &Term) -> Self {
        let strip = term.strip.as_ref();
        Self {
            root: term.root.to_string(),
            expiry: term.expiry,
            forward: strip.map(|strip| strip.forward),
            k0: strip.map(|strip| strip.k0),
            strikes_used: strip.map(Strip::strikes_used),
            puts: strip.map(|strip| strip.puts),
            calls: strip.map(|strip| strip.calls),
            crossed: strip.map(|strip| strip.crossed),
            variance: term.variance,
            t_years: term.t_years,
            minutes: term.minutes,
            weight: term.weight,
            rate: term.rate,
            frozen: term.is_frozen(),
        }
    }
}

impl Ahead {
    fn days(self) -> u8 {
        match self {
            Self::Thirty => 30,
            Self::One => 1,
        }
    }
}
