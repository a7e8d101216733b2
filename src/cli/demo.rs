//! `analytics demo`: everything in one process on the in-process board, with a synthetic market
//! and a live table in the terminal.

use std::io::{IsTerminal, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use quant::calculators::PER_SYMBOL;
use quant::market::{Span, Timestamp};
use quant::synthetic::{Event, Instrument, World};
use serde_json::Value;
use tokio::sync::watch;

use super::{Common, UsageError, runtime, stop_signal};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::run::{beat, turn};
use crate::engine::setup::Setup;
use crate::engine::status::StatusBoard;
use crate::feed::wire::Wire;
use crate::http;
use crate::recording::Op;
use crate::sink::Sink;
use crate::source::Source;
use crate::store::board::Board;
use crate::store::exchange::Fetched;
use crate::store::keys;
use crate::telemetry;

/// The market's own past that is computed before the first screen, so that it shows numbers.
const PAST: Span = Span::from_millis(15 * 60_000);
/// How often the market moves on.
const TURN: Duration = Duration::from_millis(50);
/// How often the table is drawn.
const DRAW: Duration = Duration::from_millis(1000);

/// See it run: a synthetic market, the engine and a live table, with nothing else installed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  analytics demo
  analytics demo --seed 7 --speed 10

Ctrl-C ends it and leaves nothing behind.")]
pub(super) struct DemoArgs {
    /// The same seed gives the same market
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How much faster than life the market moves
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// Where HTTP listens
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
}

pub(super) fn execute(args: DemoArgs, common: &Common) -> anyhow::Result<ExitCode> {
    if !(args.speed.is_finite() && args.speed > 0.0 && args.speed <= 1000.0) {
        let why = format!(
            "--speed: must be above 0 and up to 1000 (is {})",
            args.speed
        );
        return Err(UsageError(why).into());
    }
    let patience = match args.seconds {
        Some(seconds) if !(seconds.is_finite() && seconds > 0.0) => {
            let why = format!("--seconds: must be above 0 (is {seconds})");
            return Err(UsageError(why).into());
        }
        Some(seconds) => Duration::from_secs_f64(seconds.min(1e9)),
        None => Duration::MAX,
    };
    let instruments = World::default_instruments();
    let names: Vec<String> = instruments
        .iter()
        .map(|i| format!("{:?}", i.symbol.as_str()))
        .collect();
    let mut over = vec![
        "redis.url=\"memory:\"".to_owned(),
        "market.exchange=\"ALWAYS\"".to_owned(),
        "engine.analytics_rth_only=false".to_owned(),
        format!("symbols.standard=[{}]", names.join(",")),
    ];
    if let Some(address) = args.listen {
        over.push(format!("http.listen=[\"{address}\"]"));
    }
    // The table is the output; the log speaks up only for what is wrong.
    if common.log.is_none() {
        over.push("log.level=warn".to_owned());
    }
    let loaded = common.start(&over)?;
    let setup = Arc::new(Setup::new(loaded.config, PER_SYMBOL).forgetful());
    runtime()?.block_on(demo(setup, instruments, &args, patience))
}

async fn demo(
    setup: Arc<Setup>,
    instruments: Vec<Instrument>,
    args: &DemoArgs,
    patience: Duration,
) -> anyhow::Result<ExitCode> {
    let clock = Clock::System;
    let metrics = telemetry::start_metrics();
    let listening = http::bind(&setup.config.http.listen)
        .await
        .map_err(|error| {
            UsageError(format!(
                "{error} (choose another address with --listen 127.0.0.1:0)"
            ))
        })?;
    let addresses: Vec<String> = listening
        .addresses()
        .map(|a| format!("http://{a}/status"))
        .collect();

    let board = Arc::new(Board::default());
    let status = StatusBoard::new(clock.now(), setup.period(), &setup.intervals);
    let status = Arc::new(status);
    let (source, sink) = (Source::Board(board.clone()), Sink::board(board.clone()));
    let mut engine = Engine::with_threads(setup.clone(), source, sink.clone(), status.clone())?;

    let mut market = Market::new(args, instruments, board.clone(), clock.now());
    market
        .live_through_past(&mut engine, setup.period())
        .await?;

    let (stop, stopped) = watch::channel(false);
    let state = http::State {
        status: status.clone(),
        metrics,
        tokens: Arc::default(),
        door: None,
    };
    let server = tokio::spawn(listening.serve(state, stopped.clone()));
    let (_setup, setups) = watch::channel(setup.clone());
    let beating = beat(
        clock.clone(),
        status.clone(),
        sink,
        setups.clone(),
        stopped.clone(),
    );
    let beating = tokio::spawn(beating);
    let table = Table {
        symbols: market
            .instruments
            .iter()
            .map(|i| i.symbol.to_string())
            .collect(),
        board,
        status: status.clone(),
        title: format!(
            "seed {}, speed {}, {}",
            args.seed,
            args.speed,
            addresses.join(" ")
        ),
        redraw: std::io::stdout().is_terminal(),
    };
    let drawing = tokio::spawn(draw(table, clock.clone(), stopped.clone()));
    let moving = tokio::spawn(market.live(clock.clone(), stopped.clone()));

    let stopping = async {
        // Without signals only the time ends it.
        tokio::select! {
            _ = stop_signal() => {}
            () = tokio::time::sleep(patience) => {}
        }
        let _ = stop.send(true);
    };
    tokio::join!(
        turn(&mut engine, &clock, &status, setups, stopped),
        stopping
    );
    for task in [beating, drawing, moving] {
        task.await?;
    }
    // Connections that stay open are cut with the process.
    let _ = tokio::time::timeout(DRAW, server).await;
    Ok(ExitCode::SUCCESS)
}

/// The synthetic market on the wall clock: world time runs `speed` times as fast.
struct Market {
    world: World,
    instruments: Vec<Instrument>,
    wires: Vec<Wire>,
    board: Arc<Board>,
    start: Timestamp,
    speed: f64,
}

impl Market {
    fn new(
        args: &DemoArgs,
        instruments: Vec<Instrument>,
        board: Arc<Board>,
        start: Timestamp,
    ) -> Self {
        Self {
            world: World::new(args.seed, &instruments, start.minus(PAST)),
            wires: instruments.iter().map(|i| Wire::of(&i.symbol)).collect(),
            instruments,
            board,
            start,
            speed: args.speed,
        }
    }

    /// Computes on the past as it would have been seen.
    async fn live_through_past(&mut self, engine: &mut Engine, period: Span) -> anyhow::Result<()> {
        let mut now = self.start.minus(PAST);
        while now < self.start {
            self.advance(now, |at| at);
            engine.pass(now, None).await?;
            now = now.plus(period);
        }
        Ok(())
    }

    async fn live(mut self, clock: Clock, mut stop: watch::Receiver<bool>) {
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = turns.tick() => {}
                _ = stop.changed() => return,
            }
            let (start, speed) = (self.start, self.speed);
            let lived = clock.now().since(start).seconds();
            let until = start.plus(Span::from_seconds(lived * speed));
            self.advance(until, |at| {
                start.plus(Span::from_seconds(at.since(start).seconds() / speed))
            });
        }
    }

    fn advance(&mut self, until: Timestamp, wall: impl Fn(Timestamp) -> Timestamp) {
        let (board, wires) = (&self.board, &self.wires);
        self.world.advance(until, &mut |event: Event| {
            let record = wires[event.instrument].record(&event.kind, wall(event.at));
            match record.op {
                Op::Set => board.set(record.key, record.value),
                Op::Rpush => board.push(record.key, record.value),
                Op::Publish => {}
            }
        });
    }
}

/// What is drawn, and from where.
struct Table {
    symbols: Vec<String>,
    board: Arc<Board>,
    status: Arc<StatusBoard>,
    title: String,
    redraw: bool,
}

async fn draw(table: Table, clock: Clock, mut stop: watch::Receiver<bool>) {
    let mut timer = tokio::time::interval(DRAW);
    loop {
        tokio::select! {
            _ = timer.tick() => {}
            _ = stop.changed() => return,
        }
        let text = table.text(clock.now());
        let mut out = std::io::stdout().lock();
        // A terminal that went away is no reason to stop.
        let _ = match table.redraw {
            true => write!(out, "\x1b[H\x1b[2J{text}"),
            false => write!(out, "{text}"),
        };
        let _ = out.flush();
    }
}

impl Table {
    fn text(&self, now: Timestamp) -> String {
        let mut text = format!("analytics demo: {}\n\n", self.title);
        text += "symbol      spot    vpin  classified  L1 imb.  L5 imb.        ofi  spread bp  book age\n";
        for symbol in &self.symbols {
            text += &self.row(symbol, now);
        }
        let known = self.status.lock();
        let passes = &known.passes;
        let p99 = passes.percentile_ms(0.99).unwrap_or(0.0);
        text += &format!(
            "\n{} passes, {} skipped, p99 {p99:.2} ms. vpin 0 to 1: one-sided share of volume. \
             imbalance -1 (asks) to +1 (bids). ofi: shares in 10 s, + buying. Ctrl-C ends.\n",
            passes.count, passes.skipped
        );
        text
    }

    fn row(&self, symbol: &str, now: Timestamp) -> String {
        let document = |name: &str| self.document(symbol, name, now);
        let (summary, vpin, obi) = (document("summary"), document("vpin"), document("obi"));
        let vpin_ok = vpin["meta"]["status"] == "ok";
        let vpin_value = if vpin_ok {
            &vpin["value"]
        } else {
            &Value::Null
        };
        format!(
            "{symbol:<8}{:>8}{:>8}{:>12}{:>9}{:>9}{:>11}{:>11}{:>10}\n",
            number(&summary["spot"]["value"], 2),
            number(vpin_value, 3),
            number(&vpin["classified_share"], 2),
            number(&obi["level1_imbalance"], 2),
            number(&obi["level5_imbalance"], 2),
            number(&obi["ofi"], 0),
            number(&obi["spread_bps"], 2),
            age(&obi["meta"]["as_of_ms"], now),
        )
    }

    fn document(&self, symbol: &str, name: &str, now: Timestamp) -> Value {
        let key = quant::market::Symbol::new(symbol).map(|symbol| keys::document(&symbol, name));
        match key.map(|key| self.board.get(&key, now)) {
            Ok(Fetched::Value(bytes)) => serde_json::from_slice(&bytes).unwrap_or_default(),
            _ => Value::Null,
        }
    }
}

fn number(value: &Value, decimals: usize) -> String {
    let number = value.as_f64();
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.decimals$}"))
}

fn age(as_of_ms: &Value, now: Timestamp) -> String {
    match as_of_ms.as_i64() {
        Some(ms) => format!("{} ms", (now.millis() - ms).max(0)),
        None => "-".to_owned(),
    }
}
