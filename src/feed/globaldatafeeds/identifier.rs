//! Long identifiers, `TYPE_PRODUCT_DDMMMYYYY_CP_STRIKE`: read from the right, as product names may
//! hold anything.

use chrono::{Datelike, NaiveDate};

use crate::vendor_chain::{Number, Right};

/// What an identifier says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Identifier<'a> {
    /// The type: `OPTIDX`, `FUTSTK`.
    pub(super) kind: &'a str,
    /// The product: `NIFTY`, `M&M`.
    pub(super) product: &'a str,
    /// The date it expires.
    pub(super) expiry: NaiveDate,
    /// Call or put; of a future neither.
    pub(super) right: Option<Right>,
    /// The strike as it is written; `0` of a future.
    pub(super) strike: Number,
}

/// The parts of an identifier; `None` where its shape is another.
pub(super) fn parse(text: &str) -> Option<Identifier<'_>> {
    let mut parts = text.trim().rsplitn(4, '_');
    let (strike, side, expiry) = (parts.next()?, parts.next()?, parts.next()?);
    let (kind, product) = parts.next()?.split_once('_')?;
    let strike = Number::parse(strike).filter(|strike| strike.value() >= 0.0)?;
    let right = match side.to_ascii_uppercase().as_str() {
        "CE" => Some(Right::Call),
        "PE" => Some(Right::Put),
        // Futures, which leave the place empty on some exchanges.
        "XX" | "FF" | "" => None,
        _ => return None,
    };
    let named = !kind.is_empty() && !product.is_empty();
    let priced = right.is_none() || strike.value() > 0.0;
    (named && priced).then_some(Identifier {
        kind,
        product,
        expiry: date(expiry)?,
        right,
        strike,
    })
}

/// A date as the vendor writes it: `30JUL2020`, `17Apr2025`.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let (day, rest) = text.split_at_checked(text.len().checked_sub(7)?)?;
    let (month, year) = rest.split_at_checked(3)?;
    let month = MONTHS
        .iter()
        .position(|name| name.eq_ignore_ascii_case(month))?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if day.is_empty() || day.len() > 2 || !digits(day) || !digits(year) {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month as u32 + 1, day.parse().ok()?)
}

/// A date as the vendor wants it: `30JUL2020`.
pub(super) fn written(date: NaiveDate) -> String {
    let month = MONTHS[date.month0() as usize];
    format!("{:02}{month}{:04}", date.day(), date.year())
}

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, kind: &str, product: &str, day: &str, right: Option<Right>, strike: f64) {
        let id = parse(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(
            (id.kind, id.product, id.right),
            (kind, product, right),
            "{text}"
        );
        assert_eq!(id.expiry.to_string(), day, "{text}");
        assert_eq!(id.strike.value(), strike, "{text}");
    }

    #[test]
    fn the_last_parts_decide_whatever_the_product_is_called() {
        let (call, put) = (Some(Right::Call), Some(Right::Put));
        check(
            "OPTIDX_NIFTY_02JUL2020_CE_10000",
            "OPTIDX",
            "NIFTY",
            "2020-07-02",
            call,
            10_000.0,
        );
        // The PE is the right, not the strike of a call.
        check(
            "OPTSTK_RELIANCE_30JUL2020_PE_2000",
            "OPTSTK",
            "RELIANCE",
            "2020-07-30",
            put,
            2_000.0,
        );
        check(
            "OPTCUR_USDINR_29JUL2020_CE_75.5",
            "OPTCUR",
            "USDINR",
            "2020-07-29",
            call,
            75.5,
        );
        check(
            "OPTSTK_M&M_30JUL2020_CE_600",
            "OPTSTK",
            "M&M",
            "2020-07-30",
            call,
            600.0,
        );
        check(
            "OPTSTK_BAJAJ-AUTO_30JUL2020_PE_2900",
            "OPTSTK",
            "BAJAJ-AUTO",
            "2020-07-30",
            put,
            2_900.0,
        );
        check(
            "OPTSTK_A_B_30JUL2020_PE_1",
            "OPTSTK",
            "A_B",
            "2020-07-30",
            put,
            1.0,
        );
        check(
            "FUTIDX_NIFTY_30JUL2020_XX_0",
            "FUTIDX",
            "NIFTY",
            "2020-07-30",
            None,
            0.0,
        );
        check(
            "FUTCOM_GOLD_05AUG2020__0",
            "FUTCOM",
            "GOLD",
            "2020-08-05",
            None,
            0.0,
        );
        check(
            "optidx_NIFTY_7Jan2027_pe_25000",
            "optidx",
            "NIFTY",
            "2027-01-07",
            put,
            25_000.0,
        );
    }

    #[test]
    fn other_shapes_are_none() {
        for text in [
            "",
            "NIFTY-I",
            "NIFTY 50",
            "NIFTY17APR2523700PE",
            "OPTIDX_NIFTY_02JUL2020_CE",
            "OPTIDX_NIFTY_31FEB2020_CE_1",
            "OPTIDX_NIFTY_02JUL2020_CX_1",
            "OPTIDX_NIFTY_02JUL2020_CE_x",
            "OPTIDX_NIFTY_02JUL2020_CE_0",
            "OPTIDX_NIFTY_02JUL2020_PE_-5",
            "OPTIDX__02JUL2020_PE_5",
            "_NIFTY_02JUL2020_PE_5",
            "OPTIDX_NIFTY_é2JUL2020_CE_1",
            "____",
            "____________",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(days in 0_i32..40_000, strike in 1_u32..10_000_000) {
            let day = NaiveDate::from_num_days_from_ce_opt(730_000 + days).unwrap();
            let strike = f64::from(strike) / 100.0;
            let text = format!("OPTSTK_L&T-A_B_{}_PE_{strike}", written(day));
            let id = parse(&text).unwrap();
            prop_assert_eq!((id.product, id.expiry, id.strike.value()), ("L&T-A_B", day, strike));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            parse(&text);
        }
    }
}
