//! A desk that turns the calculators of one symbol as the engine does.

use chrono::NaiveDate;
use quant::calculator::{Entry, Outcome, Runner, Stamp, Status};
use quant::calculators::PER_SYMBOL;
use quant::document::Label;
use quant::market::{
    Bar, Chain, Imbalance, QuoteHistory, Rule, Signer, Signing, Span, Symbol, TapeRing, Timestamp,
    Trade,
};
use quant::pricing::{ChainParams, PricingTerms, usual_rate};
use quant::snapshot::{Dated, Discovered, ListedChain, Results, Snapshot};
use serde_json::{Value, json};

use crate::market::Pass;

/// One symbol with all of its calculators.
pub(crate) struct Desk {
    pub(crate) snapshot: Snapshot,
    signer: Signer,
    quotes: QuoteHistory,
    seats: Vec<Seat>,
}

/// A calculator at the desk, and the settings it was made from.
struct Seat {
    entry: &'static Entry,
    params: Value,
    runner: Box<dyn Runner>,
}

/// What one calculator said in a pass.
pub(crate) struct Said {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) document: Vec<u8>,
}

impl Desk {
    /// Every calculator of a symbol; VPIN with few buckets of so many shares (0: it finds out) and
    /// flow clusters of few trades, so that small markets fill them.
    pub(crate) fn new(bucket_size: f64) -> Self {
        let few = json!({
            "bucket_size": bucket_size, "buckets": 3, "min_trades": 2,
            "bvc_bars": 4, "bvc_min_bars": 2,
        });
        let changed = |entry: &Entry| match entry.card.name {
            "vpin" => few.clone(),
            "flow_clusters" => json!({ "window_trades": 60, "min_trades": 20, "n_init": 2 }),
            "toxicity" => json!({"minimum_trades": 2}),
            "gex" | "dex" | "vanna" | "charm" | "hedging_impact" | "skew" | "pcr" => {
                json!({"history_window": 3, "min_samples": 2})
            }
            "iv_rank" => json!({"sessions": 3, "min_sessions": 2, "days": 10.0}),
            _ => json!({}),
        };
        Self::of(
            PER_SYMBOL
                .iter()
                .map(|entry| Seat::new(entry, changed(entry)))
                .collect(),
        )
    }

    /// One calculator, with these of its settings changed.
    pub(crate) fn with(name: &str, changed: Value) -> Self {
        let entry = PER_SYMBOL.iter().find(|entry| entry.card.name == name);
        Self::of(vec![Seat::new(entry.unwrap(), changed)])
    }

    fn of(seats: Vec<Seat>) -> Self {
        let max_age = Span::from_seconds(30.0);
        Self {
            snapshot: Snapshot {
                symbol: Symbol::new("GOOG").unwrap(),
                session_date: NaiveDate::default(),
                quote: Dated::new(max_age),
                book: Dated::new(max_age),
                chain: Dated::new(max_age),
                bars: Dated::new(max_age),
                imbalance: Dated::new(max_age),
                pricing: PricingTerms {
                    chain: ChainParams::default(),
                    rates: usual_rate("USD"),
                    dividend_yield: None,
                },
                session_close: None,
                previous_session: None,
                tape: TapeRing::new(512),
                signing_rule: Rule::Auto,
                trades_max_age: max_age,
                discovered: Discovered::default(),
                baseline: None,
                results: Results::default(),
            },
            signer: Signer::new(Signing {
                rule: Rule::Auto,
                quote_delay: Span::ZERO,
                max_quote_age: max_age,
            }),
            quotes: QuoteHistory::default(),
            seats,
        }
    }

    /// The same desk after a restart: calculators from their saved memory and place, the tape as
    /// it was saved with them.
    pub(crate) fn restarted(mut self) -> Self {
        self.seats.iter_mut().for_each(Seat::restart);
        let saved = serde_json::to_string(&self.snapshot.tape).unwrap();
        self.snapshot.tape = serde_json::from_str(&saved).unwrap();
        self
    }

    /// What every calculator remembers.
    pub(crate) fn memories(&self) -> Vec<Value> {
        self.seats.iter().map(|seat| seat.runner.state()).collect()
    }

    /// Prints a trade on the tape.
    pub(crate) fn print(&mut self, trade: Trade) {
        let signed = self.signer.sign(trade, &self.quotes);
        self.snapshot.tape.push(signed);
    }

    /// Turns every calculator at `now`.
    pub(crate) fn turn(&mut self, now: Timestamp) -> Vec<Said> {
        let label = Label {
            symbol: Some(self.snapshot.symbol.clone()),
            stamp: Stamp::Seconds,
            currency: "USD".into(),
            config: "9f3c".into(),
            engine: "0.0.0",
            interval: Span::from_seconds(1.0),
        };
        let mut all = Vec::new();
        for Seat { entry, runner, .. } in &mut self.seats {
            let mut outcome = runner.run(&self.snapshot, now);
            let document = label.document(&outcome, now);
            self.snapshot.results.put(
                entry.card.name,
                outcome.status,
                outcome.provenance.as_of(),
                label.valid_until(&outcome, now),
                outcome.payload.take(),
            );
            all.push(Said {
                name: entry.card.name,
                outcome,
                document,
            });
        }
        let read_to = self
            .seats
            .iter()
            .filter_map(|seat| seat.runner.tape_cursor());
        if let Some(read_to) = read_to.min() {
            self.snapshot.tape.forget_read(read_to);
        }
        all
    }

    /// Takes in a chain; one that declares a delay is as fresh as its receipt.
    pub(crate) fn list(&mut self, chain: Chain, now: Timestamp) {
        let (at, head) = (chain.at(), &chain.head);
        let delayed = head.delayed || head.delay > Span::ZERO;
        let fresh_from = if delayed { now } else { at };
        let listed = ListedChain::new(chain);
        self.snapshot.chain.set_delayed(listed, at, fresh_from);
    }

    /// Takes in what came, then turns every calculator.
    pub(crate) fn pass(&mut self, pass: &Pass) -> Vec<Said> {
        self.snapshot.discovered = pass.discovered;
        self.snapshot.session_date = pass.session_date;
        self.snapshot.session_close = pass.session_close;
        self.snapshot.previous_session = pass.session_date.pred_opt();
        if let Some(listed) = self.snapshot.chain.newest_mut() {
            listed.reprice();
        }
        if let Some(chain) = &pass.chain {
            self.list(chain.clone(), pass.now);
        }
        if let Some(quote) = &pass.quote {
            self.quotes.observe(quote.at, quote.touch());
            self.snapshot.quote.set(quote.clone(), quote.at);
        }
        if let Some(book) = &pass.book {
            self.snapshot.book.set(book.clone(), book.at);
        }
        pass.trades.iter().for_each(|trade| self.print(*trade));
        self.close_soon(pass);
        self.turn(pass.now)
    }

    /// A close half an hour ahead, its auction told by a print on half of the passes, and bars that
    /// are as unruly as the prints.
    fn close_soon(&mut self, pass: &Pass) {
        let half_an_hour = Span::from_seconds(1_800.0);
        self.snapshot.session_close = Some(pass.now.plus(half_an_hour));
        let bar = |trade: &Trade| Bar {
            start: trade.at,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.size,
        };
        let bars = pass.trades.iter().map(bar).collect();
        self.snapshot.bars.set(bars, pass.now);
        self.snapshot.imbalance.clear();
        if let [first, .., last] = pass.trades.as_slice()
            && pass.trades.len().is_multiple_of(2)
        {
            let told = Imbalance {
                paired: first.size,
                imbalance: last.size,
                side: first.flag,
                reference_price: first.touch.map(|touch| touch.bid),
                near_price: Some(first.price),
                far_price: Some(last.price),
                at: pass.now,
            };
            self.snapshot.imbalance.set(told, pass.now);
        }
    }
}

impl Seat {
    fn new(entry: &'static Entry, changed: Value) -> Self {
        let mut params = (entry.card.default_params)();
        for (setting, value) in changed.as_object().unwrap() {
            assert!(
                params.get(setting).is_some(),
                "{} has no {setting}",
                entry.card.name
            );
            params[setting] = value.clone();
        }
        let runner = (entry.build)(&params, None).unwrap();
        Self {
            entry,
            params,
            runner,
        }
    }

    fn restart(&mut self) {
        let text = serde_json::to_string(&self.runner.state()).unwrap();
        let state: Value = serde_json::from_str(&text).unwrap();
        let read_to = self.runner.tape_cursor();
        self.runner = (self.entry.build)(&self.params, Some(&state)).unwrap();
        if let Some(read_to) = read_to {
            self.runner.read_from(read_to);
        }
        assert_eq!(self.runner.state(), state, "{}", self.entry.card.name);
    }
}

impl Said {
    /// The document's own fields.
    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.outcome.body).unwrap()
    }

    /// The document's own fields, of a value.
    pub(crate) fn value(&self) -> Value {
        assert_eq!(self.outcome.status, Status::Ok, "{:?}", self.outcome.reason);
        self.body()
    }
}

/// The one thing a desk of one calculator said.
pub(crate) fn only(said: Vec<Said>) -> Said {
    let [said] = <[Said; 1]>::try_from(said).ok().unwrap();
    said
}
