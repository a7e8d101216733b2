//! k-means, pairings and the agreement of partitions: what no input must change.

use proptest::prelude::*;
use quant::math::assignment::assign;
use quant::math::cluster_quality::{adjusted_rand_index, silhouette};
use quant::math::kmeans::{Search, fit, squared_distance};

const THREE: Search = Search {
    k: 3,
    seed: 42,
    restarts: 2,
};

/// Rows of small integers, so that many are equal, or of any size.
fn rows() -> impl Strategy<Value = Vec<[f64; 2]>> {
    let even = (-4..5i32, -4..5i32).prop_map(|(x, y)| [f64::from(x), f64::from(y)]);
    let wild = [-1e90..1e90, -1e-90..1e-90];
    prop::collection::vec(prop_oneof![9 => even, 1 => wild], 1..40)
}

fn cheapest(costs: &[Vec<f64>], row: usize, taken: &mut Vec<usize>) -> f64 {
    if row == costs.len() {
        return 0.0;
    }
    let mut least = f64::INFINITY;
    for column in 0..costs.len() {
        if !taken.contains(&column) {
            taken.push(column);
            least = least.min(costs[row][column] + cheapest(costs, row + 1, taken));
            taken.pop();
        }
    }
    least
}

proptest! {
    #[test]
    fn clusters_do_not_depend_on_the_order_of_rows(
        (rows, shuffled) in rows().prop_flat_map(|rows| {
            let places: Vec<usize> = (0..rows.len()).collect();
            (Just(rows), Just(places).prop_shuffle())
        })
    ) {
        let moved: Vec<[f64; 2]> = shuffled.iter().map(|place| rows[*place]).collect();
        match (fit(&rows, THREE, None), fit(&moved, THREE, None)) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(&one.centroids, &other.centroids);
                prop_assert_eq!(one.inertia, other.inertia);
                for (label, place) in other.labels.iter().zip(&shuffled) {
                    prop_assert_eq!(*label, one.labels[*place]);
                }
            }
            (one, other) => prop_assert_eq!(one.err(), other.err()),
        }
    }

    #[test]
    fn every_row_is_in_the_cluster_of_the_nearest_mean(rows in rows()) {
        let Ok(found) = fit(&rows, THREE, None) else { return Ok(()) };
        prop_assert!(!found.sizes().contains(&0));
        for (row, label) in rows.iter().zip(&found.labels) {
            let own = squared_distance(row, &found.centroids[*label]);
            for other in &found.centroids {
                prop_assert!(own <= squared_distance(row, other) * (1.0 + 1e-9));
            }
        }
        let mean = silhouette(&rows, &found.labels, 3).unwrap();
        prop_assert!((-1.0..=1.0).contains(&mean));
    }

    #[test]
    fn a_warm_start_is_never_worse_than_where_it_started(rows in rows()) {
        let Ok(cold) = fit(&rows, THREE, None) else { return Ok(()) };
        let warm = fit(&rows, Search { restarts: 0, ..THREE }, Some(&cold.centroids)).unwrap();
        prop_assert!(warm.inertia <= cold.inertia * (1.0 + 1e-12));
    }

    #[test]
    fn no_pairing_is_cheaper(
        costs in (1..6usize).prop_flat_map(|n| {
            prop::collection::vec(prop::collection::vec(-9..10i32, n), n)
        })
    ) {
        let costs: Vec<Vec<f64>> =
            costs.iter().map(|row| row.iter().map(|cost| f64::from(*cost)).collect()).collect();
        let pairs = assign(&costs).unwrap();
        let total: f64 = pairs.iter().enumerate().map(|(row, column)| costs[row][*column]).sum();
        prop_assert_eq!(total, cheapest(&costs, 0, &mut Vec::new()));
    }

    #[test]
    fn agreement_has_no_direction_and_knows_no_names(
        labels in prop::collection::vec((0..4usize, 0..4usize), 1..40)
    ) {
        let (one, other): (Vec<usize>, Vec<usize>) = labels.into_iter().unzip();
        let renamed: Vec<usize> = one.iter().map(|label| 7 - label).collect();
        let agreement = adjusted_rand_index(&one, &other).unwrap();
        prop_assert!(agreement <= 1.0);
        prop_assert_eq!(adjusted_rand_index(&other, &one), Some(agreement));
        prop_assert_eq!(adjusted_rand_index(&renamed, &other), Some(agreement));
        prop_assert_eq!(adjusted_rand_index(&one, &renamed), Some(1.0));
    }
}
