//! Whether clusters are any: silhouette, agreement of two partitions, and BIC of k against one.

use super::kmeans::{Clusters, squared_distance};

/// The mean over rows of (b − a) / max(a, b), −1 to 1: a the mean distance to the other rows of the
/// row's cluster, b that to the rows of the nearest other cluster (Rousseeuw, J. Comput. Appl. Math.
/// 20, 1987); 0 for a row alone in its cluster. `None` unless there are two clusters with rows, and
/// where a distance is not finite. Labels are below `k`. O(n²).
pub fn silhouette<const D: usize>(rows: &[[f64; D]], labels: &[usize], k: usize) -> Option<f64> {
    if rows.len() != labels.len() || labels.iter().any(|label| *label >= k) {
        return None;
    }
    let mut sizes = vec![0usize; k];
    labels.iter().for_each(|label| sizes[*label] += 1);
    if sizes.iter().filter(|size| **size > 0).count() < 2 {
        return None;
    }
    // The summed distance from each row to the rows of each cluster.
    let mut sums = vec![0.0; rows.len() * k];
    for (one, row) in rows.iter().enumerate() {
        for (other, of) in rows.iter().enumerate().skip(one + 1) {
            let distance = squared_distance(row, of).sqrt();
            sums[one * k + labels[other]] += distance;
            sums[other * k + labels[one]] += distance;
        }
    }
    let mut total = 0.0;
    for (sums, own) in sums.chunks_exact(k).zip(labels) {
        if sizes[*own] < 2 {
            continue;
        }
        let within = sums[*own] / (sizes[*own] - 1) as f64;
        let others = (0..k).filter(|cluster| cluster != own && sizes[*cluster] > 0);
        let between = others
            .map(|cluster| sums[cluster] / sizes[cluster] as f64)
            .fold(f64::INFINITY, f64::min);
        let larger = within.max(between);
        // Equal rows in two clusters are as near to one as to the other.
        if larger > 0.0 {
            total += (between - within) / larger;
        }
    }
    let mean = total / rows.len() as f64;
    mean.is_finite().then_some(mean)
}

/// How far two partitions of the same rows agree: 1 where they are the same but for the names of
/// the labels, 0 on average by chance, below 0 for less (Hubert & Arabie, Journal of Classification
/// 2, 1985, eq. 5). `None` where they are not of the same rows, or of none.
pub fn adjusted_rand_index(one: &[usize], other: &[usize]) -> Option<f64> {
    if one.len() != other.len() || one.is_empty() {
        return None;
    }
    let (one, rows) = dense(one);
    let (other, columns) = dense(other);
    let mut table = vec![0u64; rows * columns];
    for (row, column) in one.iter().zip(&other) {
        table[row * columns + column] += 1;
    }
    let pairs = |count: u64| (count * count.saturating_sub(1) / 2) as f64;
    let together: f64 = table.iter().map(|count| pairs(*count)).sum();
    let by_row: f64 = table
        .chunks(columns)
        .map(|row| pairs(row.iter().sum()))
        .sum();
    let by_column: f64 = (0..columns)
        .map(|column| pairs(table.iter().skip(column).step_by(columns).sum()))
        .sum();
    let all = pairs(one.len() as u64);
    let mean = (by_row + by_column) / 2.0;
    // All in one cluster, or each in its own, both times.
    if by_row == by_column && (by_row == 0.0 || by_row == all) {
        return Some(1.0);
    }
    let expected = by_row * by_column / all;
    Some((together - expected) / (mean - expected))
}

/// The labels renumbered from 0 without holes, and how many there are.
fn dense(labels: &[usize]) -> (Vec<usize>, usize) {
    let mut known = labels.to_vec();
    known.sort_unstable();
    known.dedup();
    let place = |label| known.partition_point(|other| other < label);
    (labels.iter().map(place).collect(), known.len())
}

/// The Bayesian information criterion of the clusters as spherical normal distributions of one
/// variance, −2 ln L + p·ln n with p = (k − 1) + k·D + 1; less is better (Pelleg & Moore, "X-means",
/// ICML 2000). `None` without more rows than clusters, or where the rows of each are one point: the
/// likelihood has no bound.
pub fn bic<const D: usize>(clusters: &Clusters<D>) -> Option<f64> {
    let (n, k) = (
        clusters.labels.len() as f64,
        clusters.centroids.len() as f64,
    );
    let d = D as f64;
    let variance = clusters.inertia / (d * (n - k));
    if n <= k || !(variance > 0.0 && variance.is_finite()) {
        return None;
    }
    let sizes = clusters.sizes().into_iter().filter(|size| *size > 0);
    let by_size: f64 = sizes
        .map(|size| size as f64 * libm::log(size as f64 / n))
        .sum();
    let log_likelihood = by_size
        - n * d / 2.0 * libm::log(2.0 * std::f64::consts::PI * variance)
        - d * (n - k) / 2.0;
    let parameters = (k - 1.0) + k * d + 1.0;
    Some(parameters * libm::log(n) - 2.0 * log_likelihood)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::kmeans::{Search, fit};

    #[test]
    fn the_silhouette_of_two_pairs_is_the_sum_by_hand() {
        // The ends: (10.5 − 1) / 10.5, the inner ones: (9.5 − 1) / 9.5.
        let rows = [[0.0], [1.0], [10.0], [11.0]];
        let expected = (9.5 / 10.5 + 8.5 / 9.5) / 2.0;
        let got = silhouette(&rows, &[0, 0, 1, 1], 2).unwrap();
        assert!((got - expected).abs() < 1e-15, "{got}");
    }

    #[test]
    fn one_cluster_has_no_silhouette_and_a_row_alone_counts_nothing() {
        assert_eq!(silhouette(&[[0.0], [1.0]], &[0, 0], 2), None);
        assert_eq!(silhouette(&[[0.0], [1.0]], &[0, 1], 2), Some(0.0));
        assert_eq!(silhouette(&[[0.0], [1.0]], &[0, 2], 2), None);
    }

    /// From the documentation of scikit-learn's `adjusted_rand_score`.
    #[test]
    fn agreement_is_what_scikit_learn_says_it_is() {
        let ari = |one: &[usize], other: &[usize]| adjusted_rand_index(one, other).unwrap();
        assert_eq!(ari(&[0, 0, 1, 1], &[1, 1, 0, 0]), 1.0);
        let near = ari(&[0, 0, 1, 2], &[0, 0, 1, 1]);
        assert!((near - 4.0 / 7.0).abs() < 1e-15, "{near}");
        assert_eq!(ari(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0);
        let crossed = ari(&[0, 0, 1, 1], &[0, 1, 0, 1]);
        assert!((crossed + 0.5).abs() < 1e-15, "{crossed}");
        assert_eq!(adjusted_rand_index(&[0], &[0, 1]), None);
    }

    fn bic_of(rows: &[[f64; 1]], k: usize) -> f64 {
        let search = Search {
            k,
            seed: 1,
            restarts: 5,
        };
        bic(&fit(rows, search, None).unwrap()).unwrap()
    }

    #[test]
    fn two_heaps_are_better_two_and_one_heap_is_better_one() {
        let heap: Vec<[f64; 1]> = (0..20).map(|i| [f64::from(i % 5)]).collect();
        let two: Vec<[f64; 1]> = (0..20).map(|i| [f64::from(i % 5 + i % 2 * 50)]).collect();
        assert!(bic_of(&two, 2) < bic_of(&two, 1));
        // Normal quantiles at 1/21 … 20/21, in hundredths.
        let normal = [
            -167, -131, -107, -88, -71, -57, -43, -30, -18, -6, 6, 18, 30, 43, 57, 71, 88, 107,
            131, 167,
        ];
        let normal: Vec<[f64; 1]> = normal.iter().map(|q| [f64::from(*q) / 100.0]).collect();
        assert!(bic_of(&normal, 1) < bic_of(&normal, 3));
        assert!(bic_of(&heap, 1).is_finite());
    }

    #[test]
    fn points_have_no_likelihood() {
        let rows = [[0.0], [0.0], [1.0]];
        let search = Search {
            k: 2,
            seed: 1,
            restarts: 1,
        };
        assert_eq!(bic(&fit(&rows, search, None).unwrap()), None);
    }
}
