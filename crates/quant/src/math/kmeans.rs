//! k-means: rows in k clusters about their means, so that the squared distances to them are small.
//!
//! Starts are by k-means++ (Arthur & Vassilvitskii, "k-means++: The Advantages of Careful Seeding",
//! SODA 2007): the first of a search from nothing is linfa's, the others are seeded here, as one run of
//! linfa costs as much as ten of them. Its update counts the old centroid as one more point and so only comes
//! near to where Lloyd's ends ("Least Squares Quantization in PCM", IEEE Trans. Inf. Theory 28,
//! 1982); plain Lloyd steps from there end where no label changes any more.

use std::cmp::Ordering;

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_clustering::{KMeans, KMeansInit};
use ndarray::{Array2, ArrayView1};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// Greatest size of a number in a row: squares and sums of squares stay finite.
pub const LARGEST: f64 = 1e100;

/// linfa stops where centroids move by less. Its steps are damped and slow to come to rest; ours go
/// on from there to the fixed point.
const TOLERANCE: f64 = 0.1;

/// Steps at most. A few dozen are usual; what is not at rest by then is taken as it is.
const MAX_STEPS: usize = 300;

/// Rows in clusters.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters<const D: usize> {
    /// Means of the clusters, in lexicographic order.
    pub centroids: Vec<[f64; D]>,
    /// For each row, in the order given, the place of its cluster's centroid.
    pub labels: Vec<usize>,
    /// Sum of squared distances from the rows to their centroids.
    pub inertia: f64,
}

/// Why rows have no clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There are fewer rows than clusters are asked for, or none is asked for.
    TooFewRows,
    /// A row holds what is no number, or one larger than [`LARGEST`].
    OutOfRange,
    /// There are fewer different rows than clusters are asked for.
    Degenerate {
        /// How many different rows there are.
        distinct: usize,
    },
}

/// How clusters are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// Clusters.
    pub k: usize,
    /// Seed of the starts by k-means++.
    pub seed: u64,
    /// Starts by k-means++; one at least is made where there is no warm start.
    pub restarts: usize,
}

impl<const D: usize> Clusters<D> {
    /// Rows of each cluster.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.centroids.len()];
        for label in &self.labels {
            sizes[*label] += 1;
        }
        sizes
    }
}

/// The clusters of least inertia among those from the starts by k-means++ and from `warm_start`,
/// which is left aside unless it holds `k` finite centroids. Neither the labels nor a bit of the
/// centroids depends on the order of the rows.
pub fn fit<const D: usize>(
    rows: &[[f64; D]],
    search: Search,
    warm_start: Option<&[[f64; D]]>,
) -> Result<Clusters<D>, Unfit> {
    let Search { k, restarts, .. } = search;
    if k == 0 || rows.len() < k {
        return Err(Unfit::TooFewRows);
    }
    if !rows.iter().all(in_range) {
        return Err(Unfit::OutOfRange);
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| lexicographic(&rows[*a], &rows[*b]));
    let sorted: Vec<[f64; D]> = order.iter().map(|row| rows[*row]).collect();
    let distinct = 1 + sorted.windows(2).filter(|two| two[0] != two[1]).count();
    if distinct < k {
        return Err(Unfit::Degenerate { distinct });
    }

    let warm_start = warm_start.filter(|start| start.len() == k && start.iter().all(in_range));
    let warm = warm_start.map(|start| lloyd(&sorted, start.to_vec()));
    let wanted = if warm.is_some() {
        restarts
    } else {
        restarts.max(1)
    };
    let starts = (0..wanted as u64).map(|number| {
        let seed = search.seed.wrapping_add(number);
        // A search without a start of its own begins with linfa's.
        let by_linfa = number == 0 && warm.is_none();
        let start = by_linfa.then(|| by_linfa_from(&sorted, k, seed)).flatten();
        lloyd(
            &sorted,
            start.unwrap_or_else(|| plus_plus(&sorted, k, seed)),
        )
    });
    // The first of equal ones.
    let cold = starts.reduce(|best, next| {
        if next.inertia < best.inertia {
            next
        } else {
            best
        }
    });
    let best = match (warm, cold) {
        // The warm one where both are the same but for the last bits.
        (Some(warm), Some(cold)) if cold.inertia < warm.inertia * (1.0 - 1e-12) => cold,
        (Some(warm), _) => warm,
        (None, Some(cold)) => cold,
        (None, None) => return Err(Unfit::TooFewRows),
    };
    if best.sizes().contains(&0) {
        return Err(Unfit::Degenerate { distinct });
    }
    Ok(canonical(best, &order))
}

/// The place of the centroid nearest to the row, the first of those at one distance, and the
/// squared distance. There is at least one centroid.
pub fn nearest<const D: usize>(row: &[f64; D], centroids: &[[f64; D]]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (place, centroid) in centroids.iter().enumerate() {
        let distance = squared_distance(row, centroid);
        if distance < best.1 {
            best = (place, distance);
        }
    }
    best
}

/// Squared Euclidean distance.
pub fn squared_distance<const D: usize>(one: &[f64; D], other: &[f64; D]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Rows far from each other: the first by chance, each next with odds in proportion to its squared
/// distance from those chosen (Arthur, Vassilvitskii, "k-means++", SODA 2007).
fn plus_plus<const D: usize>(rows: &[[f64; D]], k: usize, seed: u64) -> Rows<D> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
    // 53 bits, in [0, 1).
    let mut share = || (chance.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let first = (share() * rows.len() as f64) as usize;
    let mut chosen = vec![rows[first.min(rows.len() - 1)]];
    let mut distances = vec![f64::INFINITY; rows.len()];
    while chosen.len() < k {
        let newest = chosen[chosen.len() - 1];
        for (row, distance) in rows.iter().zip(&mut distances) {
            *distance = distance.min(squared_distance(row, &newest));
        }
        let mut left = share() * distances.iter().sum::<f64>();
        // The last with any distance, where rounding leaves something over.
        let mut next = distances.iter().rposition(|d| *d > 0.0).unwrap_or(0);
        for (place, distance) in distances.iter().enumerate() {
            left -= distance;
            if left < 0.0 {
                next = place;
                break;
            }
        }
        chosen.push(rows[next]);
    }
    chosen
}

/// One run of linfa, near enough to its end.
fn by_linfa_from<const D: usize>(rows: &[[f64; D]], k: usize, seed: u64) -> Option<Rows<D>> {
    let records = Array2::from_shape_fn((rows.len(), D), |(row, feature)| rows[row][feature]);
    let model = KMeans::params_with_rng(k, Xoshiro256PlusPlus::seed_from_u64(seed))
        .init_method(KMeansInit::KMeansPlusPlus)
        .n_runs(1)
        .max_n_iterations(MAX_STEPS as u64)
        .tolerance(TOLERANCE)
        .fit(&DatasetBase::from(records))
        .ok()?;
    let to_array = |centroid: ArrayView1<'_, f64>| std::array::from_fn(|f| centroid[f]);
    let centroids: Rows<D> = model.centroids().outer_iter().map(to_array).collect();
    centroids.iter().all(in_range).then_some(centroids)
}

type Rows<const D: usize> = Vec<[f64; D]>;

/// Steps until no label changes. A cluster that lost all of its rows begins anew at the row that
/// is farthest from its centroid.
fn lloyd<const D: usize>(rows: &[[f64; D]], mut centroids: Rows<D>) -> Clusters<D> {
    let mut labels = vec![usize::MAX; rows.len()];
    let mut distances = vec![0.0; rows.len()];
    let mut sizes = vec![0usize; centroids.len()];
    for _ in 0..MAX_STEPS {
        let mut changed = false;
        sizes.fill(0);
        for ((row, label), distance) in rows.iter().zip(&mut labels).zip(&mut distances) {
            let (place, squared) = nearest(row, &centroids);
            changed |= *label != place;
            *label = place;
            *distance = squared;
            sizes[place] += 1;
        }
        for empty in 0..sizes.len() {
            if sizes[empty] > 0 {
                continue;
            }
            let candidates = (0..rows.len()).filter(|row| sizes[labels[*row]] > 1);
            // The first of the farthest.
            let farthest = candidates.rev().max_by(|a, b| {
                let by_distance = distances[*a].total_cmp(&distances[*b]);
                by_distance.then(Ordering::Less)
            });
            let Some(row) = farthest else { continue };
            sizes[labels[row]] -= 1;
            sizes[empty] = 1;
            labels[row] = empty;
            distances[row] = 0.0;
            changed = true;
        }
        if !changed {
            break;
        }
        means(rows, &labels, &sizes, &mut centroids);
    }
    let apart = rows.iter().zip(&labels);
    let inertia = apart.map(|(row, label)| squared_distance(row, &centroids[*label]));
    Clusters {
        inertia: inertia.sum(),
        centroids,
        labels,
    }
}

fn means<const D: usize>(
    rows: &[[f64; D]],
    labels: &[usize],
    sizes: &[usize],
    centroids: &mut [[f64; D]],
) {
    for (centroid, size) in centroids.iter_mut().zip(sizes) {
        if *size > 0 {
            *centroid = [0.0; D];
        }
    }
    for (row, label) in rows.iter().zip(labels) {
        for (sum, value) in centroids[*label].iter_mut().zip(row) {
            *sum += value;
        }
    }
    for (centroid, size) in centroids.iter_mut().zip(sizes) {
        if *size > 0 {
            centroid.iter_mut().for_each(|sum| *sum /= *size as f64);
        }
    }
}

/// Centroids in order, labels for the rows as they were before they were sorted.
fn canonical<const D: usize>(found: Clusters<D>, order: &[usize]) -> Clusters<D> {
    let mut by_centroid: Vec<usize> = (0..found.centroids.len()).collect();
    by_centroid.sort_by(|a, b| lexicographic(&found.centroids[*a], &found.centroids[*b]));
    let mut place_of = vec![0; by_centroid.len()];
    for (place, before) in by_centroid.iter().enumerate() {
        place_of[*before] = place;
    }
    let mut labels = vec![0; order.len()];
    for (row, label) in order.iter().zip(&found.labels) {
        labels[*row] = place_of[*label];
    }
    let centroids = by_centroid.iter().map(|before| found.centroids[*before]);
    Clusters {
        centroids: centroids.collect(),
        labels,
        inertia: found.inertia,
    }
}

fn in_range<const D: usize>(row: &[f64; D]) -> bool {
    row.iter().all(|value| value.abs() <= LARGEST)
}

/// Zeros of either sign are one number.
fn lexicographic<const D: usize>(one: &[f64; D], other: &[f64; D]) -> Ordering {
    let pairs = one.iter().zip(other);
    pairs
        .map(|(a, b)| (a + 0.0).total_cmp(&(b + 0.0)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Search = Search {
        k: 2,
        seed: 42,
        restarts: 1,
    };

    #[test]
    fn two_heaps_are_two_clusters_in_order() {
        let rows = [[10.0], [0.0], [11.0], [1.0], [12.0]];
        let found = fit(&rows, TWO, None).unwrap();
        assert_eq!(found.centroids, [[0.5], [11.0]]);
        assert_eq!(found.labels, [1, 0, 1, 0, 1]);
        assert_eq!(found.inertia, 2.5);
        assert_eq!(found.sizes(), [2, 3]);
    }

    #[test]
    fn what_has_no_clusters_says_why() {
        let refused = |rows: &[[f64; 1]]| fit(rows, TWO, None).unwrap_err();
        assert_eq!(refused(&[[1.0]]), Unfit::TooFewRows);
        assert_eq!(refused(&[[1.0], [f64::NAN]]), Unfit::OutOfRange);
        assert_eq!(refused(&[[1.0], [1e200]]), Unfit::OutOfRange);
        let same = [[0.0], [-0.0], [0.0]];
        assert_eq!(refused(&same), Unfit::Degenerate { distinct: 1 });
    }

    #[test]
    fn a_start_far_away_still_gives_every_cluster_rows() {
        let rows = [[0.0], [1.0], [10.0], [11.0]];
        let search = Search { restarts: 0, ..TWO };
        let found = fit(&rows, search, Some(&[[500.0], [600.0]])).unwrap();
        assert_eq!(found.labels, [0, 0, 1, 1]);
    }

    #[test]
    fn a_start_that_is_none_is_left_aside() {
        let rows = [[0.0], [1.0], [10.0], [11.0]];
        let cold = fit(&rows, TWO, None);
        assert_eq!(fit(&rows, TWO, Some(&[[f64::NAN], [1.0]])), cold);
        assert_eq!(fit(&rows, TWO, Some(&[[1.0]])), cold);
    }

    #[test]
    fn a_better_start_goes_before_a_warm_one() {
        // From these two the ends never part: {0}, {10, 11}, {20, 21} needs a start among them.
        let rows = [[0.0], [10.0], [11.0], [20.0], [21.0]];
        let three = Search {
            k: 3,
            restarts: 20,
            ..TWO
        };
        let stuck = [[0.0], [10.0], [18.0]];
        let found = fit(&rows, three, Some(&stuck)).unwrap();
        assert_eq!(found.centroids, [[0.0], [10.5], [20.5]]);
    }
}
