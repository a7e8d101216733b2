//! `analytics demo`: everything in one process on the in-process board, with a synthetic market
//! and a live table in the terminal.

use std::io::{IsTerminal, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use quant::calculators::PER_SYMBOL;
use quant::market::{Span, Symbol, Timestamp};
use serde_json::Value;
use tokio::sync::watch;

use super::run::sessions;
use super::{Common, UsageError, runtime, stop_signal};
use crate::clock::Clock;
use crate::config::{Config, RedisUrl};
use crate::engine::Engine;
use crate::engine::run::{beat, turn};
use crate::engine::setup::{Setup, calendars};
use crate::engine::status::StatusBoard;
use crate::feed::dirt::Dirt;
use crate::feed::message::Message;
use crate::feed::synthetic::Market;
use crate::feed::wire::Wire;
use crate::history::writer::History;
use crate::http;
use crate::recording::{Op, Record};
use crate::sink::Sink;
use crate::source::Source;
use crate::store::board::Board;
use crate::store::exchange::Fetched;
use crate::store::keys;
use crate::store::published::Published;
use crate::store::redis::Redis;
use crate::telemetry;

/// The market's own past that is computed before the first screen, so that it shows numbers.
const PAST: Span = Span::from_millis(25 * 60_000);
/// How long before the first screen there are option chains: what rests on them needs no past.
const CHAINS: Span = Span::from_millis(6_000);
/// The sectors of the market's own universe.
const SECTORS: [(&str, &str); 9] = [
    ("AAPL", "TECH"),
    ("TSLA", "AUTOS"),
    ("SPY", "US_INDICES"),
    ("QQQ", "US_INDICES"),
    ("SPX", "US_INDICES"),
    ("NIFTY", "INDIA_INDICES"),
    ("FINNIFTY", "INDIA_INDICES"),
    ("BANKNIFTY", "INDIA_INDICES"),
    ("SENSEX", "INDIA_INDICES"),
];
/// Between two chains of the past.
const CHAINS_EVERY: Span = Span::from_millis(5 * 60_000);
/// How often the market moves on.
const BEAT: Duration = Duration::from_millis(50);
/// How often its state is shown: as often as the engine looks.
const TURN: Span = Span::from_millis(500);
/// How often the table is drawn.
const DRAW: Duration = Duration::from_millis(1000);

/// See it run: a synthetic market, the engine and a live table, with nothing else installed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  analytics demo
  analytics demo --seed 7 --speed 10
  analytics demo --redis redis://127.0.0.1:6379 --dirt 0.01

The dashboard is at the address it prints. Ctrl-C ends it and leaves nothing behind; documents that
were copied into a Redis expire there.")]
pub(super) struct DemoArgs {
    /// The same seed gives the same market
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How much faster than life the market moves
    #[arg(long, value_name = "X")]
    speed: Option<f64>,
    /// Spoil each record with this probability, as sources do
    #[arg(long, value_name = "P")]
    dirt: Option<f64>,
    /// Copy every document into this Redis, to be looked at with redis-cli; without a password
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Where HTTP listens
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
}

pub(super) fn execute(args: DemoArgs, common: &Common) -> anyhow::Result<ExitCode> {
    if let Some(speed) = args.speed
        && !(speed.is_finite() && speed > 0.0 && speed <= 1000.0)
    {
        let why = format!("--speed: must be above 0 and up to 1000 (is {speed})");
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
    let copy = args.redis.as_deref().map(copy_to).transpose()?;
    let folder = Folder::new().context("cannot make a folder for the demo's history")?;
    let mut over = vec![
        "redis.url=\"memory:\"".to_owned(),
        "market.exchange=\"ALWAYS\"".to_owned(),
        "engine.analytics_rth_only=false".to_owned(),
        "feed.always_open=true".to_owned(),
        "feed.symbols_generated=0".to_owned(),
        // Turns come every half second.
        "feed.chain_every=10".to_owned(),
        // Soon, for who watches.
        "update_intervals.gex_dex=5".to_owned(),
        "update_intervals.volatility=5".to_owned(),
        "update_intervals.portfolio=5".to_owned(),
        "update_intervals.sectors=5".to_owned(),
        "update_intervals.correlation=15".to_owned(),
        // The past has 25 minutes.
        "correlation.min_observations=15".to_owned(),
        format!(
            "history.url=\"sqlite:{}\"",
            folder.0.join("history.db").display()
        ),
        "history.metrics_seconds=10".to_owned(),
        "history.chain_seconds=60".to_owned(),
    ];
    over.extend(SECTORS.map(|(symbol, sector)| format!("sector_map.{symbol}={sector:?}")));
    over.extend(args.seed.map(|seed| format!("feed.seed={seed}")));
    over.extend(args.dirt.map(|dirt| format!("feed.dirt={dirt}")));
    over.extend(args.speed.map(|speed| format!("feed.speed={speed}")));
    if let Some(address) = args.listen {
        over.push(format!("http.listen=[\"{address}\"]"));
    }
    // The table is the output; the log speaks up only for what is wrong.
    if common.log.is_none() {
        over.push("log.level=warn".to_owned());
    }
    let mut config = common.start(&over)?.config;
    let start = Clock::System.now();
    let market = Market::new(
        &config.feed,
        &config.market,
        Arc::new(calendars()),
        start.minus(PAST),
    );
    let market = market.map_err(UsageError)?;
    name_symbols(&mut config, &market);
    let setup = Arc::new(Setup::new(config, PER_SYMBOL).forgetful());
    runtime()?.block_on(demo(setup, market, copy, start, patience))
}

/// How to connect to the Redis that documents are copied into.
fn copy_to(url: &str) -> Result<crate::config::Redis, UsageError> {
    let url = RedisUrl::new(url).map_err(|why| UsageError(format!("--redis: {why}")))?;
    if url.reveal() == "memory:" {
        return Err(UsageError(
            "--redis: the demo is in memory anyway".to_owned(),
        ));
    }
    let defaults = crate::config::Redis::default();
    Ok(crate::config::Redis { url, ..defaults })
}

/// A folder of this demo alone, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let name = format!("analytics-demo-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // One that a killed demo of the same number left behind.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is in the system's folder for what nobody misses.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The symbols of the market, in the currency each trades in.
fn name_symbols(config: &mut Config, market: &Market) {
    config.symbols.level2 = Vec::new();
    config.symbols.standard = market.symbols().to_vec();
    for (symbol, currency) in market.currencies() {
        let currencies = &mut config.market.currencies;
        currencies
            .entry(symbol.clone())
            .or_insert(currency.to_owned());
    }
}

async fn demo(
    setup: Arc<Setup>,
    market: Market,
    copy: Option<crate::config::Redis>,
    start: Timestamp,
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
        .map(|a| format!("http://{a}/"))
        .collect();

    let board = Arc::new(Board::default());
    let status = StatusBoard::new(clock.now(), setup.period(), &setup.intervals);
    let status = Arc::new(status);
    let published = Arc::new(Published::new(clock.now()));
    let history = History::start(&setup.config.history, sessions(&setup), clock.clone());
    status.lock().history = history.as_ref().map(History::status);
    let sink = match copy {
        Some(copy) => Sink::copied(board.clone(), connected(&copy).await?),
        None => Sink::board(board.clone()),
    };
    let sink = sink
        .with_published(published.clone())
        .with_history(history.as_ref().map(History::intake));
    let source = Source::Board(board.clone());
    let mut engine = Engine::with_threads(setup.clone(), source, sink.clone(), status.clone())?;

    let mut market = Live::new(&setup.config, market, board.clone(), start);
    market
        .live_through_past(&mut engine, setup.period())
        .await?;

    let (stop, stopped) = watch::channel(false);
    let (_setup, setups) = watch::channel(setup.clone());
    let state = http::State {
        status: status.clone(),
        published,
        setups: setups.clone(),
        clock: clock.clone(),
        metrics,
        tokens: Arc::default(),
        door: None,
        past: http::past::Past::new(history.as_ref().map(History::reader), clock.clone()),
    };
    let server = tokio::spawn(listening.serve(state, stopped.clone()));
    let beating = beat(
        clock.clone(),
        status.clone(),
        sink,
        setups.clone(),
        stopped.clone(),
    );
    let beating = tokio::spawn(beating);
    let table = Table {
        symbols: market.market.symbols().to_vec(),
        board,
        status: status.clone(),
        title: format!(
            "seed {}, speed {}, {}",
            setup.config.feed.seed,
            setup.config.feed.speed,
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
    if let Some(history) = history {
        history.close(DRAW).await;
    }
    // Connections that stay open are cut with the process.
    let _ = tokio::time::timeout(DRAW, server).await;
    Ok(ExitCode::SUCCESS)
}

/// The Redis that documents are copied into.
async fn connected(settings: &crate::config::Redis) -> anyhow::Result<Arc<Redis>> {
    let redis = Redis::start(settings).map_err(|error| UsageError(error.to_string()))?;
    let patience = Duration::from_millis(settings.connect_timeout_ms);
    let reached = tokio::time::timeout(patience, redis.connected()).await;
    let name = redis.name().to_owned();
    reached.map_err(|_| UsageError(format!("--redis: cannot reach {name} (is it running?)")))?;
    Ok(Arc::new(redis))
}

/// The synthetic market on the wall clock: its time runs `speed` times as fast.
struct Live {
    market: Market,
    wire: Wire,
    dirt: Option<Dirt>,
    board: Arc<Board>,
    start: Timestamp,
    speed: f64,
    next_turn: Timestamp,
}

impl Live {
    fn new(config: &Config, market: Market, board: Arc<Board>, start: Timestamp) -> Self {
        Self {
            market,
            wire: Wire::new("synthetic", false),
            dirt: (config.feed.dirt > 0.0).then(|| Dirt::new(config.feed.dirt, config.feed.seed)),
            board,
            start,
            speed: config.feed.speed,
            next_turn: start.minus(PAST),
        }
    }

    /// Computes on the past as it would have been seen.
    async fn live_through_past(&mut self, engine: &mut Engine, period: Span) -> anyhow::Result<()> {
        let mut now = self.start.minus(PAST);
        while now < self.start {
            // Soon for the first screen, and a few before so that the day has a past.
            let into = self.start.since(now).nanos() % CHAINS_EVERY.nanos();
            self.advance(now, now, into <= CHAINS.nanos());
            engine.pass(now, None).await?;
            now = now.plus(period);
        }
        Ok(())
    }

    async fn live(mut self, clock: Clock, mut stop: watch::Receiver<bool>) {
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = beats.tick() => {}
                _ = stop.changed() => return,
            }
            let now = clock.now();
            let lived = now.since(self.start).seconds();
            let until = self.start.plus(Span::from_seconds(lived * self.speed));
            self.advance(until, now, true);
        }
    }

    /// Until an instant of the market that is `now` on the wall.
    fn advance(&mut self, until: Timestamp, now: Timestamp, chains: bool) {
        let (wire, dirt, board) = (&mut self.wire, &mut self.dirt, &self.board);
        let (start, speed) = (self.start, self.speed);
        let wall = |at: Timestamp| match at <= start {
            true => at,
            false => start.plus(Span::from_seconds(at.since(start).seconds() / speed)),
        };
        let mut keep = |record: Record| match record.op {
            Op::Set => board.set(record.key, record.value),
            Op::Rpush => board.push(record.key, record.value),
            Op::Publish => {}
        };
        let mut say = |message: Message| {
            wire.write(&message.moved(wall), &mut |record| match dirt {
                Some(dirt) => dirt.pass(record, &mut keep),
                None => keep(record),
            });
        };
        self.market.advance(until, &mut say);
        if now >= self.next_turn {
            self.next_turn = now.plus(TURN);
            match chains {
                true => self.market.turn(&mut say),
                false => self.market.show(&mut say),
            }
        }
    }
}

/// What is drawn, and from where.
struct Table {
    symbols: Vec<Symbol>,
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
        text += "symbol         spot    vpin  L1 imb.        ofi  spread bp     net gex  zero gamma  book age\n";
        for symbol in &self.symbols {
            text += &self.row(symbol, now);
        }
        text += &self.overall(now);
        let known = self.status.lock();
        let passes = &known.passes;
        let p99 = passes.percentile_ms(0.99).unwrap_or(0.0);
        text += &format!(
            "\n{} passes, {} skipped, p99 {p99:.2} ms. vpin 0 to 1: one-sided share of volume. \
             imbalance -1 (asks) to +1 (bids). ofi: shares in 10 s, + buying. net gex: what \
             dealers trade for 1 % of spot, in the currency. Ctrl-C ends.\n",
            passes.count, passes.skipped
        );
        text
    }

    fn row(&self, symbol: &Symbol, now: Timestamp) -> String {
        let document = |name: &str| self.document(&keys::document(symbol, name), now);
        let (summary, vpin, obi) = (document("summary"), document("vpin"), document("obi"));
        let gex = document("gex");
        let vpin_ok = vpin["meta"]["status"] == "ok";
        let vpin_value = if vpin_ok {
            &vpin["value"]
        } else {
            &Value::Null
        };
        format!(
            "{:<9}{:>10}{:>8}{:>9}{:>11}{:>11}{:>12}{:>12}{:>10}\n",
            symbol.as_str(),
            number(&summary["spot"], 2),
            number(vpin_value, 3),
            number(&obi["level1_imbalance"], 2),
            number(&obi["ofi"], 0),
            number(&obi["spread_bps"], 2),
            money(&gex["gex_usd_per_1pct"]["dealer_long_calls_short_puts"]),
            number(&gex["zero_gamma"]["nearest"], 2),
            age(&obi["meta"]["as_of_ms"], now),
        )
    }

    /// What is known of all symbols together.
    fn overall(&self, now: Timestamp) -> String {
        let document = |key: &str| self.document(&keys::overall(key, None), now);
        let (vix1d, portfolio) = (document("vix1d"), document("portfolio:summary"));
        format!(
            "\nvix1d {} ({}); portfolio: net gex {}, net dex {}, {} symbols\n",
            number(&vix1d["value"], 2),
            vix1d["source"].as_str().unwrap_or("no source"),
            money(&portfolio["signed_gex_usd_per_1pct"]),
            money(&portfolio["signed_dex_usd"]),
            number(&portfolio["symbol_count"], 0),
        )
    }

    fn document(&self, key: &str, now: Timestamp) -> Value {
        match self.board.get(key, now) {
            Fetched::Value(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            _ => Value::Null,
        }
    }
}

fn number(value: &Value, decimals: usize) -> String {
    let number = value.as_f64();
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.decimals$}"))
}

/// Money in thousands, millions or billions.
fn money(value: &Value) -> String {
    let Some(value) = value.as_f64() else {
        return "-".to_owned();
    };
    let (unit, letter) = match value.abs() {
        size if size >= 1e9 => (1e9, "B"),
        size if size >= 1e6 => (1e6, "M"),
        size if size >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    format!("{:.2}{letter}", value / unit)
}

fn age(as_of_ms: &Value, now: Timestamp) -> String {
    match as_of_ms.as_i64() {
        Some(ms) => format!("{} ms", (now.millis() - ms).max(0)),
        None => "-".to_owned(),
    }
}
