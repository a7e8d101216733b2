//! One pass: clusters of the window, matched with those of the pass before, and how good they are.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

use super::features::{FEATURES, LOG_SIZE, MOVE, NAMES, SIGN, SWEEP, Sample};
use super::naming::{Signature, Strategy};
use super::payload::{ClusterStats, Participants, Payload, Strategies};
use super::scale::Scale;
use super::{Memory, Params};
use crate::calculator::NoValue;
use crate::math::assignment::assign;
use crate::math::cluster_quality::{adjusted_rand_index, bic, silhouette};
use crate::math::kmeans::{Clusters, Search, Unfit, fit, nearest, squared_distance};

/// Clusters.
pub(super) const K: usize = 3;

/// A fit that only follows the one before can stay where a better one has come up since: every so
/// often it starts anew.
const COLD_EVERY: u64 = 10;

/// Below it a silhouette shows no structure (Kaufman & Rousseeuw, "Finding Groups in Data", 1990,
/// table 4).
const LEAST_SILHOUETTE: f64 = 0.25;

/// Resampled fits behind the stability: 45 pairs of them in a few milliseconds.
const BOOTSTRAPS: u64 = 10;

type Row = [f64; FEATURES];

/// The clusters of a window.
pub(super) struct Pass {
    /// In the order of the labels.
    pub(super) centroids: [Row; K],
    labels: Vec<usize>,
    silhouette: Option<f64>,
    stability: Option<f64>,
    unclustered: bool,
    match_distance: Option<f64>,
}

impl Pass {
    pub(super) fn run(
        samples: &[Sample],
        memory: &Memory,
        params: &Params,
    ) -> Result<Self, NoValue> {
        let scale = &memory.scale;
        let rows: Vec<Row> = samples.iter().map(|s| scale.standardise(&s.raw)).collect();
        let is_cold = memory.fits.is_multiple_of(COLD_EVERY);
        let search = Search {
            k: K,
            seed: params.random_state,
            restarts: if is_cold { params.n_init } else { 0 },
        };
        let before = memory.centroids.as_ref();
        let found = fit(&rows, search, before.map(<[Row; K]>::as_slice)).map_err(no_value)?;

        let silhouette = silhouette(&rows, &found.labels, K);
        let has_structure = silhouette.is_some_and(|mean| mean >= LEAST_SILHOUETTE);
        let unclustered = !has_structure || one_is_better(&rows, &found);
        let stability = stability(&rows, &found.centroids, params.random_state);
        let (centroids, labels, match_distance) = matched(&found, before);
        Ok(Self {
            centroids,
            labels,
            silhouette,
            stability,
            unclustered,
            match_distance,
        })
    }

    pub(super) fn payload(&self, samples: &[Sample], scale: &Scale, params: &Params) -> Payload {
        let clusters: Vec<ClusterStats> = (0..K)
            .map(|label| self.stats(label, samples, scale))
            .collect();
        let share = |count: usize| count as f64 / samples.len() as f64;
        let counts_of = |is_one: &dyn Fn(&ClusterStats) -> bool| {
            let counts = clusters.iter().filter(|c| is_one(c)).map(|c| c.count);
            share(counts.sum())
        };
        let mut strategies = Strategies::default();
        for strategy in [
            Strategy::Momentum,
            Strategy::MeanReversion,
            Strategy::Hedging,
            Strategy::Unknown,
        ] {
            *strategies.share_mut(strategy) = counts_of(&|cluster| cluster.strategy == strategy);
        }
        let is_large = |cluster: &ClusterStats| cluster.mean_size >= params.institutional_size;
        let participants = Participants {
            institutional: counts_of(&is_large),
            retail: counts_of(&|cluster| !is_large(cluster)),
        };
        let units = scale.units();
        Payload {
            samples: Some(samples.len()),
            strategy_distribution: Some(strategies),
            participant_distribution: Some(participants),
            size_mix: Some(participants),
            cluster_stats: Some(clusters),
            centroids: Some(self.centroids.iter().map(|row| row.to_vec()).collect()),
            feature_names: Some(NAMES.map(str::to_owned).into()),
            feature_centers: Some(units.median.into()),
            feature_units: Some(units.iqr.into()),
            silhouette: self.silhouette,
            stability: self.stability,
            seed: Some(params.random_state),
            unclustered: Some(self.unclustered),
            match_distance: self.match_distance,
        }
    }

    fn stats(&self, label: usize, samples: &[Sample], scale: &Scale) -> ClusterStats {
        let labelled = samples.iter().zip(&self.labels);
        let members: Vec<&Sample> = labelled
            .filter(|(_, of)| **of == label)
            .map(|(sample, _)| sample)
            .collect();
        let mean = |value: fn(&Sample) -> f64| {
            let sum: f64 = members.iter().map(|member| value(member)).sum();
            sum / members.len().max(1) as f64
        };
        let mean_direction = mean(|sample| sample.raw[SIGN]);
        let centroid = &self.centroids[label];
        let signature = Signature {
            direction: mean_direction,
            price_change: scale.restore(centroid)[MOVE],
            size: centroid[LOG_SIZE],
        };
        ClusterStats {
            count: members.len(),
            mean_direction,
            mean_abs_return: mean(|sample| sample.abs_return),
            mean_notional: mean(|sample| sample.notional),
            mean_size: mean(|sample| sample.size),
            mean_time_gap: mean(|sample| sample.gap),
            sweep_ratio: mean(|sample| sample.raw[SWEEP]),
            strategy: match self.unclustered {
                true => Strategy::Unknown,
                false => Strategy::of(signature),
            },
        }
    }
}

fn no_value(why: Unfit) -> NoValue {
    NoValue::Undefined(match why {
        Unfit::TooFewRows => "fewer trades than clusters",
        Unfit::OutOfRange => "a trade's features are out of range",
        Unfit::Degenerate { .. } => "fewer than three different kinds of trade",
    })
}

/// Whether one cluster explains the rows as well as these do.
fn one_is_better(rows: &[Row], found: &Clusters<FEATURES>) -> bool {
    let single = Search {
        k: 1,
        seed: 0,
        restarts: 0,
    };
    let one = fit(rows, single, Some(&[[0.0; FEATURES]])).ok();
    // Clusters of one point each have no criterion: nothing explains them better.
    match (one.as_ref().and_then(bic), bic(found)) {
        (Some(one), Some(three)) => one <= three,
        _ => false,
    }
}

/// Centroids and labels under the labels of the pass before, and how far they moved on average.
fn matched(
    found: &Clusters<FEATURES>,
    before: Option<&[Row; K]>,
) -> ([Row; K], Vec<usize>, Option<f64>) {
    let new: [Row; K] = std::array::from_fn(|place| found.centroids[place]);
    let pairs = before.and_then(|before| {
        let distance = |one: &Row, other: &Row| squared_distance(one, other).sqrt();
        let costs: Vec<Vec<f64>> = new
            .iter()
            .map(|one| before.iter().map(|other| distance(one, other)).collect())
            .collect();
        let pairs = assign(&costs)?;
        let moved: f64 = (0..K).map(|place| costs[place][pairs[place]]).sum();
        Some((pairs, moved / K as f64))
    });
    let Some((label_of, moved)) = pairs else {
        return (new, found.labels.clone(), None);
    };
    let mut centroids = new;
    for (place, label) in label_of.iter().enumerate() {
        centroids[*label] = new[place];
    }
    let labels = found.labels.iter().map(|place| label_of[*place]);
    (centroids, labels.collect(), Some(moved))
}

/// The mean agreement of the partitions that fits to resampled rows make of all rows. Each starts
/// from the fit and once anew, and keeps the better.
fn stability(rows: &[Row], centroids: &[Row], seed: u64) -> Option<f64> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut pick = |count: usize| {
        let scaled = u128::from(chance.next_u64()) * count as u128;
        (scaled >> 64) as usize
    };
    let mut partitions: Vec<Vec<usize>> = Vec::new();
    for number in 0..BOOTSTRAPS {
        let resampled: Vec<Row> = rows.iter().map(|_| rows[pick(rows.len())]).collect();
        let search = Search {
            k: K,
            seed: seed.wrapping_add(number),
            restarts: 1,
        };
        if let Ok(found) = fit(&resampled, search, Some(centroids)) {
            let label = |row| nearest(row, &found.centroids).0;
            partitions.push(rows.iter().map(label).collect());
        }
    }
    let mut agreements = Vec::new();
    for (number, one) in partitions.iter().enumerate() {
        for other in &partitions[number + 1..] {
            agreements.extend(adjusted_rand_index(one, other));
        }
    }
    let sum: f64 = agreements.iter().sum();
    (!agreements.is_empty()).then(|| sum / agreements.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trades about these centres in the units of the default scale, with nearly normal scatter.
    fn samples(centres: &[Row], scatter: f64) -> Vec<Sample> {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(7);
        let mut uniform = || (chance.next_u64() >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        let sample = |number: usize| Sample {
            raw: centres[number % centres.len()]
                .map(|centre| centre + scatter * (0..12).map(|_| uniform()).sum::<f64>()),
            size: 10.0,
            notional: 100.0,
            abs_return: 0.0,
            gap: 1.0,
        };
        (0..200).map(sample).collect()
    }

    fn pass(samples: &[Sample], memory: &Memory) -> Pass {
        Pass::run(samples, memory, &Params::default()).unwrap()
    }

    /// The buyers after a rise, the sellers after one, and large trades after none.
    const KINDS: [Row; K] = [
        [0.0, 1.0, 2.0, 0.0, 0.0, 0.0],
        [0.0, -1.0, 2.0, -2.0, 0.0, 0.0],
        [2.0, 0.0, 0.0, 2.0, 0.0, 0.0],
    ];

    #[test]
    fn one_cloud_is_in_no_clusters_and_has_no_names() {
        let samples = samples(&[[0.0; FEATURES]], 1.0);
        let pass = pass(&samples, &Memory::default());
        assert!(pass.unclustered && pass.silhouette.unwrap() < LEAST_SILHOUETTE);
        assert!(pass.stability.unwrap() < 0.7);
        let payload = pass.payload(&samples, &Scale::default(), &Params::default());
        assert_eq!(payload.strategy_distribution.unwrap().unknown, 1.0);
        assert_eq!(payload.unclustered, Some(true));
    }

    #[test]
    fn three_kinds_are_clusters_and_are_named() {
        let samples = samples(&KINDS, 0.1);
        let pass = pass(&samples, &Memory::default());
        assert!(!pass.unclustered && pass.silhouette.unwrap() > 0.8);
        assert_eq!(pass.stability, Some(1.0));
        let payload = pass.payload(&samples, &Scale::default(), &Params::default());
        let shares = payload.strategy_distribution.unwrap();
        assert_eq!(
            [shares.momentum, shares.mean_reversion, shares.hedging],
            [0.335, 0.335, 0.33]
        );
    }

    #[test]
    fn labels_are_those_of_the_nearest_clusters_before() {
        let samples = samples(&KINDS, 0.1);
        let [a, b, c] = pass(&samples, &Memory::default()).centroids;
        for centroids in [[a, b, c], [b, c, a], [c, b, a]] {
            let memory = Memory {
                centroids: Some(centroids),
                fits: 1,
                ..Memory::default()
            };
            let again = pass(&samples, &memory);
            assert_eq!(again.centroids, centroids);
            assert_eq!(again.match_distance, Some(0.0));
        }
    }
}
