//! Signing looks back only: at the quote that stood before the trade, never at a later one.

use proptest::prelude::*;
use quant::market::Trade;
use quant::market::{QuoteHistory, Rule, SignedTrade, Signer, Signing, Span, Timestamp, Touch};

use crate::market::{cents, mirrored, opposite, prints, touch};

type Observed = (Timestamp, Option<Touch>);

fn sign(rule: Rule, delay: Span, trades: &[Trade], quotes: &[Observed]) -> Vec<SignedTrade> {
    let mut history = QuoteHistory::default();
    quotes
        .iter()
        .for_each(|(at, touch)| history.observe(*at, *touch));
    let mut signer = Signer::new(Signing {
        rule,
        quote_delay: delay,
        max_quote_age: Span::from_seconds(60.0),
    });
    trades
        .iter()
        .map(|trade| signer.sign(*trade, &history))
        .collect()
}

fn rule() -> impl Strategy<Value = Rule> {
    prop::sample::select(vec![
        Rule::Auto,
        Rule::Quote,
        Rule::Tick,
        Rule::LeeReady,
        Rule::Emo,
        Rule::Clnv,
    ])
}

/// Quotes within so many milliseconds, some of one side; with the later half of the history they
/// stay below what it keeps.
fn quotes(ms: std::ops::Range<i64>) -> impl Strategy<Value = Vec<Observed>> {
    let touched = prop::option::weighted(0.9, (9_990..10_010i64, -1..4i64));
    let quote = (ms, touched).prop_map(|(ms, touched)| {
        let touch = touched.map(|(bid, wide)| touch(cents(bid), cents(bid + wide)));
        (Timestamp::from_millis(ms), touch)
    });
    prop::collection::vec(quote, 0..QuoteHistory::KEPT / 2)
}

proptest! {
    #[test]
    fn quotes_at_or_after_the_last_trade_change_nothing(
        rule in rule(),
        delay_ms in 0..500i64,
        trades in prints(1..40),
        before in quotes(0..40_000),
        after in quotes(0..40_000),
        late_first in any::<bool>(),
    ) {
        let end = trades.last().unwrap().at;
        let delay = Span::from_millis(delay_ms);
        let from_end = |(at, touch): &Observed| (end.plus(at.since(Timestamp::default())), *touch);
        let after: Vec<Observed> = after.iter().map(from_end).collect();
        let both = if late_first { [after, before.clone()] } else { [before.clone(), after] };
        prop_assert_eq!(
            sign(rule, delay, &trades, &before),
            sign(rule, delay, &trades, &both.concat())
        );
    }

    #[test]
    fn each_trade_is_signed_as_if_the_quotes_ended_with_it(
        rule in rule(),
        trades in prints(1..40),
        quotes in quotes(0..40_000),
    ) {
        let all = sign(rule, Span::ZERO, &trades, &quotes);
        for (number, trade) in trades.iter().enumerate() {
            let seen: Vec<Observed> =
                quotes.iter().filter(|(at, _)| *at < trade.at).copied().collect();
            let then = sign(rule, Span::ZERO, &trades[..=number], &seen);
            prop_assert_eq!(then[number], all[number]);
        }
    }

    #[test]
    fn reflected_prices_swap_the_sides_and_nothing_else(
        rule in rule(),
        trades in prints(1..40),
    ) {
        let mirror: Vec<Trade> = trades.iter().copied().map(mirrored).collect();
        let signed = sign(rule, Span::ZERO, &trades, &[]);
        for (one, other) in signed.iter().zip(sign(rule, Span::ZERO, &mirror, &[])) {
            prop_assert_eq!(opposite(one.side), other.side);
            prop_assert_eq!(one.signed_by, other.signed_by);
        }
    }
}
