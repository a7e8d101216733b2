//! Chains: puts and calls agree, nothing can be had for nothing, and volatility is found again.

use quant::market::{ChainBuilder, Right, Settlement, t_years};
use quant::math::implied_vol::implied_vol;
use quant::synthetic::world::{Chain, Contract, Settings, World};

use super::{BEFORE_MONDAY, CALENDARS, MONDAY, after, only, pass, world};

/// Indices and the funds that follow them.
const INDICES: [&str; 7] = [
    "NIFTY",
    "BANKNIFTY",
    "FINNIFTY",
    "SENSEX",
    "SPY",
    "QQQ",
    "SPX",
];

/// Chains of all kinds, an hour into the sessions of New York and of Bombay.
fn chains() -> Vec<Chain> {
    let settings = Settings {
        generated: 5,
        trades_per_second: Some(20.0),
        ..Settings::default()
    };
    let chains = |start: &str| {
        let mut world = world(&settings, 11, start);
        let until = after(world.now(), 3.0 * 3_600.0);
        pass(&mut world, until);
        let open = (0..world.len()).filter(|symbol| world.is_open(*symbol));
        open.map(|symbol| world.chain(symbol).unwrap()).collect()
    };
    let mut all: Vec<Chain> = chains(MONDAY);
    all.extend(chains(BEFORE_MONDAY));
    assert_eq!(all.len(), 14);
    all
}

/// The forward, the discount factor and the years of a contract.
fn carry(chain: &Chain, contract: &Contract) -> (f64, f64, f64) {
    let t = t_years(contract.settles_at, chain.at);
    let forward = chain.spot * ((chain.rate - chain.dividend_yield) * t).exp();
    (forward, (-chain.rate * t).exp(), t)
}

/// The contracts of one right by series, as they stand: by strike.
fn slices(chain: &Chain, right: Right) -> Vec<Vec<&Contract>> {
    let of_right = chain.contracts.iter().filter(|one| one.right == right);
    let all: Vec<&Contract> = of_right.collect();
    let same = |a: &&Contract, b: &&Contract| a.expiry == b.expiry && a.root == b.root;
    all.chunk_by(same).map(<[&Contract]>::to_vec).collect()
}

fn half_width(contract: &Contract) -> f64 {
    0.5 * (contract.ask - contract.bid)
}

fn mid(contract: &Contract) -> f64 {
    0.5 * (contract.ask + contract.bid)
}

#[test]
fn puts_and_calls_agree_to_the_half_spread() {
    for chain in chains() {
        for pair in chain.contracts.chunks_exact(2) {
            let [call, put] = pair else { continue };
            assert_eq!((call.right, put.right), (Right::Call, Right::Put));
            assert_eq!((call.strike, call.expiry), (put.strike, put.expiry));
            let (forward, discount, _) = carry(&chain, call);
            let worth = discount * (forward - call.strike);
            let slack = half_width(call) + half_width(put) + 1e-9;
            let error = (call.mark - put.mark - worth).abs();
            assert!(error < 1e-9 * chain.spot, "{} {call:?}", chain.symbol);
            if call.bid > 0.0 && put.bid > 0.0 {
                let error = (mid(call) - mid(put) - worth).abs();
                assert!(error <= slack, "{}: {call:?} {put:?}", chain.symbol);
            }
        }
    }
}

#[test]
fn no_butterfly_and_no_calendar_costs_less_than_nothing() {
    for chain in chains() {
        for right in [Right::Call, Right::Put] {
            for slice in slices(&chain, right) {
                for three in slice.windows(3) {
                    let [low, middle, high] = three else { continue };
                    let share = (high.strike - middle.strike) / (high.strike - low.strike);
                    let fly = |of: &dyn Fn(&Contract) -> f64| {
                        share * of(low) + (1.0 - share) * of(high) - of(middle)
                    };
                    let exact = fly(&|one| one.mark);
                    assert!(exact > -1e-9 * chain.spot, "{} {middle:?}", chain.symbol);
                    // At the mids: but for the ticks that quotes stand on.
                    if three.iter().all(|one| one.bid > 0.0) {
                        let tick = chain_tick(&chain);
                        let at_mid = fly(&mid);
                        let widths = three.iter().map(|one| half_width(one)).sum::<f64>();
                        assert!(
                            at_mid > -tick - 1e-9 && at_mid > -widths,
                            "{at_mid} {middle:?}"
                        );
                    }
                }
            }
        }
        check_calendars(&chain);
    }
}

/// The step of prices of options, as the quotes show it.
fn chain_tick(chain: &Chain) -> f64 {
    let is_coarse = |one: &&Contract| (one.ask / 0.05 - (one.ask / 0.05).round()).abs() > 1e-6;
    if chain.contracts.iter().any(|one| is_coarse(&one)) {
        0.01
    } else {
        0.05
    }
}

/// Total variance at one moneyness does not fall from an expiry to the next.
fn check_calendars(chain: &Chain) {
    let slices = slices(chain, Right::Call);
    for two in slices.windows(2) {
        let [near, next] = two else { continue };
        let points = |slice: &[&Contract]| -> Vec<(f64, f64)> {
            let point = |one: &&Contract| {
                let (forward, ..) = carry(chain, one);
                ((one.strike / forward).ln(), one.total_variance)
            };
            slice.iter().map(point).collect()
        };
        let (near, next) = (points(near), points(next));
        for (k, variance) in near {
            let after = next.partition_point(|(other, _)| *other < k);
            if after == 0 || after == next.len() {
                continue;
            }
            // Between two strikes; the surface itself is checked where it is defined.
            let ((k0, w0), (k1, w1)) = (next[after - 1], next[after]);
            let chord = w0 + (w1 - w0) * (k - k0) / (k1 - k0);
            assert!(
                chord >= variance * (1.0 - 1e-9),
                "{}: {k} {chord} {variance}",
                chain.symbol
            );
        }
    }
}

#[test]
fn prices_are_positive_and_volatility_is_found_again() {
    let (mut quoted, mut all) = (0, 0);
    for chain in chains() {
        for contract in &chain.contracts {
            all += 1;
            let (forward, discount, t) = carry(&chain, contract);
            assert!(contract.mark >= 0.0 && contract.ask > contract.bid && contract.iv > 0.0);
            let out = contract.right.sign() * (contract.strike - forward) >= 0.0;
            // What nobody bids for, or is worth a tick or two, has no volatility to be found.
            if !out || contract.bid <= 0.0 {
                continue;
            }
            quoted += 1;
            assert!(contract.bid <= contract.mark + 1e-9 && contract.mark <= contract.ask + 1e-9);
            let solve = |price: f64| {
                let undiscounted = price / discount;
                implied_vol(contract.right, undiscounted, forward, contract.strike, t).unwrap()
            };
            let exact = solve(contract.mark);
            assert!(
                (exact / contract.iv - 1.0).abs() < 1e-6,
                "{exact} {contract:?}"
            );
            let found = solve(mid(contract));
            let (least, most) = (solve(contract.bid), solve(contract.ask));
            let band = 0.6 * (most - least) + 1e-9;
            assert!((found - contract.iv).abs() <= band, "{found} {contract:?}");
        }
    }
    println!("{quoted} of {all} contracts are out of the money and bid for");
    assert!(quoted * 5 > all, "{quoted} of {all}");
}

#[test]
fn quotes_are_wider_away_from_the_money_and_nobody_bids_far_out() {
    for chain in chains() {
        for right in [Right::Call, Right::Put] {
            for slice in slices(&chain, right) {
                let at_the_money = |one: &&&Contract| (one.delta.abs() - 0.5).abs() < 0.15;
                let Some(centre) = slice.iter().find(at_the_money) else {
                    continue;
                };
                let relative = |one: &Contract| half_width(one) / mid(one);
                let far_out = slice.iter().filter(|one| one.delta.abs() < 0.02);
                for far in far_out {
                    assert!(relative(far) > relative(centre), "{far:?} {centre:?}");
                }
                let deep = slice.iter().filter(|one| one.delta.abs() > 0.98);
                for deep in deep {
                    assert!(
                        half_width(deep) + 1e-9 >= half_width(centre),
                        "{deep:?} {centre:?}"
                    );
                }
            }
        }
        let unbid = chain.contracts.iter().filter(|one| one.bid == 0.0);
        let unbid: Vec<&Contract> = unbid.collect();
        // The strikes of a stock end before its wings are worth nothing.
        let has_wings = INDICES.contains(&chain.symbol.as_str());
        assert!(!unbid.is_empty() || !has_wings, "{}", chain.symbol);
        assert!(unbid.iter().all(|one| one.bid_size == 0 && one.ask > 0.0));
    }
}

#[test]
fn strikes_reach_a_fifth_to_both_sides_and_expiries_follow_the_rules() {
    for chain in chains() {
        for slice in slices(&chain, Right::Put) {
            let (first, last) = (slice[0].strike, slice[slice.len() - 1].strike);
            assert!(
                first < 0.8 * chain.spot && last > 1.2 * chain.spot,
                "{}",
                chain.symbol
            );
        }
        let symbol = chain.symbol.as_str();
        let product = CALENDARS.product(symbol, "XNYS").unwrap();
        let date = |one: &Contract| (one.expiry, &*one.root == "SPX");
        let mut dates: Vec<_> = chain.contracts.iter().map(date).collect();
        dates.dedup();
        assert!(dates.len() >= 3, "{symbol}");
        for (expiry, is_spx) in dates {
            let expiries = product.expiries(expiry, expiry);
            let am = |one: &&quant::market::Expiry<'_>| one.settlement == Settlement::Am;
            assert_eq!(
                expiries.iter().any(|one| am(&one)),
                is_spx,
                "{symbol} {expiry}"
            );
            assert!(!expiries.is_empty(), "{symbol} {expiry}");
        }
    }
}

#[test]
fn a_chain_builder_takes_every_contract() {
    for chain in chains() {
        let symbol = chain.symbol.as_str().to_owned();
        let mut builder = ChainBuilder::new(&CALENDARS, &symbol, "XNYS");
        for contract in &chain.contracts {
            builder.push(contract.listing(chain.at));
        }
        let head = quant::market::Head {
            as_of: chain.at,
            spot: Some(chain.spot),
            ..Default::default()
        };
        let built = builder.finish(head);
        assert_eq!(
            built.contracts.len(),
            chain.contracts.len(),
            "{symbol} {:?}",
            built.dropped
        );
        assert!(built.dropped.is_empty(), "{:?}", built.dropped);
    }
}

#[test]
fn asking_for_a_chain_changes_nothing() {
    let settings = only(&["AAPL"]);
    let start = MONDAY;
    let mut asked = world(&settings, 2, start);
    let mut alone = world(&settings, 2, start);
    let run = |world: &mut World, asks: bool| {
        let mut events = Vec::new();
        for minute in 1..=5 {
            let until = after(super::at(start), 60.0 * f64::from(minute));
            events.extend(world.advance(until));
            if asks {
                drop(world.chain(0));
            }
        }
        (events, world.chain(0))
    };
    assert_eq!(run(&mut asked, true), run(&mut alone, false));
}
