//! An engine that was killed and goes on from its saved states, beside one that was not.

use quant::synthetic::{Instrument, Kind, World};

use super::*;

const HALF: Span = Span::from_millis(500);

/// A market of symbols A and B that plays the same on every board.
struct Market {
    world: World,
    names: Vec<Symbol>,
}

impl Market {
    fn new() -> Self {
        let instruments: Vec<Instrument> = ["A", "B"]
            .iter()
            .zip(World::default_instruments())
            .map(|(name, instrument)| Instrument {
                symbol: Symbol::new(name).unwrap(),
                ..instrument
            })
            .collect();
        Self {
            world: World::new(7, &instruments, NOW),
            names: instruments.iter().map(|i| i.symbol.clone()).collect(),
        }
    }

    fn advance(&mut self, until: Timestamp, boards: &[&Board]) {
        let names = &self.names;
        self.world.advance(until, &mut |event| {
            let (symbol, at) = (&names[event.instrument], event.at.nanos());
            for board in boards {
                match &event.kind {
                    Kind::Trade { trade, .. } => {
                        let touch = trade.touch.unwrap();
                        let text = format!(
                            r#"{{"price":{},"size":{},"timestamp":{at},"bid":{},"ask":{}}}"#,
                            trade.price.to_f64(),
                            trade.size.to_f64(),
                            touch.bid.to_f64(),
                            touch.ask.to_f64(),
                        );
                        board.push(format!("market:{symbol}:trades").into(), text.into());
                    }
                    Kind::Quote { quote, .. } => {
                        let last = quote.spot.unwrap().to_f64();
                        let text = format!(r#"{{"last":{last},"timestamp":{at}}}"#);
                        board.set(format!("market:{symbol}:ticker").into(), text.into());
                    }
                    Kind::Book(_) => {}
                }
            }
        });
    }
}

/// Another engine on the same store.
fn successor(rig: &Rig) -> Rig {
    let setup = rig.engine.setup.clone();
    let status = Arc::new(StatusBoard::new(NOW, setup.period(), &setup.intervals));
    let source = Source::Board(rig.board.clone());
    let sink = Sink::board(rig.board.clone());
    Rig {
        board: rig.board.clone(),
        engine: Engine::inline(setup, source, sink, status.clone()),
        status,
    }
}

const SETS: [&str; 4] = [
    "engine.state_save_seconds=30",
    "calculators.vpin.bucket_size=500",
    "calculators.vpin.buckets=20",
    "market.exchange=\"ALWAYS\"",
];

#[tokio::test]
async fn after_a_kill_vpin_goes_on_as_if_nothing_had_happened() {
    let mut undisturbed = rig(&SETS, quant::calculators::PER_SYMBOL, false);
    let mut killed = rig(&SETS, quant::calculators::PER_SYMBOL, false);
    let mut market = Market::new();
    let mut now = NOW;
    let key = "analytics:A:vpin";

    // Ten minutes, in which the savings fall between other things, and then the kill: what was
    // saved last is up to half a minute old.
    for _ in 0..1213 {
        market.advance(now, &[&undisturbed.board, &killed.board]);
        undisturbed.pass(now).await;
        killed.pass(now).await;
        tokio::task::yield_now().await;
        now = now.plus(HALF);
    }
    assert_eq!(undisturbed.document(key, now)["meta"]["status"], "ok");

    // Three seconds nobody is there, then the successor.
    for _ in 0..6 {
        market.advance(now, &[&undisturbed.board, &killed.board]);
        undisturbed.pass(now).await;
        now = now.plus(HALF);
    }
    let mut successor = successor(&killed);
    drop(killed);
    for pass in 0..40 {
        market.advance(now, &[&undisturbed.board, &successor.board]);
        undisturbed.pass(now).await;
        successor.pass(now).await;
        if pass == 0 {
            let first = successor.document(key, now);
            assert_eq!(first["timestamp"], now.seconds(), "written at once");
            assert_eq!(first["meta"]["status"], "ok", "without warming");
        }
        now = now.plus(HALF);
    }
    for key in ["analytics:A:vpin", "analytics:B:vpin"] {
        assert_eq!(successor.document(key, now), undisturbed.document(key, now));
    }
    let bad = &successor.status.lock().bad_input;
    assert!(bad.is_empty(), "{bad:?}");
}

#[tokio::test]
async fn a_state_of_other_settings_or_of_nonsense_is_not_restored() {
    let mut first = rig(&SETS, quant::calculators::PER_SYMBOL, false);
    let mut market = Market::new();
    let mut now = NOW;
    for _ in 0..600 {
        market.advance(now, &[&first.board]);
        first.pass(now).await;
        tokio::task::yield_now().await;
        now = now.plus(HALF);
    }
    first.engine.save_all(now).await.unwrap();

    let other = [
        SETS[0],
        "calculators.vpin.bucket_size=1e6",
        SETS[2],
        SETS[3],
    ];
    let mut changed = rig(&other, quant::calculators::PER_SYMBOL, false);
    changed.engine.source = Source::Board(first.board.clone());
    changed.engine.sink = Sink::board(first.board.clone());
    changed.pass(now).await;
    let document = first.document("analytics:A:vpin", now);
    assert_eq!(
        document["meta"]["status"], "warming",
        "buckets of another size start anew"
    );

    let nonsense = ["", "{}", "\u{28}\u{b5}"];
    for text in nonsense {
        for name in ["tape", "vpin", "obi"] {
            let key = format!("state:analytics:A:{name}");
            first.board.set(key.into(), text.into());
        }
        let mut next = successor(&first);
        next.pass(now).await;
        assert_eq!(
            next.document("analytics:A:summary", now)["meta"]["status"],
            "ok"
        );
    }
}

#[tokio::test]
async fn settings_of_another_symbol_or_of_ages_do_not_disturb_vpin() {
    let mut undisturbed = rig(&SETS, quant::calculators::PER_SYMBOL, false);
    let mut changed = rig(&SETS, quant::calculators::PER_SYMBOL, false);
    let mut market = Market::new();
    let mut now = NOW;
    for pass in 0..1200 {
        if pass == 900 {
            let more = [
                "calculators.vpin.bucket_sizes.B=1000",
                "max_age_ms.ticker=14000",
                "update_intervals.vpin=4",
            ];
            let sets = [&SETS[..], &more].concat();
            let setup = Setup::new(config(&sets), quant::calculators::PER_SYMBOL);
            changed.engine.reconfigure(Arc::new(setup));
        }
        market.advance(now, &[&undisturbed.board, &changed.board]);
        undisturbed.pass(now).await;
        changed.pass(now).await;
        now = now.plus(HALF);
    }
    market.advance(now, &[&undisturbed.board, &changed.board]);
    for rig in [&mut undisturbed, &mut changed] {
        rig.engine.write_everything_again();
        rig.pass(now).await;
    }
    let without_ages = |rig: &Rig, key: &str| {
        let mut document = rig.document(key, now);
        assert_eq!(document["meta"]["status"], "ok", "{document}");
        document.as_object_mut().unwrap().remove("meta");
        document
    };
    let key = "analytics:A:vpin";
    assert_eq!(without_ages(&changed, key), without_ages(&undisturbed, key));
    let key = "analytics:B:vpin";
    assert_eq!(without_ages(&changed, key)["bucket_size"], 1000.0);
}
