//! The chain of a symbol as documents: one an expiry, its put-call ratios, the surface, the set of
//! expiries, and quotes of single contracts.

use std::sync::Arc;

use quant::calculators::expected_move::ExpectedMove;
use quant::calculators::max_pain::MaxPain;
use quant::calculators::oi_buildup::OiBuildup;
use quant::calculators::pcr::Pcr;
use quant::calculators::surface::{ExpirySurface, Surface};
use quant::market::{Chain, Right, Series, Timestamp};
use quant::math::oi_buildup::atm_strike;
use quant::pricing::{PricedChain, PricedContract};
use quant::snapshot::{ChainAtSpot, Input, Latest, Options, View};
use xxhash_rust::xxh3::xxh3_64;

use super::documents::{EnrichedChain, Leg, OptionQuote, PutCall, Smile, VolatilitySurface};
use super::expiries::{Expiry, expiries};
use super::{Run, Standing, hash, is_due};
use crate::store::exchange::{How, Write};
use crate::store::keys;

/// Volatility points in 1.0, and days in a year: greeks are given by point and day.
const POINTS: f64 = 100.0;
const DAYS: f64 = 365.0;

/// What the calculators found.
struct Found<'a> {
    pcr: Latest<'a, Pcr>,
    max_pain: Latest<'a, MaxPain>,
    build_up: Latest<'a, OiBuildup>,
    moves: Latest<'a, ExpectedMove>,
    surface: Latest<'a, Surface>,
}

impl<'a> Found<'a> {
    fn take(view: &'a View<'_>) -> Option<Self> {
        Some(Self {
            pcr: Latest::take(view).ok()?,
            max_pain: Latest::take(view).ok()?,
            build_up: Latest::take(view).ok()?,
            moves: Latest::take(view).ok()?,
            surface: Latest::take(view).ok()?,
        })
    }
}

/// The contracts of a chain that are priced, by their place in it.
struct Priced<'a> {
    contracts: Vec<Option<&'a PricedContract>>,
}

impl<'a> Priced<'a> {
    fn of(chain: &Chain, priced: Option<&'a PricedChain>) -> Self {
        let mut contracts = vec![None; chain.contracts.len()];
        for contract in priced.into_iter().flat_map(|priced| &priced.contracts) {
            contracts[contract.listed_at] = Some(contract);
        }
        Self { contracts }
    }

    /// Volatility, delta, gamma, vega and theta of a contract.
    fn of_contract(&self, at: usize) -> [Option<f32>; 5] {
        let Some(contract) = self.contracts[at] else {
            return [None; 5];
        };
        let greeks = &contract.greeks;
        [
            single(contract.iv),
            single(greeks.delta),
            single(greeks.gamma),
            single(greeks.vega / POINTS),
            single(greeks.theta / DAYS),
        ]
    }
}

/// Rounded to seven digits; what that cannot hold is not said.
fn single(value: f64) -> Option<f32> {
    // A negative zero plus zero is zero.
    let rounded = value as f32 + 0.0;
    rounded.is_finite().then_some(rounded)
}

impl Run<'_> {
    /// Everything about the chain, where there is one that speaks for now.
    pub(super) fn chain(&mut self, view: &View<'_>, most_quotes: usize) {
        let Ok(ChainAtSpot { chain, spot }) = ChainAtSpot::take(view) else {
            return;
        };
        let Some(found) = Found::take(view) else {
            return;
        };
        let expiries = expiries(chain, self.product.as_str(), self.now);
        let options = Options::take(view).ok();
        let priced = Priced::of(chain, options.map(|options| options.priced));
        let mut contents = Vec::with_capacity(expiries.len());
        for expiry in &expiries {
            let content = content(chain, expiry.series);
            contents.push(content);
            self.expiry(chain, expiry, spot, &priced, &found, content);
        }
        self.surface(chain, &expiries, &found, hash(contents));
        self.index(&expiries);
        self.quotes(chain, &expiries, &priced, most_quotes);
    }

    fn expiry(
        &mut self,
        chain: &Chain,
        expiry: &Expiry<'_>,
        spot: f64,
        priced: &Priced<'_>,
        found: &Found<'_>,
        content: u64,
    ) {
        let Series {
            expiry: date, root, ..
        } = expiry.series;
        let (date, root) = (*date, &**root);
        let pcr = found.pcr.payload.and_then(|payload| {
            let mut rows = payload.by_expiry.iter().flatten();
            rows.find(|row| row.expiry == date && row.root == root)
        });
        let ratios = pcr.map(|row| &row.ratios);
        let (pcr_oi, pcr_volume) = (
            ratios.and_then(|r| r.pcr_oi),
            ratios.and_then(|r| r.pcr_volume),
        );
        let at = chain.at();
        if ratios.is_some() {
            let key: Arc<str> = keys::latest_pcr(self.product, &expiry.name).into();
            let bits = |value: Option<f64>| value.map_or(u64::MAX, f64::to_bits);
            let content = hash([bits(pcr_oi), bits(pcr_volume), at.nanos() as u64]);
            if self.is_due(&key, content, true) {
                let document = PutCall {
                    pcr_oi,
                    pcr_volume,
                    timestamp: at.to_rfc3339(),
                };
                self.push("latest_pcr", key, &document, How::Replace);
            }
        }
        let key: Arc<str> = keys::latest_chain(self.product, &expiry.name).into();
        if !self.is_due(&key, content, true) {
            return;
        }
        let pain = found.max_pain.payload.and_then(|payload| {
            let mut rows = payload.by_expiry.iter().flatten();
            rows.find(|row| row.expiry == date && row.root == root)
        });
        let build_up = found.build_up.payload.and_then(|payload| {
            let mut rows = payload.by_expiry.iter().flatten();
            rows.find(|row| row.expiry == date && row.root == root)
        });
        let expected = found.moves.payload.and_then(|payload| {
            let mut rows = payload.by_expiry.iter().flatten();
            rows.find(|row| row.expiry == date && row.root == root)
        });
        let listed: Vec<_> = chain.strikes(expiry.series).collect();
        let strikes: Vec<f64> = listed.iter().map(|listed| listed.strike).collect();
        let leg = |at: usize| leg(chain, priced, at);
        let document = EnrichedChain {
            product: self.product.to_string(),
            expiry: date,
            root: root.to_owned(),
            spot_price: spot,
            pcr_oi,
            pcr_volume,
            atm_strike: atm_strike(strikes.iter().copied(), spot),
            atm_straddle_price: expected.and_then(|row| row.em_straddle),
            max_pain_strike: pain.and_then(|row| row.max_pain_strike),
            total_call_oi: ratios.and_then(|ratios| ratios.call_oi),
            total_put_oi: ratios.and_then(|ratios| ratios.put_oi),
            call_buildup_otm: build_up.map(|row| row.zones.call.otm),
            put_buildup_otm: build_up.map(|row| row.zones.put.otm),
            strikes,
            calls: listed.iter().map(|listed| listed.call.map(leg)).collect(),
            puts: listed.iter().map(|listed| listed.put.map(leg)).collect(),
            timestamp: at.to_rfc3339(),
            processed_at: self.now.to_rfc3339(),
        };
        let channel = keys::ENRICHED_CHAIN;
        let how = How::ReplaceAndPublish { channel };
        self.push("latest_chain", key, &document, how);
    }

    fn surface(&mut self, chain: &Chain, expiries: &[Expiry<'_>], found: &Found<'_>, content: u64) {
        let Some(payload) = found.surface.payload else {
            return;
        };
        let (Some(rows), Some(spot_price)) = (&payload.by_expiry, payload.spot) else {
            return;
        };
        let key: Arc<str> = keys::volatility_surface(self.product).into();
        if !self.is_due(&key, content, true) {
            return;
        }
        let of = |expiry: &Expiry<'_>| {
            let mut rows = rows.iter();
            let Series {
                expiry: date, root, ..
            } = expiry.series;
            rows.find(|row| row.expiry == *date && row.root == **root)
        };
        let document = VolatilitySurface {
            product: self.product.to_string(),
            timestamp: chain.at().to_rfc3339(),
            spot_price,
            expiries: expiries.iter().filter_map(of).map(smile).collect(),
        };
        self.push("volatility_surface", key, &document, How::Replace);
    }

    /// The set of expiries. It lives as long as their keys, and so is written on every run.
    fn index(&mut self, expiries: &[Expiry<'_>]) {
        let names: Vec<&str> = expiries.iter().map(|expiry| expiry.name.as_str()).collect();
        let value = names.join("\n");
        let key: Arc<str> = keys::expiries(self.product).into();
        if self.is_due(&key, xxh3_64(value.as_bytes()), true) {
            self.writes.push(Write {
                document: "index_expiries",
                key,
                value: value.into(),
                ttl_seconds: super::TTL,
                how: How::ReplaceSet,
            });
        }
    }

    /// Quotes that changed, or have stood for long, so many in a run; the rest goes on from there in
    /// the next.
    fn quotes(&mut self, chain: &Chain, expiries: &[Expiry<'_>], priced: &Priced<'_>, most: usize) {
        let series = expiries.iter().map(|expiry| expiry.series);
        let places: Vec<(&Series, usize)> = series
            .flat_map(|series| series.contracts.clone().map(move |at| (series, at)))
            .collect();
        if most == 0 || places.is_empty() {
            return;
        }
        let first = self.service.quotes.next % places.len();
        let (behind, ahead) = places.split_at(first);
        let mut written = 0;
        let mut next = first;
        for &(series, at) in ahead.iter().chain(behind) {
            if written == most {
                break;
            }
            next += 1;
            let symbol = occ(chain, series, at);
            let name = xxh3_64(symbol.as_bytes());
            let standing = Standing {
                content: hash(quoted(chain, at)),
                at: self.now,
            };
            let quotes = &mut self.service.quotes.standing;
            if !is_due(quotes.get(&name).copied(), standing, Some(self.refresh)) {
                continue;
            }
            quotes.insert(name, standing);
            written += 1;
            let document = quote(self.product.as_str(), symbol, chain, series, at, priced);
            let key = keys::latest_option(&document.symbol).into();
            self.push("latest_option", key, &document, How::Replace);
        }
        self.service.quotes.next = next % places.len();
    }
}

fn leg(chain: &Chain, priced: &Priced<'_>, at: usize) -> Leg {
    let contracts = &chain.contracts;
    let [iv, delta, gamma, vega, theta] = priced.of_contract(at);
    Leg {
        strike: contracts.strike[at],
        last: contracts.last.get(at),
        iv,
        open_interest: contracts.open_interest.get(at),
        volume: contracts.volume.get(at),
        oi_change: contracts.oi_change.get(at),
        bid: contracts.bid.get(at),
        ask: contracts.ask.get(at),
        delta,
        gamma,
        vega,
        theta,
    }
}

fn quote(
    product: &str,
    symbol: String,
    chain: &Chain,
    series: &Series,
    at: usize,
    priced: &Priced<'_>,
) -> OptionQuote {
    let contracts = &chain.contracts;
    let [iv, delta, gamma, vega, theta] = priced.of_contract(at);
    let own = contracts.quote_seconds.get(at);
    let own = own.map(|seconds| Timestamp::from_nanos((seconds * 1e9) as i64));
    OptionQuote {
        symbol,
        product: product.to_owned(),
        strike: contracts.strike[at],
        expiry: series.expiry,
        option_type: contracts.right[at].into(),
        bid: contracts.bid.get(at),
        ask: contracts.ask.get(at),
        last: contracts.last.get(at),
        volume: contracts.volume.get(at),
        open_interest: contracts.open_interest.get(at),
        delta,
        gamma,
        vega,
        theta,
        iv,
        timestamp: own.unwrap_or(chain.at()).to_rfc3339(),
    }
}

fn smile(row: &ExpirySurface) -> Smile<'_> {
    let rounded = |ivs: &[Option<f64>]| ivs.iter().map(|iv| iv.and_then(single)).collect();
    Smile {
        expiry: row.expiry,
        t_years: row.t_years,
        forward: row.forward,
        strikes: &row.rows.strike,
        call_ivs: rounded(&row.rows.call_iv),
        put_ivs: rounded(&row.rows.put_iv),
        mid_ivs: rounded(&row.rows.mid_iv),
        avg_iv: row.avg_iv,
        atm_iv: row.atm_iv,
        num_quotes: row.num_quotes,
        svi: row.svi,
        arbitrage: row.arbitrage,
    }
}

/// What a source says of a contract that a reader of quotes would see change.
fn quoted(chain: &Chain, at: usize) -> impl Iterator<Item = u64> {
    let contracts = &chain.contracts;
    let columns = [
        &contracts.bid,
        &contracts.ask,
        &contracts.last,
        &contracts.iv,
        &contracts.open_interest,
        &contracts.oi_change,
        &contracts.volume,
    ];
    columns
        .into_iter()
        .map(move |column| column.get(at).map_or(u64::MAX, f64::to_bits))
}

/// The same of all contracts of a series.
fn content(chain: &Chain, series: &Series) -> u64 {
    let contracts = series.contracts.clone();
    let listed = |at: usize| {
        let strike = chain.contracts.strike[at].to_bits();
        let is_call = u64::from(chain.contracts.right[at] == Right::Call);
        [strike, is_call].into_iter().chain(quoted(chain, at))
    };
    hash(contracts.flat_map(listed))
}

/// Root, `YYMMDD`, `C` or `P`, and the strike in thousandths on eight digits, more where it takes more.
fn occ(chain: &Chain, series: &Series, at: usize) -> String {
    let side = match chain.contracts.right[at] {
        Right::Call => 'C',
        Right::Put => 'P',
    };
    let date = series.expiry.format("%y%m%d");
    let thousandths = (chain.contracts.strike[at] * 1000.0).round();
    format!("{}{date}{side}{thousandths:08}", series.root)
}
