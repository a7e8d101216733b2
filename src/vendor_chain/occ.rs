//! OCC symbols: root, `YYMMDD`, `C` or `P`, the strike in thousandths in eight digits; the root
//! padded to six or not.

use std::collections::BTreeSet;
use std::fmt;

use chrono::NaiveDate;

use super::Number;

/// Roots that are series of an index under another name.
const SERIES: [(&str, &str); 6] = [
    ("SPXW", "SPX"),
    ("SPXPM", "SPX"),
    ("NDXP", "NDX"),
    ("RUTW", "RUT"),
    ("VIXW", "VIX"),
    ("XSPAM", "XSP"),
];

/// Call or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Call,
    Put,
}

impl Right {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Put => "put",
        }
    }

    /// Of `C`, `call`, `CE`, `put` and so on.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "c" | "call" | "ce" => Some(Self::Call),
            "p" | "put" | "pe" => Some(Self::Put),
            _ => None,
        }
    }
}

/// The parts of an OCC symbol.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Occ {
    pub(crate) root: String,
    pub(crate) expiration: NaiveDate,
    pub(crate) right: Right,
    /// In thousandths.
    pub(crate) strike: u32,
}

impl Occ {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("O:").unwrap_or(text);
        if !text.is_ascii() || text.len() < 16 {
            return None;
        }
        let (root, rest) = text.split_at(text.len() - 15);
        let root = root.trim_end();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
        if root.is_empty() || root.len() > 12 || !root.bytes().all(plain) {
            return None;
        }
        let (date, rest) = rest.split_at(6);
        let (right, strike) = rest.split_at(1);
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(date) || !digits(strike) {
            return None;
        }
        Some(Self {
            root: root.to_owned(),
            expiration: NaiveDate::parse_from_str(&format!("20{date}"), "%Y%m%d").ok()?,
            right: Right::parse(right)?,
            strike: strike.parse().ok()?,
        })
    }

    /// The symbol of a contract; `None` for a strike that no symbol can have.
    pub(crate) fn new(
        root: &str,
        expiration: NaiveDate,
        right: Right,
        strike: f64,
    ) -> Option<Self> {
        let thousandths = (strike * 1000.0).round();
        if !(0.0..100_000_000.0).contains(&thousandths) {
            return None;
        }
        let occ = Self {
            root: root.to_owned(),
            expiration,
            right,
            strike: thousandths as u32,
        };
        Self::parse(&occ.to_string())
    }

    pub(crate) fn strike_number(&self) -> Option<Number> {
        Number::of_1e4(i64::from(self.strike) * 10)
    }
}

impl fmt::Display for Occ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.expiration.format("%y%m%d");
        let right = if self.right == Right::Call { 'C' } else { 'P' };
        write!(f, "{}{date}{right}{:08}", self.root, self.strike)
    }
}

/// The one underlying of a chain's roots: SPX of SPX and SPXW, AAPL of AAPL and the adjusted
/// AAPL7. `None` where there are several, or none.
pub(crate) fn underlying<'a>(roots: &BTreeSet<&'a str>) -> Option<&'a str> {
    let series = |root: &'a str| {
        let named = SERIES.iter().find(|(series, _)| *series == root);
        named.map_or(root, |(_, symbol)| symbol)
    };
    let adjusted = |root: &'a str| {
        let bare = root.trim_end_matches(|c: char| c.is_ascii_digit());
        if bare.is_empty() { root } else { bare }
    };
    let mut symbols = roots.iter().map(|root| adjusted(series(root)));
    let first = symbols.next()?;
    symbols.all(|symbol| symbol == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_read_padded_or_not_and_written_as_apis_do() {
        for text in [
            "SPXW220207C02400000",
            "SPXW  220207C02400000",
            "O:SPXW220207C02400000",
        ] {
            let occ = Occ::parse(text).unwrap();
            assert_eq!(occ.root, "SPXW");
            assert_eq!(occ.strike_number().unwrap().text(), "2400");
            assert_eq!(occ.to_string(), "SPXW220207C02400000");
        }
        let occ = Occ::parse("AAPL7140606P00492500").unwrap();
        assert_eq!((occ.root.as_str(), occ.right), ("AAPL7", Right::Put));
        assert_eq!(occ.strike_number().unwrap().text(), "492.5");
        for none in [
            "",
            "SPXW",
            "SPXW221307C02400000",
            "SPXW220207X02400000",
            "220207C02400000",
        ] {
            assert_eq!(Occ::parse(none), None, "{none}");
        }
    }

    #[test]
    fn series_of_an_index_and_adjusted_roots_have_one_underlying() {
        for (roots, expected) in [
            (&["SPX", "SPXW"][..], Some("SPX")),
            (&["NDX", "NDXP"], Some("NDX")),
            (&["NDXP"], Some("NDX")),
            (&["AAPL", "AAPL7"], Some("AAPL")),
            (&["SPY", "QQQ"], None),
            (&[], None),
        ] {
            assert_eq!(underlying(&roots.iter().copied().collect()), expected);
        }
    }
}
