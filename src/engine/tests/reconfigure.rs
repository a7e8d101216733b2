//! Other settings while the engine turns, with symbols at home and away.

use super::*;

fn setup_of(sets: &[&str], entries: &'static [Entry]) -> Arc<Setup> {
    Arc::new(Setup::new(config(sets), entries))
}

#[tokio::test]
async fn a_symbol_that_computes_is_changed_when_it_is_back_and_one_no_longer_named_goes() {
    let before = [
        "engine.compute_threads=2",
        "symbols.standard=[\"B\",\"Y\",\"Z\"]",
    ];
    let after = ["market.currency=\"EUR\"", "symbols.standard=[\"B\",\"Z\"]"];
    let mut rig = rig(&before, SLOW, true);
    let budget = Some(Duration::from_millis(50));
    let first = rig.engine.pass(NOW, budget).await.unwrap();
    assert_eq!((first.busy, first.symbols), (1, 2), "Z computes");

    rig.engine.reconfigure(setup_of(&after, SLOW));
    let mut at = NOW.plus(Span::from_millis(1_000));
    let second = rig.engine.pass(at, budget).await.unwrap();
    assert_eq!((second.busy, second.symbols), (1, 1));
    assert_eq!(rig.status.lock().symbols, 2);
    assert_eq!(
        rig.document("analytics:B:obi", at)["meta"]["currency"],
        "EUR"
    );

    RELEASED_LATER.store(true, Ordering::Relaxed);
    for _ in 0..100_000 {
        let pass = rig.engine.pass(at, budget).await.unwrap();
        if pass.symbols == 2 && rig.engine.change == Change::Settled {
            break;
        }
        std::thread::yield_now();
        at = at.plus(Span::from_millis(1_000));
    }
    assert_eq!(rig.engine.change, Change::Settled);
    assert_eq!(rig.engine.slots.len(), 2);
    let known: Vec<String> = {
        let known = rig.status.lock();
        known.documents.keys().map(Symbol::to_string).collect()
    };
    assert_eq!(known, ["B", "Z"]);
    assert_eq!(
        rig.document("analytics:Z:obi", at)["meta"]["currency"],
        "EUR"
    );
}

#[tokio::test]
async fn a_symbol_named_again_before_it_is_gone_stays() {
    let mut rig = rig(&[], quant::calculators::PER_SYMBOL, false);
    rig.ticker("B", NOW);
    rig.pass(NOW).await;
    let only_a = ["symbols.standard=[\"A\"]"];
    let entries = quant::calculators::PER_SYMBOL;
    rig.engine.reconfigure(setup_of(&only_a, entries));
    rig.engine.reconfigure(setup_of(&[], entries));
    let pass = rig.pass(NOW.plus(Span::from_millis(500))).await;
    assert_eq!(pass.symbols, 2);
    assert_eq!(rig.status.lock().documents.len(), 2);
}
