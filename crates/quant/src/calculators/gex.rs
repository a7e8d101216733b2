//! Gamma exposure: how many dollars of delta an option book gains when spot rises by 1 %, by strike
//! and expiry, and the spots at which that changes sign.
//!
//! Per contract Γ·OI·M·S²·0.01, signed by a convention about who holds which side
//! ([`crate::exposure`]). Zero gamma is a root of the book re-priced along spot at each strike's own
//! volatility, not a sign change along the strikes. Open interest is that of last night's close:
//! during the day the number moves with spot, volatility and time only.

mod book;
mod params;
mod payload;
mod rows;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, Mark, NoValue, Status};
use crate::exposure::{
    Conventions, Levels, Memory, Split, StrikeExposure, book, gamma_flip_by_strike,
};
use crate::market::Timestamp;
use crate::math::zero_gamma::Tracker;
use crate::pricing::{IvSource, PricedChain, PricedContract};
use crate::snapshot::{Options, PreviousSession, SessionDate};

use book::Book;
pub use params::Params;
pub use payload::{
    Band, Bound, ExpiryExposure, Payload, Profile, Regime, ZeroDte, ZeroGammaFields,
};
use rows::Row;

/// Supports and resistances carry more than this part of the total.
const LEVEL_SHARE: f64 = 0.1;

/// Within this part of a day's expected move of the zero-gamma level the regime is neutral.
const NEUTRAL_MOVES: f64 = 0.25;

/// Distances from spot whose exposure is shown, of spot.
const BANDS: [f64; 3] = [0.01, 0.02, 0.05];

/// What survives a restart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    memory: Memory,
    tracker: Tracker,
}

/// The gamma exposure of one symbol.
pub struct Gex {
    params: Params,
    state: State,
    counted: Counted,
    mark: Option<Mark>,
}

impl Calculator for Gex {
    const NAME: &'static str = "gex";
    const ABOUT: &'static str = "Gamma exposure: how many dollars of delta an option book gains \
        when spot rises by 1 %, by strike and expiry, and the spots at which that changes sign.";
    const JOB: Job = Job::GexDex;
    type Params = Params;
    type Input<'a> = (Options<'a>, SessionDate, PreviousSession);
    type Payload = Payload;
    type State = State;

    fn new(params: Params, state: State) -> Result<Self, String> {
        params.check()?;
        let memory = state.memory.restored(params.history_window)?;
        Ok(Self {
            params,
            state: State { memory, ..state },
            counted: Counted::default(),
            mark: None,
        })
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn compute(
        &mut self,
        (options, date, previous): Self::Input<'_>,
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let priced = options.priced;
        let spot = priced.point.spot;
        let (rows, counted) = match self.params.use_vendor_gamma {
            true => rows::stated(&options),
            false => rows::ours(priced),
        };
        self.counted = counted;
        if rows.is_empty() {
            return Err(NoValue::Undefined(
                "no contract has gamma and open interest",
            ));
        }
        let sign = self.params.sign;
        let total: Split = rows.iter().map(|row| (row.right, row.gex(spot))).collect();
        let totals = total.conventions();
        let strikes = rows::by_strike(&rows, spot);
        let signed: Vec<StrikeExposure> = strikes.iter().map(|s| s.under(sign)).collect();
        let levels = Levels::of(&signed);
        let first = |levels: &[crate::exposure::Level]| levels.first().map(|level| level.strike);

        let vendor =
            |listed: usize| matches!(options.implied.iv[listed], Ok((_, IvSource::Vendor)));
        let book = Book::of(priced, |contract| {
            !self.params.use_vendor_gamma || vendor(contract.listed_at)
        });
        let curve = book.curve(spot, sign, &self.params);
        let zero = curve.as_ref().map(|curve| &curve.zero);
        let tracked = self
            .state
            .tracker
            .follow(spot, zero.map_or(&[], |zero| &zero.levels));
        let expected_move = priced
            .atm_iv(1.0 / 365.0)
            .map(|iv| spot * iv * f64::sqrt(1.0 / 365.0));
        let zero_gamma = zero.map(|zero| ZeroGammaFields::of(zero, tracked, spot, expected_move));

        let unsigned = totals.unsigned;
        let per_hundred = 100.0 * unsigned;
        let remembered =
            self.state
                .memory
                .observe(Some(per_hundred), date, now, self.params.marks());
        self.mark = remembered.mark;
        let history = remembered.history;

        let by_strike = |s: &rows::StrikeTotals| (s.strike, 100.0 * s.split.conventions().unsigned);
        let enough = |s: &&rows::StrikeTotals| s.open_interest >= self.params.levels_oi_floor;
        let largest = strikes
            .iter()
            .filter(enough)
            .map(by_strike)
            .fold(None, larger);
        let heavy = |s: &&rows::StrikeTotals| by_strike(s).1 > LEVEL_SHARE * per_hundred;
        let below = strikes
            .iter()
            .rev()
            .filter(heavy)
            .map(|s| s.strike)
            .filter(|k| *k < spot);
        let above = strikes
            .iter()
            .filter(heavy)
            .map(|s| s.strike)
            .filter(|k| *k >= spot);

        Ok(Payload {
            spot: Some(spot),
            total_gex: Some(per_hundred),
            gex_by_strike: Some(crate::exposure::ByStrike(
                strikes.iter().map(by_strike).collect(),
            )),
            max_gex_strike: largest.map(|(strike, _)| strike),
            zero_gamma_strike: zero_gamma.as_ref().and_then(|zero| zero.nearest),
            supports: Some(below.take(3).collect()),
            resistances: Some(above.take(3).collect()),
            regime: Some(regime(totals.under(sign), zero_gamma.as_ref())),
            units: Some("dollar".to_owned()),
            zscore: history.zscore,
            zscore_mean: history.mean,
            zscore_stddev: history.stdev,
            zscore_samples: Some(history.samples),
            zscore_window: Some(history.window),
            zscore_status: Some(history.status),
            zscore_same_time: Some(remembered.same_time),
            sign: Some(sign),
            gex_usd_per_1pct: Some(totals),
            gex_usd_per_point: Some(totals.times(1.0 / (0.01 * spot))),
            gex_shares_per_1pct: Some(totals.times(1.0 / spot)),
            gex_slope_usd_per_1pct: Some(slope(priced)),
            adv_share: options
                .average_daily_volume
                .map(|adv| totals.under(sign).abs() / (adv * spot)),
            call_wall: first(&levels.call),
            put_wall: first(&levels.put),
            net_positive_wall: first(&levels.net_positive),
            net_negative_wall: first(&levels.net_negative),
            max_gross_gamma_strike: first(&levels.gross),
            max_abs_net_gamma_strike: first(&levels.absolute_net),
            gamma_flip_by_strike: gamma_flip_by_strike(&signed, spot),
            levels: Some(levels),
            zero_gamma,
            profile: curve.map(|curve| curve.profile),
            by_strike: Some(signed),
            by_expiry: Some(rows::by_expiry(&rows, spot, sign)),
            within: Some(bands(&rows, spot, sign)),
            monthly_gross_share: share(&rows, spot, |row| row.monthly),
            zero_dte_share: share(&rows, spot, |row| row.dte == 0),
            zero_dte: Some(zero_dte(&rows, spot)),
            gamma_share_dropped: priced.gamma_share_dropped,
            gex_volume: Some(volume(&rows, spot)),
            effective_oi_bound: Some(bound(&rows, spot)),
            oi_as_of: previous.0,
            vendor_gamma: Some(self.params.use_vendor_gamma),
            basis: Some(options.basis()),
        })
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn mark(&self) -> Option<Mark> {
        self.mark
    }

    fn absent(_: Status) -> Payload {
        Payload::default()
    }
}

/// The larger of two strikes by their exposure; of equal ones the lower.
fn larger(best: Option<(f64, f64)>, next: (f64, f64)) -> Option<(f64, f64)> {
    match best {
        Some(best) if best.1 >= next.1 => Some(best),
        Some(_) | None => Some(next),
    }
}

/// Whether hedging the book dampens moves, by its sign at spot; neutral where zero gamma is near.
fn regime(net: f64, zero: Option<&ZeroGammaFields>) -> Regime {
    let moves = zero.and_then(|zero| zero.distance_expected_moves);
    if net == 0.0 || moves.is_some_and(|moves| moves.abs() <= NEUTRAL_MOVES) {
        return Regime::Neutral;
    }
    match net > 0.0 {
        true => Regime::Stabilizing,
        false => Regime::Destabilizing,
    }
}

/// How the exposure changes with spot: by our greeks, whoever's gamma is taken.
fn slope(priced: &PricedChain) -> Conventions {
    let spot = priced.point.spot;
    let per_share = |contract: &PricedContract| {
        let greeks = &contract.greeks;
        2.0 * spot * greeks.gamma + spot * spot * greeks.speed
    };
    book(priced, per_share).times(1e-4 * spot)
}

fn of<'a>(rows: impl Iterator<Item = &'a Row>, spot: f64) -> Conventions {
    let split: Split = rows.map(|row| (row.right, row.gex(spot))).collect();
    split.conventions()
}

/// The part of gross gamma on some of the rows.
fn share(rows: &[Row], spot: f64, is_one: impl Fn(&Row) -> bool) -> Option<f64> {
    let gross = of(rows.iter(), spot).unsigned;
    let part = of(rows.iter().filter(|row| is_one(row)), spot).unsigned;
    (gross > 0.0).then(|| part / gross)
}

fn zero_dte(rows: &[Row], spot: f64) -> ZeroDte {
    let today = || rows.iter().filter(|row| row.dte == 0);
    let traded = today().map(|row| (row.right, row.gex_of(row.volume, spot)));
    ZeroDte {
        gex: of(today(), spot),
        gex_volume: traded.collect::<Split>().conventions(),
    }
}

fn volume(rows: &[Row], spot: f64) -> Conventions {
    let traded = rows
        .iter()
        .map(|row| (row.right, row.gex_of(row.volume, spot)));
    traded.collect::<Split>().conventions()
}

/// Gross exposure if all of today's volume closed positions, and if all of it opened some.
fn bound(rows: &[Row], spot: f64) -> Bound {
    let gross = |held: &dyn Fn(&Row) -> f64| {
        let amounts = rows.iter().map(|row| row.gex_of(held(row), spot));
        amounts.collect::<crate::math::sum::Sum>().value()
    };
    Bound {
        low: gross(&|row| (row.open_interest - row.volume).max(0.0)),
        high: gross(&|row| row.open_interest + row.volume),
    }
}

fn bands(rows: &[Row], spot: f64, sign: crate::exposure::SignConvention) -> Vec<Band> {
    let band = |within: f64| {
        let near = |row: &&Row| (row.strike / spot - 1.0).abs() <= within;
        let exposure = of(rows.iter().filter(near), spot);
        Band {
            pct: 100.0 * within,
            net: exposure.under(sign),
            gross: exposure.unsigned,
        }
    };
    BANDS.into_iter().map(band).collect()
}
