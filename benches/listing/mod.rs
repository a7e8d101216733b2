//! A chain as long as the one SPX lists, for the benches.

/// What the underlying costs in it.
pub(crate) const SPOT: f64 = 6_000.0;

/// Its time: 2026-11-20 15:00 in New York.
pub(crate) const AS_OF_MS: i64 = 1_795_204_800_000;

/// 21,000 contracts, about 5 MB: twenty expiries, 525 strikes, a smile.
pub(crate) fn chain() -> String {
    let contracts = (0..21_000_u32).map(|n| {
        let (expiry, at) = (n / 1050, n % 1050);
        let date = chrono::NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date")
            + chrono::Days::new(u64::from(7 * expiry));
        let (strike, side) = (3380 + 10 * (at / 2), ["call", "put"][(at % 2) as usize]);
        let letter = if side == "call" { 'C' } else { 'P' };
        let away = f64::from(strike) / SPOT - 1.0;
        let (iv, delta) = (0.15 - 0.3 * away + away * away, f64::from(n % 997) / 1000.0);
        format!(
            r#"{{"symbol": "SPXW{}{letter}{:08}", "type": "{side}", "strike": {strike}.0, "expiration": "{date}", "implied_volatility": {iv:.5}, "delta": {delta:.5}, "gamma": 0.000{at}, "vega": {:.5}, "open_interest": {n}, "volume": {at}, "bid": {:.2}, "ask": {:.2}}}"#,
            date.format("%y%m%d"),
            strike * 1000,
            delta * 300.0,
            iv * 100.0,
            iv * 101.0,
        )
    });
    let contracts = contracts.collect::<Vec<_>>().join(", ");
    format!(r#"{{"as_of": {AS_OF_MS}, "spot": {SPOT}, "contracts": [{contracts}]}}"#)
}
