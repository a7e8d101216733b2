//! Names of contracts that say what the contract is.

use chrono::NaiveDate;
use quant::market::Right;

use super::expiry;
use crate::store::scan::float;

/// What the name of a contract says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContractId<'a> {
    /// Root: `SPXW`.
    pub root: &'a str,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// Call or put.
    pub right: Right,
    /// Strike in units of the currency.
    pub strike: f64,
}

/// Reads `SPXW  261120C06000000` (padded or not, `O:` before it or not),
/// `OPTIDX_NIFTY_26NOV2026_CE_25000`, or `NIFTY20261126C25000`; `None` where the name says nothing.
pub fn contract_id(text: &str) -> Option<ContractId<'_>> {
    let text = text.trim();
    let text = text.strip_prefix("O:").unwrap_or(text);
    match text.starts_with("OPT") && text.contains('_') {
        true => underscored(text),
        false => occ(text).or_else(|| product(text)),
    }
}

/// Call or put in any of its spellings.
pub fn right(text: &str) -> Option<Right> {
    let is = |names: [&str; 3]| names.iter().any(|name| name.eq_ignore_ascii_case(text));
    if is(["c", "call", "ce"]) {
        Some(Right::Call)
    } else if is(["p", "put", "pe"]) {
        Some(Right::Put)
    } else {
        None
    }
}

/// Root, six digits of the date, right, and the strike in thousandths on eight digits. A root does
/// not end in the century, so `SPX20261120C06000000` is SPX.
fn occ(text: &str) -> Option<ContractId<'_>> {
    let bytes = text.as_bytes();
    let (head, strike) = bytes.split_at_checked(bytes.len().checked_sub(8)?)?;
    let (&side, head) = head.split_last()?;
    let date_at = head.len().checked_sub(6)?;
    if !strike.iter().all(u8::is_ascii_digit) || !text.is_char_boundary(date_at) {
        return None;
    }
    let thousandths = strike
        .iter()
        .fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    let root = text[..date_at].trim_end();
    Some(ContractId {
        root: is_root(root.strip_suffix("20").unwrap_or(root))?,
        expiry: expiry::short(&head[date_at..])?,
        right: side_of(side)?,
        strike: f64::from(thousandths) / 1000.0,
    })
}

/// Root, eight digits of the date, right, and the strike as it is.
fn product(text: &str) -> Option<ContractId<'_>> {
    let side_at = text.rfind(['C', 'P', 'c', 'p'])?;
    let date_at = side_at.checked_sub(8)?;
    let strike = &text[side_at + 1..];
    let is_plain = strike.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !is_plain || !text.is_char_boundary(date_at) {
        return None;
    }
    Some(ContractId {
        root: is_root(text[..date_at].trim_end())?,
        expiry: expiry::compact(&text.as_bytes()[date_at..side_at])?,
        right: side_of(text.as_bytes()[side_at])?,
        strike: float(strike)?,
    })
}

/// Read from the right, as a product's name may hold anything.
fn underscored(text: &str) -> Option<ContractId<'_>> {
    let mut parts = text.rsplitn(4, '_');
    let (strike, side, date) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, product) = parts.next()?.split_once('_')?;
    Some(ContractId {
        root: is_root(product)?,
        expiry: expiry::named(date)?,
        right: right(side)?,
        strike: float(strike)?,
    })
}

fn side_of(letter: u8) -> Option<Right> {
    match letter {
        b'C' | b'c' => Some(Right::Call),
        b'P' | b'p' => Some(Right::Put),
        _ => None,
    }
}

fn is_root(root: &str) -> Option<&str> {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b".^_-/&".contains(&b);
    (!root.is_empty() && root.len() <= 32 && root.bytes().all(is_part)).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(&str, String, Right, f64)> {
        let id = contract_id(text)?;
        Some((id.root, id.expiry.to_string(), id.right, id.strike))
    }

    #[test]
    fn every_form_says_what_the_contract_is() {
        let call = |root, date: &str, strike| Some((root, date.to_owned(), Right::Call, strike));
        for text in [
            "SPXW  261120C06000000",
            "SPXW261120C06000000",
            "O:SPXW261120C06000000",
            " SPXW261120C06000000 ",
            "SPXW20261120C06000000",
            "SPXW20261120C6000",
            "OPTIDX_SPXW_20NOV2026_CE_6000",
            "OPTIDX_SPXW_20NOV2026_CE_6000.00",
        ] {
            assert_eq!(read(text), call("SPXW", "2026-11-20", 6000.0), "{text}");
        }
        let brk = call("BRK.B", "2026-11-20", 412.5);
        assert_eq!(read("BRK.B 261120C00412500"), brk);
        let adjusted = call("AAPL1", "2026-11-20", 0.5);
        assert_eq!(read("AAPL1261120C00000500"), adjusted);
        let product = call("BAJAJ_AUTO", "2026-11-26", 9000.0);
        assert_eq!(read("OPTSTK_BAJAJ_AUTO_26NOV2026_CE_9000"), product);
        let put = Some(("NIFTY", "2026-11-26".to_owned(), Right::Put, 25_050.5));
        assert_eq!(read("NIFTY20261126P25050.5"), put);
    }

    #[test]
    fn any_other_name_says_nothing() {
        for text in [
            "",
            "SPX",
            "123456",
            "261120C06000000",
            "SPXW261340C06000000",
            "SPXW261120X06000000",
            "SPXW261120C0600000",
            "S PX261120C06000000",
            "OPTIDX_20NOV2026_CE_6000",
            "OPTIDX_SPXW_20NOV2026_XX_6000",
            "NIFTY20261126P",
            "NIFTY20261126P1e3",
            "éééééééé261120C06000000",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_right_is_told_in_any_case() {
        for text in ["c", "C", "call", "CALL", "Call", "CE", "ce"] {
            assert_eq!(right(text), Some(Right::Call), "{text}");
        }
        for text in ["p", "P", "put", "PUT", "Put", "PE", "pe"] {
            assert_eq!(right(text), Some(Right::Put), "{text}");
        }
        assert_eq!(right("x"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,32}", close in "(O:|OPT_)?[A-Zé_]{0,4}[0-9]{5,9}[CPE_]{1,2}[0-9.é]{0,9}") {
            let _ = contract_id(&text);
            let _ = contract_id(&close);
        }
    }
}
