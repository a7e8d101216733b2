//! Exposures of option books: linear, additive, of no order; symmetric in calls and puts; without a
//! scale; what they say is what re-pricing the book says; and one bad contract changes no other.

use proptest::prelude::*;
use quant::calculators::{charm, dex, gex, hedging_impact, skew, vanna};
use quant::exposure::Conventions;
use quant::market::{Chain, Listing, Right, Span, Style, Timestamp, t_years};
use quant::math::black_scholes::{Terms, delta};
use quant::pricing::{
    ChainParams, Implied, Point, PricedAt, PricedChain, PricedContract, PricingTerms, usual_rate,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::chains::{EXPIRIES, OptionBook, RATE, books, close, date, noon};
use crate::desk::{Desk, Said};

/// What every calculator that reads a chain says of it, priced at the chain's own point.
fn said(chain: Chain) -> Vec<Said> {
    let mut desk = Desk::new(0.0);
    desk.snapshot.session_date = date(EXPIRIES[0]);
    desk.snapshot.session_close = Some(close());
    desk.list(chain, noon());
    let on_chains = ["gex", "dex", "vanna", "charm", "hedging_impact", "skew"];
    let mut all = desk.turn(noon());
    all.retain(|said| on_chains.contains(&said.name));
    assert_eq!(all.len(), on_chains.len());
    all
}

fn payload<P: DeserializeOwned>(all: &[Said], name: &str) -> P {
    let said = all.iter().find(|said| said.name == name).unwrap();
    serde_json::from_slice(&said.outcome.body).unwrap()
}

fn gex_of(all: &[Said]) -> gex::Payload {
    payload(all, "gex")
}

/// As exposures are compared: by the part of gross that they differ by.
fn near(one: f64, other: f64, gross: f64, part: f64) -> bool {
    (one - other).abs() <= part * gross.abs() + 1e-280
}

fn terms() -> PricingTerms {
    PricingTerms {
        chain: ChainParams::default(),
        rates: usual_rate("USD"),
        dividend_yield: None,
    }
}

fn implied(chain: &Chain) -> Implied {
    let spot = chain.head.spot.unwrap();
    Implied::of(chain, spot, &usual_rate("USD").unwrap(), &terms())
}

fn priced(chain: &Chain, implied: &Implied, spot: f64, at: Timestamp) -> PricedChain {
    let of = PricedAt::Chain;
    PricedChain::of(chain, implied, Point { spot, at, of })
}

/// Σ of something times what is open, calls and puts with a factor for the puts.
fn book(priced: &PricedChain, puts: f64, each: impl Fn(&PricedContract) -> f64) -> f64 {
    let amount = |c: &PricedContract| {
        let factor = if c.right == Right::Put { puts } else { 1.0 };
        factor * each(c) * c.open_interest.unwrap_or(0.0) * c.multiplier
    };
    priced.contracts.iter().map(amount).sum()
}

fn numbers(conventions: Conventions) -> [f64; 2] {
    assert_eq!(conventions.flow_signed, None);
    [
        conventions.unsigned,
        conventions.dealer_long_calls_short_puts,
    ]
}

fn swapped(listing: Listing<'static>) -> Listing<'static> {
    let right = match listing.right {
        Right::Call => Right::Put,
        Right::Put => Right::Call,
    };
    Listing { right, ..listing }
}

/// Contracts that stand for nothing beside a good one on the same strike and expiry.
fn bad_ones(good: Listing<'static>) -> Vec<Listing<'static>> {
    let empty = |strike| Listing {
        open_interest: Some(900.0),
        ..Listing::new(good.expiry, good.right, strike)
    };
    let elsewhere = good.strike + 0.5;
    vec![
        empty(0.0),
        empty(f64::NAN),
        empty(1e300),
        Listing {
            iv: Some(0.3),
            ..Listing {
                expiry: date("2024-03-08"),
                ..empty(good.strike)
            }
        },
        empty(elsewhere),
        // Volatility in percent, and what stands for none.
        Listing {
            iv: Some(25.0),
            ..empty(elsewhere)
        },
        Listing {
            iv: Some(1e-70),
            ..empty(elsewhere)
        },
        Listing {
            bid: Some(5.0),
            ask: Some(4.0),
            ..empty(elsewhere)
        },
        Listing {
            open_interest: Some(-40.0),
            iv: Some(0.3),
            ..empty(elsewhere)
        },
        Listing {
            root: Some("GOOG7"),
            multiplier: Some(100.0),
            open_interest: Some(0.0),
            volume: Some(0.0),
            iv: Some(0.3),
            ..good
        },
    ]
}

/// A body without what counts contracts rather than sums them.
fn without_counts(said: &Said) -> Value {
    let mut body = said.body();
    body.as_object_mut().unwrap().remove("basis");
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_order_contracts_are_listed_in_changes_no_bit(
        (book, other) in books(true).prop_flat_map(|book| {
            let shuffled = Just(book.listings.clone()).prop_shuffle();
            (Just(book), shuffled)
        })
    ) {
        let shuffled = OptionBook { listings: other, ..book };
        for (one, other) in said(book.chain()).iter().zip(said(shuffled.chain())) {
            prop_assert_eq!(&one.document, &other.document, "{}", one.name);
        }
    }

    #[test]
    fn exposure_is_linear_in_open_interest(book in books(false), k in 2..50i32) {
        let k = f64::from(k);
        let more = book.map(|l| Listing { open_interest: l.open_interest.map(|n| k * n), ..l });
        let (one, other) = (gex_of(&said(book.chain())), gex_of(&said(more.chain())));
        let [gross, net] = numbers(one.gex_usd_per_1pct.unwrap());
        let [gross_k, net_k] = numbers(other.gex_usd_per_1pct.unwrap());
        prop_assert!(near(k * gross, gross_k, gross_k, 1e-13));
        prop_assert!(near(k * net, net_k, gross_k, 1e-13));
        let (one, other) = (one.profile.unwrap(), other.profile.unwrap());
        for (one, other) in one.gex.iter().zip(other.gex) {
            prop_assert!(near(k * one, other, other.abs().max(gross_k), 1e-12));
        }
    }

    #[test]
    fn exposure_is_additive_over_a_partition(book in books(false), mask in any::<u32>()) {
        let part = |of_one: bool| {
            let listings = book.listings.iter().enumerate();
            let kept = listings.filter(|(at, _)| (mask >> (at % 32) & 1 == 1) == of_one);
            OptionBook { spot: book.spot, listings: kept.map(|(_, l)| *l).collect() }
        };
        let parts = [part(true), part(false)].map(|part| said(part.chain()));
        let whole = said(book.chain());
        let sum = |of: &dyn Fn(&[Said]) -> Option<Conventions>| {
            let each = parts.iter().filter_map(|part| of(part)).map(numbers);
            each.fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]])
        };
        let gex = |all: &[Said]| gex_of(all).gex_usd_per_1pct;
        let dex = |all: &[Said]| payload::<dex::Payload>(all, "dex").dex_usd;
        for of in [&gex as &dyn Fn(&[Said]) -> Option<Conventions>, &dex] {
            let (parts, whole) = (sum(of), numbers(of(&whole).unwrap()));
            // The largest of the sums is gross: of gamma the first, of delta the second.
            let gross = whole[0].abs().max(whole[1].abs());
            prop_assert!(near(parts[0], whole[0], gross, 1e-13));
            prop_assert!(near(parts[1], whole[1], gross, 1e-13));
        }
    }

    #[test]
    fn calls_for_puts_turn_the_sign_of_what_comes_of_gamma(book in books(false)) {
        let (one, other) = (said(book.chain()), said(book.map(swapped).chain()));
        let (a, b) = (gex_of(&one), gex_of(&other));
        let [gross, net] = numbers(a.gex_usd_per_1pct.unwrap());
        let [gross_b, net_b] = numbers(b.gex_usd_per_1pct.unwrap());
        prop_assert_eq!((gross, net), (gross_b, -net_b));
        prop_assert!(gross >= net.abs());
        prop_assert_eq!(a.call_wall.is_some() || a.put_wall.is_some(), gross > 0.0);
        let (a, b) = (a.profile.unwrap(), b.profile.unwrap());
        for (a, b) in a.gex.iter().zip(&b.gex) {
            prop_assert_eq!(*a, -b);
        }
        let [a, b] = [one, other].map(|all| payload::<vanna::Payload>(&all, "vanna"));
        if let (Some(a), Some(b)) = (a.vex_usd_per_volpt, b.vex_usd_per_volpt) {
            let ([gross, net], [gross_b, net_b]) = (numbers(a), numbers(b));
            prop_assert_eq!((gross, net), (gross_b, -net_b));
        }
    }

    #[test]
    fn a_book_in_other_money_is_the_same_book(book in books(true), power in -3..8i32) {
        // Powers of two change no digits.
        let scale = 2f64.powi(power);
        let scaled = OptionBook {
            spot: book.spot * scale,
            listings: book.map(|l| Listing {
                strike: l.strike * scale,
                bid: l.bid.map(|p| p * scale),
                ask: l.ask.map(|p| p * scale),
                ..l
            }).listings,
        };
        let (one, other) = (said(book.chain()), said(scaled.chain()));
        let status = |all: &[Said]| all.iter().map(|said| said.outcome.status).collect::<Vec<_>>();
        prop_assert_eq!(status(&one), status(&other));
        let (a, b) = (gex_of(&one), gex_of(&other));
        let (Some(a_gex), Some(b_gex)) = (a.gex_usd_per_1pct, b.gex_usd_per_1pct) else {
            return Ok(());
        };
        let ([gross, net], [gross_b, net_b]) = (numbers(a_gex), numbers(b_gex));
        prop_assert!(near(gross * scale, gross_b, gross_b, 1e-9));
        prop_assert!(near(net * scale, net_b, gross_b, 1e-9));
        let (shares, shares_b) = (a.gex_shares_per_1pct.unwrap(), b.gex_shares_per_1pct.unwrap());
        prop_assert!(near(shares.unsigned, shares_b.unsigned, shares.unsigned, 1e-9));
        prop_assert_eq!(a.call_wall.map(|k| k * scale), b.call_wall);
        prop_assert_eq!(a.put_wall.map(|k| k * scale), b.put_wall);
        prop_assert_eq!(a.regime, b.regime);
        let [a, b] = [&one, &other].map(|all| payload::<skew::Payload>(all, "skew"));
        if let (Some(a), Some(b)) = (a.skew, b.skew) {
            prop_assert!((a - b).abs() < 1e-8, "{} {}", a, b);
        }
    }

    #[test]
    fn tables_add_up_to_the_total(book in books(true)) {
        let all = said(book.chain());
        let listed = book.chain().listed;
        for said in all.iter().filter(|said| said.name != "skew") {
            let counted = &said.outcome.counted;
            if said.outcome.reason.is_none() {
                prop_assert_eq!(counted.used + counted.dropped.values().sum::<u64>(), listed);
            }
        }
        let of = gex_of(&all);
        let Some(totals) = of.gex_usd_per_1pct else { return Ok(()) };
        let [gross, net] = numbers(totals);
        prop_assert_eq!(of.total_gex, Some(100.0 * gross));
        let strikes: f64 = of.gex_by_strike.unwrap().0.iter().map(|(_, gex)| gex).sum();
        prop_assert!(near(strikes, 100.0 * gross, 100.0 * gross, 1e-12));
        let rows = of.by_strike.unwrap();
        prop_assert!(near(rows.iter().map(|s| s.net).sum(), net, gross, 1e-12));
        prop_assert!(rows.windows(2).all(|pair| pair[0].strike < pair[1].strike));
        let rows = of.by_expiry.unwrap();
        prop_assert!(near(rows.iter().map(|e| e.net).sum(), net, gross, 1e-12));
        prop_assert!(near(rows.iter().map(|e| e.gross).sum(), gross, gross, 1e-12));
        let bound = of.effective_oi_bound.unwrap();
        prop_assert!(bound.low <= gross * (1.0 + 1e-12) && gross <= bound.high * (1.0 + 1e-12));
        for share in [of.monthly_gross_share, of.zero_dte_share].into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&share));
        }
        let bands = of.within.unwrap();
        prop_assert!(bands.iter().all(|band| band.gross <= gross * (1.0 + 1e-12)));
        prop_assert!(bands.windows(2).all(|pair| pair[0].gross <= pair[1].gross * (1.0 + 1e-12)));
        let (below, above) = (of.supports.unwrap(), of.resistances.unwrap());
        prop_assert!(below.iter().all(|k| *k < book.spot) && above.iter().all(|k| *k >= book.spot));
        prop_assert!(below.len() <= 3 && above.len() <= 3);

        let of: dex::Payload = payload(&all, "dex");
        let (call, put, total) = (of.call_dex.unwrap(), of.put_dex.unwrap(), of.total_dex.unwrap());
        prop_assert!(call >= 0.0 && put <= 0.0);
        prop_assert!(near(call + put, total, call - put, 1e-12));
        let strikes: f64 = of.dex_by_strike.unwrap().0.iter().map(|(_, delta)| delta.net).sum();
        prop_assert!(near(strikes, total, call - put, 1e-12));

        let of: vanna::Payload = payload(&all, "vanna");
        if let Some(total) = of.total_vanna_shares_per_pct_vol {
            let rows = of.per_expiry.unwrap();
            let size: f64 = rows.iter().map(|e| e.vanna_shares_per_pct.abs()).sum();
            let sum = rows.iter().map(|e| e.vanna_shares_per_pct).sum();
            prop_assert!(near(sum, total, size, 1e-12));
            let impact: hedging_impact::Payload = payload(&all, "hedging_impact");
            prop_assert_eq!(impact.samples, of.samples);
            let parts = [impact.gamma_component_shares, impact.vanna_component_shares];
            let sum = parts[0].zip(parts[1]).map(|(gamma, vanna)| gamma + vanna);
            prop_assert_eq!(impact.shares_per_pct_move, sum);
        }
    }

    #[test]
    fn zero_gamma_is_where_the_book_re_priced_has_none(book in books(false)) {
        let chain = book.chain();
        let implied = implied(&chain);
        let of = gex_of(&said(chain.clone()));
        let at = |spot: f64| {
            let priced = priced(&chain, &implied, spot, noon());
            let gex = |c: &PricedContract| c.greeks.gamma * spot * spot * 0.01;
            [self::book(&priced, 1.0, gex), self::book(&priced, -1.0, gex)]
        };
        let (zero, profile) = (of.zero_gamma.unwrap(), of.profile.unwrap());
        let scale = of.gex_usd_per_1pct.unwrap().unsigned;
        for root in &zero.roots {
            let [gross, net] = at(root.spot);
            prop_assert!(net.abs() <= 1e-9 * gross, "{} of {} at {}", net, gross, root.spot);
        }
        prop_assert_eq!(of.zero_gamma_strike, zero.nearest);
        for (spot, published) in profile.spots.iter().zip(&profile.gex).step_by(20) {
            let [gross, net] = at(*spot);
            prop_assert!(near(net, *published, gross.max(1e-9 * scale), 1e-9));
        }
        let middle = profile.gex[profile.gex.len() / 2];
        let [gross, net] = numbers(of.gex_usd_per_1pct.unwrap());
        prop_assert!(near(net, middle, gross, 1e-10), "{} {}", net, middle);
    }

    #[test]
    fn exposures_are_the_slopes_of_the_book_re_priced(book in books(false)) {
        let chain = book.chain();
        let (implied, spot) = (implied(&chain), book.spot);
        let all = said(chain.clone());
        let here = priced(&chain, &implied, spot, noon());
        let open = |c: &PricedContract| c.open_interest.unwrap() * c.multiplier;
        let gross: f64 = here.contracts.iter().map(open).sum();
        let h = 1e-5;
        let bumped = |by: f64| priced(&chain, &implied, spot * (1.0 + by), noon());
        let (up, down) = (bumped(h), bumped(-h));
        for puts in [1.0, -1.0] {
            let pick = |c: Conventions| numbers(c)[usize::from(puts < 0.0)];
            let price = |p: &PricedChain| self::book(p, puts, |c| c.greeks.price);
            let dex = pick(payload::<dex::Payload>(&all, "dex").dex_usd.unwrap());
            let slope = (price(&up) - price(&down)) / (2.0 * h);
            prop_assert!(near(dex, slope, gross * spot, 1e-5), "{} {}", dex, slope);

            let delta = |p: &PricedChain| self::book(p, puts, |c| c.greeks.delta);
            let gex = pick(gex_of(&all).gex_usd_per_1pct.unwrap());
            let slope = (delta(&up) - delta(&down)) / (2.0 * h) * spot * 0.01;
            let size = gross.max(self::book(&here, 1.0, |c| c.greeks.gamma * spot)) * spot * 0.01;
            prop_assert!(near(gex, slope, size, 1e-4), "{} {}", gex, slope);

            let of: vanna::Payload = payload(&all, "vanna");
            if let Some(vex) = of.vex_usd_per_volpt {
                let d = 1e-6;
                let other = |by: f64| {
                    let mut implied = implied.clone();
                    for (iv, _) in implied.iv.iter_mut().flatten() {
                        *iv += by;
                    }
                    delta(&priced(&chain, &implied, spot, noon()))
                };
                let slope = (other(d) - other(-d)) / (2.0 * d) * 0.01 * spot;
                let size = 10.0 * gross * spot * 0.01;
                prop_assert!(near(pick(vex), slope, size, 1e-6), "{:?} {}", vex, slope);
            }
            let of: charm::Payload = payload(&all, "charm");
            if let Some(chex) = of.chex_usd_per_day {
                let at = |ms| {
                    let then = noon().plus(Span::from_millis(ms));
                    delta(&priced(&chain, &implied, spot, then))
                };
                let slope = (at(1_000) - at(-1_000)) / 2.0 * 86_400.0 * spot;
                let charm = |c: &PricedContract| c.greeks.charm.abs() / 365.0;
                let size = gross.max(self::book(&here, 1.0, charm)) * spot;
                prop_assert!(near(pick(chex), slope, size, 1e-6), "{:?} {}", chex, slope);
            }
        }
    }

    #[test]
    fn the_drift_is_the_difference_of_two_deltas(book in books(false)) {
        let chain = book.chain();
        let (implied, spot) = (implied(&chain), book.spot);
        let of: charm::Payload = payload(&said(chain.clone()), "charm");
        let Some(drift) = of.delta_drift else { return Ok(()) };
        let here = priced(&chain, &implied, spot, noon());
        let gross = self::book(&here, 1.0, |_| spot);
        for (until, drift) in [
            (noon().plus(Span::from_millis(900_000)), drift.m15),
            (noon().plus(Span::from_millis(3_600_000)), drift.m60),
            (close(), drift.close.unwrap()),
        ] {
            let change = |c: &PricedContract| {
                let settles = chain.series_of(c.listed_at).settles_at;
                let later = Terms { t_years: t_years(settles, until), ..here.terms(c) };
                (delta(c.right, &later).unwrap() - c.greeks.delta) * spot
            };
            let [unsigned, naive] = numbers(drift);
            prop_assert!(near(unsigned, self::book(&here, 1.0, change), gross, 1e-12));
            prop_assert!(near(naive, self::book(&here, -1.0, change), gross, 1e-12));
        }
    }

    #[test]
    fn a_bad_contract_changes_nothing_of_the_others(
        book in books(true), at in any::<prop::sample::Index>()
    ) {
        let good = book.listings[at.index(book.listings.len())];
        let before = said(book.chain());
        for bad in bad_ones(good) {
            let mut with = book.clone();
            with.listings.push(bad);
            let is_series = bad.root.is_some();
            // The same strike with a volatility where the good one has none is a row of its own.
            if is_series && good.iv.is_none() {
                continue;
            }
            for (one, other) in before.iter().zip(said(with.chain())) {
                // A series of its own has a smile of its own.
                if one.name == "skew" && is_series {
                    continue;
                }
                // A volatility says something of the market without open interest, too.
                let tells = bad.open_interest == Some(-40.0);
                let of_volatility = ["zero_gamma", "regime", "impact_bps"];
                if one.name == "skew" && tells {
                    continue;
                }
                let body = |said: &Said| {
                    let mut body = without_counts(said);
                    if tells {
                        let fields = body.as_object_mut().unwrap();
                        fields.retain(|field, _| !of_volatility.contains(&field.as_str()));
                    }
                    body
                };
                prop_assert_eq!(body(one), body(&other), "{} {:?}", one.name, bad);
            }
        }
    }

    #[test]
    fn a_flat_smile_has_no_skew(sigma in 0.1..0.8f64, spot in 50.0..500.0f64) {
        let strikes = (-40..=40).map(|step| spot * (1.0 + 0.015 * f64::from(step)));
        let both = |strike| [Right::Call, Right::Put].map(|right| Listing {
            iv: Some(sigma),
            ..Listing::new(date(EXPIRIES[2]), right, strike)
        });
        let book = OptionBook { spot, listings: strikes.flat_map(both).collect() };
        let of: skew::Payload = payload(&said(book.chain()), "skew");
        for (value, flat) in [
            (of.skew, 0.0), (of.skew_ratio, 0.0), (of.rr25_call_minus_put, 0.0), (of.bf25, 0.0),
            (of.slope, 0.0), (of.atm_iv, sigma), (of.call_iv, sigma), (of.put_iv, sigma),
        ] {
            prop_assert!((value.unwrap() - flat).abs() < 1e-14, "{:?}", of);
        }
    }

    #[test]
    fn calls_less_puts_are_the_forward(book in books(false), dividend in 0.0..0.05f64) {
        let both = book.listings.iter().flat_map(|l| [*l, swapped(*l)]);
        let european = both.map(|l| Listing { style: Some(Style::European), ..l });
        let chain = OptionBook { spot: book.spot, listings: european.collect() }.chain();
        let terms = PricingTerms { dividend_yield: Some(dividend), ..terms() };
        let implied = Implied::of(&chain, book.spot, &usual_rate("USD").unwrap(), &terms);
        let priced = priced(&chain, &implied, book.spot, noon());
        for pair in priced.contracts.windows(2) {
            let [call, put] = pair else { unreachable!() };
            let of = |c: &PricedContract| (c.series, c.strike.to_bits(), c.iv.to_bits());
            if call.right != Right::Call || of(call) != of(put) {
                continue;
            }
            let t = priced.series[call.series].t_years;
            let carried = book.spot * libm::exp(-dividend * t);
            let paid = call.strike * libm::exp(-RATE * t);
            let parity = call.greeks.price - put.greeks.price;
            prop_assert!((parity - (carried - paid)).abs() < 1e-12 * book.spot);
            let deltas = call.greeks.delta - put.greeks.delta;
            prop_assert!((deltas - libm::exp(-dividend * t)).abs() < 1e-14);
            let of = |c: &PricedContract| (c.greeks.gamma, c.greeks.vanna);
            prop_assert_eq!(of(call), of(put));
        }
    }
}
