//! Suites `clustering` and `label_matching`.

use quant::math::assignment::assign;
use quant::math::cluster_quality::{adjusted_rand_index, silhouette};
use quant::math::kmeans::{Clusters, Search, Unfit, fit, squared_distance};
use quant::math::robust_scale::RobustScale;
use serde_json::Value;

use crate::suite;

fn row<const D: usize>(numbers: &Value) -> [f64; D] {
    let numbers = numbers.as_array().unwrap().iter();
    let numbers: Vec<f64> = numbers.map(|number| number.as_f64().unwrap()).collect();
    numbers.try_into().unwrap()
}

fn rows<const D: usize>(all: &Value) -> Vec<[f64; D]> {
    all.as_array().unwrap().iter().map(row).collect()
}

fn labels(all: &Value) -> Vec<usize> {
    let all = all.as_array().unwrap().iter();
    all.map(|label| label.as_u64().unwrap() as usize).collect()
}

fn clusters_of(raw: &[[f64; 5]], k: usize) -> Result<Clusters<5>, Unfit> {
    let scale = RobustScale::of(raw).unwrap();
    let standardised: Vec<[f64; 5]> = raw.iter().map(|row| scale.standardise(row)).collect();
    let search = Search {
        k,
        seed: 42,
        restarts: 50,
    };
    fit(&standardised, search, None)
}

fn assert_near(id: &Value, what: &str, got: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    let off = (got - expected).abs();
    assert!(off <= tolerance, "{id} {what}: {got}, expected {expected}");
}

#[test]
fn clustering() {
    for case in suite("clustering") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let raw: Vec<[f64; 5]> = rows(&case["input"]["X"]);
        let found = clusters_of(&raw, case["input"]["k"].as_u64().unwrap() as usize);
        match expected["status"].as_str() {
            Some("degenerate") => {
                let distinct = expected["clusters"].as_u64().unwrap() as usize;
                assert_eq!(found, Err(Unfit::Degenerate { distinct }), "{id}");
            }
            Some("insufficient_data") => assert_eq!(found, Err(Unfit::TooFewRows), "{id}"),
            Some(other) => panic!("{id}: {other}"),
            None => check_clusters(&case, &raw, &found.unwrap()),
        }
    }
}

fn check_clusters(case: &Value, raw: &[[f64; 5]], found: &Clusters<5>) {
    let (id, expected, tol) = (&case["id"], &case["expected"], &case["tol"]);
    let scale = RobustScale::of(raw).unwrap();
    for feature in 0..5 {
        let median = &expected["median"][feature];
        let iqr = &expected["iqr"][feature];
        assert_near(id, "median", scale.median[feature], median, 1e-12);
        assert_near(id, "iqr", scale.iqr[feature], iqr, 1e-12);
    }

    let agree = |key: &str| adjusted_rand_index(&found.labels, &labels(&expected[key])).unwrap();
    assert_eq!(agree("labels_up_to_permutation"), 1.0, "{id}");
    assert_near(id, "truth", agree("truth"), &expected["ari_truth"], 1e-12);

    let inertia = expected["inertia"].as_f64().unwrap();
    let off = (found.inertia - inertia).abs() / inertia;
    assert!(off <= tol["inertia_rel"].as_f64().unwrap(), "{id}: {off:e}");
    let centroids: Vec<[f64; 5]> = rows(&expected["centroids_sorted_lexicographic"]);
    let within = tol["centroid_abs"].as_f64().unwrap();
    for (got, expected) in found.centroids.iter().zip(&centroids) {
        let off = squared_distance(got, expected).sqrt();
        assert!(off <= within, "{id}: {got:?}, expected {expected:?}");
    }
    let standardised: Vec<[f64; 5]> = raw.iter().map(|row| scale.standardise(row)).collect();
    let mean = silhouette(&standardised, &found.labels, centroids.len()).unwrap();
    assert_near(id, "silhouette", mean, &expected["silhouette"], 1e-9);

    let mut reversed: Vec<[f64; 5]> = raw.to_vec();
    reversed.reverse();
    let again = clusters_of(&reversed, centroids.len()).unwrap();
    assert_eq!(again.centroids, found.centroids, "{id}");
    assert!(again.labels.iter().eq(found.labels.iter().rev()), "{id}");

    let rescaled: Vec<[f64; 5]> = raw
        .iter()
        .map(|row| [row[0] * 1024.0, row[1], row[2] / 64.0, row[3], row[4] * 8.0])
        .collect();
    assert_eq!(
        clusters_of(&rescaled, centroids.len()).unwrap().labels,
        found.labels
    );
}

fn matched<const D: usize>(case: &Value) -> Vec<usize> {
    let input = &case["input"];
    let before: Vec<[f64; D]> = rows(&input["prev"]);
    let costs: Vec<Vec<f64>> = rows::<D>(&input["new"])
        .iter()
        .map(|new| {
            before
                .iter()
                .map(|old| squared_distance(new, old).sqrt())
                .collect()
        })
        .collect();
    assign(&costs).unwrap()
}

#[test]
fn label_matching() {
    for case in suite("label_matching") {
        let got = match case["input"]["prev"][0].as_array().unwrap().len() {
            1 => matched::<1>(&case),
            2 => matched::<2>(&case),
            other => panic!("{other} dimensions"),
        };
        assert_eq!(
            got,
            labels(&case["expected"]["match_new_to_prev"]),
            "{}",
            case["id"]
        );
    }
}
