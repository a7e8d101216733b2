//! How many requests an address may send: a bucket that fills at the rate and holds two seconds of it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use quant::market::Timestamp;

/// Addresses that are remembered; beyond, those that have been quiet are forgotten.
const MAX_ADDRESSES: usize = 16_384;
/// Seconds of requests that may come at once.
const BURST_SECONDS: f64 = 2.0;

/// The requests of every address.
#[derive(Debug)]
pub(super) struct Rates {
    per_second: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Rates {
    /// So many a second.
    pub(super) fn new(per_second: f64) -> Self {
        Self {
            per_second,
            buckets: Mutex::default(),
        }
    }

    /// Counts a request, or says in how many seconds there is room for one.
    pub(super) fn count(&self, address: IpAddr, now: Timestamp) -> Result<(), u64> {
        let most = (self.per_second * BURST_SECONDS).max(1.0);
        let full = Bucket {
            left: most,
            at: now,
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            // A bucket that has filled again says nothing.
            buckets.retain(|_, bucket| self.filled(*bucket, most, now) < most);
        }
        if buckets.len() >= MAX_ADDRESSES {
            buckets.clear();
        }
        let bucket = buckets.entry(network(address)).or_insert(full);
        let filled = self.filled(*bucket, most, now);
        *bucket = Bucket {
            left: (filled - 1.0).max(filled.min(0.0)),
            at: now,
        };
        if filled >= 1.0 {
            return Ok(());
        }
        bucket.left = filled;
        Err(((1.0 - filled) / self.per_second).ceil().max(1.0) as u64)
    }

    fn filled(&self, bucket: Bucket, most: f64, now: Timestamp) -> f64 {
        let since = now.since(bucket.at).seconds().max(0.0);
        (bucket.left + since * self.per_second).min(most)
    }
}

/// Who has one IPv6 address has the other 2^64 of its network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let rates = Rates::new(2.0);
        let [one, other]: [IpAddr; 2] = ["10.0.0.1", "10.0.0.2"].map(|a| a.parse().unwrap());
        let at = |ms: i64| Timestamp::from_nanos(ms * 1_000_000);
        let count = |address, ms| rates.count(address, at(ms));
        assert_eq!([0; 4].map(|ms| count(one, ms)), [Ok(()); 4]);
        assert_eq!(count(one, 0), Err(1));
        assert_eq!(count(other, 0), Ok(()));
        assert_eq!((count(one, 500), count(one, 500)), (Ok(()), Err(1)));
        // A clock that was stepped back lets nobody through and locks nobody out.
        assert_eq!((count(one, 0), count(one, 600)), (Err(1), Ok(())));
    }

    #[test]
    fn a_network_of_the_long_addresses_is_one() {
        let rates = Rates::new(0.5);
        let [one, same, other]: [IpAddr; 3] =
            ["fd00::1", "fd00::2", "fd00:0:0:1::1"].map(|a| a.parse().unwrap());
        let now = Timestamp::default();
        assert_eq!(rates.count(one, now), Ok(()));
        assert_eq!(rates.count(same, now), Err(2));
        assert_eq!(rates.count(other, now), Ok(()));
    }
}
