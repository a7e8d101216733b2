//! VPIN's settings, and the bucket size they lead to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BucketSource;
use crate::market::{Size, Symbol};
use crate::math::volume_buckets::Print;
use crate::snapshot::Discovered;

/// A bucket of fewer median prints than this is mostly single prints (6.2 of the maths notes).
const PRINTS_A_BUCKET: i64 = 50;

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Complete buckets behind the value.
    pub buckets: usize,
    /// Bucket size in shares for every symbol; 0 leaves it to the sources below.
    pub bucket_size: f64,
    /// Bucket size in shares by symbol.
    pub bucket_sizes: BTreeMap<String, f64>,
    /// Bucket size as a share of the average daily volume, where that is known.
    pub adv_fraction: f64,
    /// Fewest prints behind a value, and the length of the warm-up that finds the median print.
    pub min_trades: usize,
    /// Values of its own past that the percentile is taken of, 200 to 10000; one a bucket.
    pub history: usize,
    /// One-minute bars whose price changes scale the bulk classification, 2 to 1000.
    pub bvc_bars: usize,
    /// Fewest of them that do, 2 to `bvc_bars`; until then bars are not classified.
    pub bvc_min_bars: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            buckets: 50,
            bucket_size: 0.0,
            bucket_sizes: BTreeMap::new(),
            adv_fraction: 0.02,
            min_trades: 100,
            // Sixty days of fifty buckets, some 15 kB of saved memory a symbol.
            history: 3_000,
            bvc_bars: 60,
            bvc_min_bars: 20,
        }
    }
}

impl Params {
    pub(super) fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut bounded = |name: &str, is: usize, least: usize, most: usize| {
            if !(least..=most).contains(&is) {
                wrong.push(format!("{name}: must be {least} to {most} (is {is})"));
            }
        };
        bounded("buckets", self.buckets, 1, 10_000);
        bounded("min_trades", self.min_trades, 1, 10_000);
        bounded("history", self.history, 200, 10_000);
        bounded("bvc_bars", self.bvc_bars, 2, 1_000);
        bounded("bvc_min_bars", self.bvc_min_bars, 2, self.bvc_bars.max(2));
        let is_size = |size: f64| Size::from_f64(size).is_some_and(|size| size > Size::ZERO);
        let is = self.bucket_size;
        if is != 0.0 && !is_size(is) {
            wrong.push(format!(
                "bucket_size: must be 0 or a volume in shares (is {is})"
            ));
        }
        for (symbol, &size) in &self.bucket_sizes {
            if !is_size(size) {
                // Quoted, because a symbol may hold a dot.
                wrong.push(format!(
                    "bucket_sizes.{symbol:?}: must be > 0 shares (is {size})"
                ));
            }
        }
        let is = self.adv_fraction;
        if !(is > 0.0 && is <= 1.0) {
            wrong.push(format!(
                "adv_fraction: must be above 0 and up to 1 (is {is})"
            ));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }

    /// The bucket size by every source that needs no print.
    pub(super) fn known_size(
        &self,
        symbol: &Symbol,
        discovered: &Discovered,
    ) -> Option<(i64, BucketSource)> {
        let configured = |size: f64| Size::from_f64(size).filter(|size| *size > Size::ZERO);
        let of_volume = |volume: Size| configured(volume.to_f64() * self.adv_fraction);
        let for_symbol = self.bucket_sizes.get(symbol.as_str()).copied();
        let candidates = [
            (for_symbol.and_then(configured), BucketSource::ConfigSymbol),
            (configured(self.bucket_size), BucketSource::Config),
            (discovered.vpin_bucket_size, BucketSource::DiscoveredSymbol),
            (
                discovered.average_daily_volume.and_then(of_volume),
                BucketSource::AverageDailyVolume,
            ),
        ];
        let positive = |size: Option<Size>| size.filter(|size| *size > Size::ZERO);
        candidates
            .into_iter()
            .find_map(|(size, source)| Some((positive(size)?.units(), source)))
    }

    /// The bucket size from the prints of the warm-up.
    pub(super) fn size_of_prints(
        &self,
        prints: &[Print],
        discovered: &Discovered,
    ) -> (i64, BucketSource) {
        let mut sizes: Vec<i64> = prints.iter().map(|print| print.size).collect();
        sizes.sort_unstable();
        let median = sizes[sizes.len() / 2].max(1);
        let least = median.saturating_mul(PRINTS_A_BUCKET);
        match discovered.vpin_bucket_size_global {
            Some(size) if size.units() >= least => (size.units(), BucketSource::Discovered),
            Some(_) | None => (least, BucketSource::MedianPrint),
        }
    }
}
