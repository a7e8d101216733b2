//! Correlation: how the prices of the symbols move together.
//!
//! Minute bars are joined on the minute, never by position, and a return whose ends lie in
//! different sessions is none. Prints are joined by nothing: Hayashi and Yoshida's estimator takes
//! them as they came. A pair with too few common returns is absent, not 0. A matrix that another
//! program found stands in only where none can be computed, and only while it is fresh.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Counted, Job, Status};
use crate::market::{Span, Timestamp};
use crate::math::correlation::{
    Correlation as Pearson, NoCorrelation, Scratch, fisher_interval, pearson,
};
use crate::math::eigen::smallest_eigenvalue;
use crate::math::hayashi_yoshida::hayashi_yoshida;
use crate::math::log_returns::{Point, Series, complete_rows};
use crate::math::shrinkage::{correlation_of, ledoit_wolf};
use crate::math::sum::Sum;
use crate::universe::{FoundMatrix, Part, Prices, RestsOn, Told, Universe, UniverseCalculator};

/// The probability with which the interval of a pair holds its true correlation.
const CONFIDENCE: f64 = 0.95;

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What it is computed from.
    pub method: Method,
    /// Minutes that are looked back.
    pub window_minutes: u64,
    /// Fewest common returns of a pair.
    pub min_observations: usize,
    /// Fewest symbols of a matrix.
    pub min_symbols: usize,
    /// Most symbols of a matrix.
    pub max_symbols: usize,
    /// A pair whose correlation is this large in size, or larger, is named.
    pub high: f64,
    /// Seconds after which a matrix that another program found is over.
    pub discovered_max_age_seconds: u64,
}

/// What correlation is computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Returns of minute bars, joined on the minute.
    #[default]
    MinuteBars,
    /// Prints as they came, by Hayashi and Yoshida.
    HayashiYoshida,
}

/// Symbol → symbol → number.
pub type Table<T> = BTreeMap<String, BTreeMap<String, T>>;

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// `computed`, `discovered` or `unavailable`.
    pub source: Option<String>,
    /// Correlations, the diagonal among them; of Hayashi–Yoshida clamped to ±1.
    pub matrix: Option<Table<f64>>,
    /// Pairs in it.
    pub pair_count: Option<usize>,
    /// Pairs whose correlation is large in size, the largest first.
    pub high_pairs: Option<Vec<Pair>>,
    /// Common returns of each pair, under the first of its symbols by name.
    pub observations: Option<Table<usize>>,
    /// Minutes that are looked back.
    pub window_minutes: Option<u64>,
    /// `pearson_log_returns_1min`, `hayashi_yoshida`, or what a found matrix says it was made by.
    pub method: Option<String>,
    /// Correlations of the covariance that Ledoit and Wolf shrink, over the returns that every one
    /// of its symbols has; null where these are too few.
    pub matrix_shrunk: Option<Table<f64>>,
    /// How far it was shrunk, 0 to 1.
    pub shrinkage: Option<f64>,
    /// Returns that every symbol of the shrunk matrix has.
    pub complete_rows: Option<usize>,
    /// Smallest eigenvalue of `matrix`: below 0 it is no matrix of correlations. Null where a pair
    /// is absent.
    pub min_eigenvalue: Option<f64>,
    /// Mean correlation of the pairs.
    pub avg_correlation: Option<f64>,
    /// Symbols that are not in the matrix.
    pub not_included: Option<Vec<String>>,
    /// Seconds since a found matrix was found, as it says itself or else since it first stood there.
    pub found_age_seconds: Option<f64>,
}

/// Two symbols that move together, or against each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// The symbols, by name.
    pub pair: [String; 2],
    /// Their correlation.
    pub correlation: f64,
    /// Common returns it rests on; null of a found matrix.
    pub observations: Option<usize>,
    /// Lower end of Fisher's 95 % interval; null where none is defined.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
}

/// Since when a found matrix stands there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    found: Option<(u64, Timestamp)>,
}

/// Correlation between all symbols.
pub struct Correlation {
    params: Params,
    state: State,
}

/// A symbol's prices, ready to be joined with others.
struct Row {
    symbol: String,
    series: Series,
    newest: Timestamp,
    volume: f64,
}

impl UniverseCalculator for Correlation {
    const NAME: &'static str = "correlation";
    const KEY: &'static str = "portfolio:correlation";
    const ABOUT: &'static str = "Correlation: how the prices of the symbols move together.";
    const JOB: Job = Job::Correlation;
    const READS: &'static [Part] = &[Part::Prices, Part::Matrix];
    type Params = Params;
    type Payload = Payload;
    type State = State;

    fn new(params: Params, state: State) -> Result<Self, String> {
        Ok(Self { params, state })
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn compute(&mut self, universe: &Universe, now: Timestamp) -> Vec<Told<Payload>> {
        let (rows, left_out) = self.rows(&universe.prices);
        let found = self.found(universe.matrix.as_ref(), now);
        let computed = self.computed(&rows, left_out);
        let told = match (computed, found) {
            (Ok((payload, rests_on, counted)), _) => Told::value(payload, rests_on, counted),
            (Err(_), Some(told)) => told,
            (Err(why), None) => Told::nothing(Self::absent(Status::Warming), Status::Warming, why),
        };
        vec![told]
    }

    fn absent(_status: Status) -> Payload {
        Payload {
            source: Some("unavailable".to_owned()),
            ..Payload::default()
        }
    }
}

impl Correlation {
    /// The symbols whose prices can be joined, by name, and the names of the others: of more than
    /// may be, those of the largest average daily volume.
    fn rows(&self, prices: &[Prices]) -> (Vec<Row>, Vec<String>) {
        let mut left_out = Vec::new();
        let mut rows = Vec::new();
        for prices in prices {
            let point = |point: &crate::universe::PricePoint| Point {
                time: point.at.nanos(),
                price: point.price,
                session: point.session,
            };
            let points: Vec<Point> = prices.points.iter().map(point).collect();
            let series = Series::new(&points);
            let symbol = prices.symbol.to_string();
            match prices.points.last() {
                Some(last) if !prices.stale && series.len() > self.params.min_observations => rows
                    .push(Row {
                        symbol,
                        series,
                        newest: last.at,
                        volume: prices.average_daily_volume.unwrap_or(0.0),
                    }),
                Some(_) | None => left_out.push(symbol),
            }
        }
        rows.sort_by(|a, b| b.volume.total_cmp(&a.volume).then(a.symbol.cmp(&b.symbol)));
        let most = self.params.max_symbols.min(rows.len());
        left_out.extend(rows.drain(most..).map(|row| row.symbol));
        rows.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        left_out.sort();
        (rows, left_out)
    }

    fn computed(
        &self,
        rows: &[Row],
        not_included: Vec<String>,
    ) -> Result<(Payload, RestsOn, Counted), String> {
        let need = self.params.min_symbols;
        if rows.len() < need {
            let have = rows.len();
            return Err(format!(
                "{have} of {need} symbols with {} common returns",
                self.params.min_observations
            ));
        }
        let pairs = self.pairs(rows);
        if pairs.is_empty() {
            return Err("no two symbols have enough returns in common".to_owned());
        }
        let mut matrix: Table<f64> = BTreeMap::new();
        let mut observations: Table<usize> = BTreeMap::new();
        let mut high_pairs = Vec::new();
        for row in rows {
            let own = [(row.symbol.clone(), 1.0)];
            matrix.insert(row.symbol.clone(), own.into());
        }
        for ((a, b), found) in &pairs {
            let (a, b) = (&rows[*a].symbol, &rows[*b].symbol);
            for (one, other) in [(a, b), (b, a)] {
                let row = matrix.entry(one.clone()).or_default();
                row.insert(other.clone(), found.rho);
            }
            let row = observations.entry(a.clone()).or_default();
            row.insert(b.clone(), found.n);
            if found.rho.abs() >= self.params.high {
                let interval = fisher_interval(*found, CONFIDENCE);
                high_pairs.push(Pair {
                    pair: [a.clone(), b.clone()],
                    correlation: found.rho,
                    observations: Some(found.n),
                    low: interval.map(|interval| interval.low),
                    high: interval.map(|interval| interval.high),
                });
            }
        }
        sort_pairs(&mut high_pairs);
        let shrunk = self.shrunk(rows);
        let mut rests_on = RestsOn::default();
        rows.iter().for_each(|row| rests_on.add(row.newest, None));
        let counted = Counted {
            used: rows.len() as u64,
            dropped: [("not_included", not_included.len() as u64)]
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect(),
        };
        let payload = Payload {
            source: Some("computed".to_owned()),
            pair_count: Some(pairs.len()),
            high_pairs: Some(high_pairs),
            observations: Some(observations),
            window_minutes: Some(self.params.window_minutes),
            method: Some(self.method().to_owned()),
            shrinkage: shrunk.as_ref().map(|shrunk| shrunk.shrinkage),
            complete_rows: shrunk.as_ref().map(|shrunk| shrunk.rows),
            matrix_shrunk: shrunk.map(|shrunk| shrunk.matrix),
            min_eigenvalue: least_eigenvalue(rows.len(), &pairs),
            avg_correlation: mean(pairs.iter().map(|(_, found)| found.rho)),
            matrix: Some(matrix),
            not_included: Some(not_included),
            found_age_seconds: None,
        };
        Ok((payload, rests_on, counted))
    }

    fn method(&self) -> &'static str {
        match self.params.method {
            Method::MinuteBars => "pearson_log_returns_1min",
            Method::HayashiYoshida => "hayashi_yoshida",
        }
    }

    /// Every pair with enough returns in common, by the places of its symbols.
    fn pairs(&self, rows: &[Row]) -> Vec<((usize, usize), Pearson)> {
        let mut scratch = Scratch::default();
        let need = self.params.min_observations;
        let mut of = |a: &Series, b: &Series| -> Result<Pearson, NoCorrelation> {
            match self.params.method {
                Method::MinuteBars => pearson(a, b, need, &mut scratch),
                Method::HayashiYoshida => hayashi_yoshida(a, b, need).map(|found| Pearson {
                    rho: found.clamped_rho(),
                    n: found.overlaps,
                }),
            }
        };
        let mut pairs = Vec::new();
        for a in 0..rows.len() {
            for b in a + 1..rows.len() {
                let found = of(&rows[a].series, &rows[b].series);
                pairs.extend(found.ok().map(|found| ((a, b), found)));
            }
        }
        pairs
    }

    /// The shrunk matrix over the symbols that have enough returns in common, all of them: while
    /// they have not, the one with the fewest prices is left out.
    fn shrunk(&self, rows: &[Row]) -> Option<ShrunkTable> {
        if self.params.method != Method::MinuteBars {
            return None;
        }
        let mut kept: Vec<&Row> = rows.iter().collect();
        let returns = loop {
            let series: Vec<&Series> = kept.iter().map(|row| &row.series).collect();
            let returns = complete_rows(&series);
            if returns.len() >= self.params.min_observations {
                break returns;
            }
            if kept.len() <= 2 {
                return None;
            }
            let fewest = kept
                .iter()
                .enumerate()
                .min_by_key(|(_, row)| row.series.len())?
                .0;
            kept.remove(fewest);
        };
        let shrunk = ledoit_wolf(&returns).ok()?;
        let correlations = correlation_of(&shrunk.covariance)?;
        let name = |at: usize| kept[at].symbol.clone();
        let row = |row: &Vec<f64>| {
            let pairs = row.iter().enumerate();
            pairs.map(|(at, value)| (name(at), *value)).collect()
        };
        let table = correlations.iter().enumerate();
        Some(ShrunkTable {
            matrix: table.map(|(at, values)| (name(at), row(values))).collect(),
            shrinkage: shrunk.shrinkage,
            rows: returns.len(),
        })
    }

    /// The matrix that another program found, while it is fresh. One that does not say when is as
    /// old as it has stood there.
    fn found(&mut self, found: Option<&FoundMatrix>, now: Timestamp) -> Option<Told<Payload>> {
        let Some(found) = found else {
            self.state.found = None;
            return None;
        };
        let since = match self.state.found {
            Some((fingerprint, since)) if fingerprint == found.fingerprint => since,
            Some(_) | None => now,
        };
        self.state.found = Some((found.fingerprint, since));
        let made = found.stated.unwrap_or(since);
        let max_age = Span::from_seconds(self.params.discovered_max_age_seconds as f64);
        let age = now.since(made);
        if age > max_age || found.matrix.len() < self.params.min_symbols {
            return None;
        }
        let mut high_pairs = Vec::new();
        let (mut pairs, mut all) = (0, Vec::new());
        for (a, row) in &found.matrix {
            for (b, correlation) in row.iter().filter(|(b, _)| *b > a) {
                pairs += 1;
                all.push(*correlation);
                if correlation.abs() >= self.params.high {
                    high_pairs.push(Pair {
                        pair: [a.clone(), b.clone()],
                        correlation: *correlation,
                        observations: None,
                        low: None,
                        high: None,
                    });
                }
            }
        }
        sort_pairs(&mut high_pairs);
        let payload = Payload {
            source: Some("discovered".to_owned()),
            matrix: Some(found.matrix.clone()),
            pair_count: Some(pairs),
            high_pairs: Some(high_pairs),
            method: found.method.clone(),
            avg_correlation: mean(all.into_iter()),
            found_age_seconds: Some(age.seconds()),
            ..Payload::default()
        };
        let mut rests_on = RestsOn::default();
        rests_on.add(made, Some(made.plus(max_age)));
        let counted = Counted {
            used: found.matrix.len() as u64,
            ..Counted::default()
        };
        Some(Told::value(payload, rests_on, counted))
    }
}

/// A shrunk matrix with what it rests on.
struct ShrunkTable {
    matrix: Table<f64>,
    shrinkage: f64,
    rows: usize,
}

/// The largest first; of equal ones by name.
fn sort_pairs(pairs: &mut [Pair]) {
    pairs.sort_by(|a, b| {
        let size = b.correlation.abs().total_cmp(&a.correlation.abs());
        size.then_with(|| a.pair.cmp(&b.pair))
    });
}

/// The smallest eigenvalue of the matrix; `None` where a pair is absent.
fn least_eigenvalue(size: usize, pairs: &[((usize, usize), Pearson)]) -> Option<f64> {
    if pairs.len() < size * (size - 1) / 2 {
        return None;
    }
    let mut matrix = vec![vec![0.0; size]; size];
    for (at, row) in matrix.iter_mut().enumerate() {
        row[at] = 1.0;
    }
    for ((a, b), found) in pairs {
        matrix[*a][*b] = found.rho;
        matrix[*b][*a] = found.rho;
    }
    smallest_eigenvalue(&matrix).ok()
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = values.clone().count();
    let sum: Sum = values.collect();
    (count > 0).then(|| sum.value() / count as f64)
}
