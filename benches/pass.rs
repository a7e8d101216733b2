//! A whole pass on the in-process board with every calculator due: what the engine itself costs,
//! without Redis. The budget of a pass is 500 ms.

use std::sync::Arc;

use analytics::config::{Sources, load};
use analytics::engine::Engine;
use analytics::engine::setup::{Setup, known};
use analytics::engine::status::StatusBoard;
use analytics::feed::message::{Message, What};
use analytics::feed::wire::Wire;
use analytics::recording::Op;
use analytics::sink::Sink;
use analytics::source::Source;
use analytics::store::board::Board;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use quant::calculators::PER_SYMBOL;
use quant::market::{Span, Symbol, Timestamp};
use quant::synthetic::{Instrument, World};

const START: Timestamp = Timestamp::from_seconds(1_795_159_000);

struct Rig {
    world: World,
    wire: Wire,
    symbols: Vec<Symbol>,
    count: u64,
    board: Arc<Board>,
    engine: Engine,
    now: Timestamp,
}

impl Rig {
    fn new(symbols: usize) -> Self {
        let base = World::default_instruments();
        let instruments: Vec<Instrument> = (0..symbols)
            .map(|at| Instrument {
                symbol: Symbol::new(&format!("S{at}")).expect("a letter and digits"),
                ..base[at % base.len()].clone()
            })
            .collect();
        let names: Vec<String> = instruments
            .iter()
            .map(|i| format!("\"{}\"", i.symbol))
            .collect();
        let sets = [
            format!("symbols.standard=[{}]", names.join(",")),
            "update_intervals.vpin=0".to_owned(),
            "update_intervals.order_book=0".to_owned(),
        ];
        let sources = Sources {
            sets: &sets,
            ..Sources::default()
        };
        let config = load(&known(), &sources)
            .expect("settings of the bench are right")
            .config;
        let setup = Arc::new(Setup::new(config, PER_SYMBOL).forgetful());
        let board = Arc::new(Board::default());
        let status = StatusBoard::new(START, setup.period(), &setup.intervals);
        let (source, sink) = (Source::Board(board.clone()), Sink::board(board.clone()));
        Self {
            world: World::new(1, &instruments, START),
            wire: Wire::new("bench", false),
            symbols: instruments.into_iter().map(|i| i.symbol).collect(),
            count: 0,
            engine: Engine::inline(setup, source, sink, Arc::new(status)),
            board,
            now: START,
        }
    }

    /// Half a second of market.
    fn live(&mut self) {
        self.now = self.now.plus(Span::from_millis(500));
        let (board, symbols) = (&self.board, &self.symbols);
        let (wire, count) = (&mut self.wire, &mut self.count);
        self.world.advance(self.now, &mut |event| {
            *count += 1;
            let message = Message {
                at: event.at,
                what: What::of_tape(&symbols[event.instrument], *count, event.kind),
            };
            wire.write(&message, &mut |record| match record.op {
                Op::Set => board.set(record.key, record.value),
                Op::Rpush | Op::Publish => board.push(record.key, record.value),
            });
        });
    }
}

fn pass(bench: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime without timers needs nothing");
    let mut group = bench.benchmark_group("pass, all jobs due");
    group.sample_size(30);
    for symbols in [10, 100, 500] {
        let mut rig = Rig::new(symbols);
        for _ in 0..200 {
            rig.live();
            runtime
                .block_on(rig.engine.pass(rig.now, None))
                .expect("the board answers");
        }
        group.bench_function(BenchmarkId::from_parameter(symbols), |b| {
            b.iter_custom(|passes| {
                let mut total = std::time::Duration::ZERO;
                for _ in 0..passes {
                    rig.live();
                    let watch = analytics::clock::Stopwatch::start();
                    runtime
                        .block_on(rig.engine.pass(rig.now, None))
                        .expect("the board answers");
                    total += watch.elapsed();
                }
                total
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pass);
criterion_main!(benches);
