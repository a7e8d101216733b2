//! The columns of a file of bars, and a row of it.

use chrono::DateTime;
use chrono_tz::Tz;
use quant::market::{Price, Size};

use super::super::cboe_quotedata::fields;
use super::super::chain::{Number, instant};
use super::Stamp;

pub(super) const MINUTE_MS: i64 = 60_000;

/// Columns that hold the stamp, the one that is taken first.
const TIMES: [&str; 4] = ["datetime", "timestamp", "date", "time"];
const NUMBERS: [&str; 5] = ["open", "high", "low", "close", "volume"];
/// Letters of a column's name that are repeated to the user.
const SHOWN: usize = 40;

/// Where what stands.
#[derive(Debug)]
pub(super) struct Columns {
    /// One column, or a date and a time of day.
    time: Vec<usize>,
    numbers: [usize; 5],
    /// Names of the others.
    pub(super) ignored: Vec<String>,
}

/// A bar.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) start_ms: i64,
    /// Open, high, low, close, volume.
    numbers: [Number; 5],
}

impl Columns {
    /// The columns of a header; an error says which are missing.
    pub(super) fn of(header: &str) -> Result<Self, String> {
        let headers = fields(header);
        let names: Vec<String> = headers.iter().map(|name| plain(name)).collect();
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let mut missing: Vec<&str> = Vec::new();
        let time = match (place("date"), place("time")) {
            (Some(date), Some(time)) if place(TIMES[0]).or(place(TIMES[1])).is_none() => {
                vec![date, time]
            }
            _ => TIMES.iter().copied().find_map(place).into_iter().collect(),
        };
        if time.is_empty() {
            missing.push("datetime (or timestamp, date, time)");
        }
        let numbers = NUMBERS.map(|name| {
            place(name).unwrap_or_else(|| {
                missing.push(name);
                0
            })
        });
        if !missing.is_empty() {
            let header: String = header.chars().take(2 * SHOWN).collect();
            return Err(format!(
                "has no column {} in its first line, `{}` (name the columns there)",
                missing.join(", "),
                header.escape_default()
            ));
        }
        let others = (0..names.len()).filter(|at| !time.contains(at) && !numbers.contains(at));
        let shown = |at: usize| headers[at].chars().take(SHOWN).collect();
        Ok(Self {
            ignored: others.map(shown).collect(),
            time,
            numbers,
        })
    }

    /// The bar of a row, or why there is none.
    pub(super) fn row(&self, line: &str, stamp: Stamp, zone: Tz) -> Result<Row, &'static str> {
        let fields = fields(line);
        let field = |at: usize| match fields.get(at).map(String::as_str) {
            None | Some("" | "null" | "NULL" | "NaN" | "nan") => Err("missing_field"),
            Some(text) => Ok(text),
        };
        let stamped_ms = match self.time[..] {
            [date, time] => stamp_ms(&format!("{} {}", field(date)?, field(time)?), zone),
            _ => stamp_ms(field(self.time[0])?, zone),
        };
        let stamped_ms = stamped_ms.ok_or("bad_time")?;
        if stamped_ms % MINUTE_MS != 0 {
            return Err("not_on_a_minute");
        }
        let [open, high, low, close, volume] = self.numbers;
        let (open, open_price) = price(field(open)?)?;
        let (high, high_price) = price(field(high)?)?;
        let (low, low_price) = price(field(low)?)?;
        let (close, close_price) = price(field(close)?)?;
        let volume = Number::parse(field(volume)?).ok_or("bad_volume")?;
        if Size::from_f64(volume.value()).is_none_or(|size| size < Size::ZERO) {
            return Err("bad_volume");
        }
        if high_price < low_price {
            return Err("high_below_low");
        }
        let range = low_price..=high_price;
        if !range.contains(&open_price) {
            return Err("open_outside");
        }
        if !range.contains(&close_price) {
            return Err("close_outside");
        }
        Ok(Row {
            start_ms: match stamp {
                Stamp::Start => stamped_ms,
                Stamp::End => stamped_ms - MINUTE_MS,
            },
            numbers: [open, high, low, close, volume],
        })
    }
}

impl Row {
    pub(super) fn is_without_volume(&self) -> bool {
        self.numbers[4].value() == 0.0
    }

    /// The bar as it is recorded, its numbers with the digits of the source.
    pub(super) fn to_json(&self) -> String {
        let [open, high, low, close, volume] = self.numbers.each_ref().map(Number::text);
        let time = self.start_ms;
        format!(
            "{{\"time\":{time},\"open\":{open},\"high\":{high},\"low\":{low},\
             \"close\":{close},\"volume\":{volume}}}"
        )
    }
}

/// A column's name without its case, and without the number Alpha Vantage puts in front:
/// `volume` of `5. Volume`.
fn plain(name: &str) -> String {
    let name = name.trim().to_lowercase();
    match name.split_once('.') {
        Some((number, rest)) if number.parse::<u8>().is_ok() => rest.trim().to_owned(),
        _ => name,
    }
}

fn price(text: &str) -> Result<(Number, Price), &'static str> {
    let number = Number::parse(text).ok_or("bad_price")?;
    let price = Price::from_f64(number.value()).filter(|price| price.units() > 0);
    Ok((number, price.ok_or("bad_price")?))
}

/// A number since the epoch, a time with its offset, or one in the zone.
fn stamp_ms(text: &str, zone: Tz) -> Option<i64> {
    let time = || instant::in_zone(instant::date_time(text)?, zone);
    epoch_ms(text).or_else(|| offset_ms(text)).or_else(time)
}

/// In integers, as a float does not hold nanoseconds of today.
fn epoch_ms(text: &str) -> Option<i64> {
    let whole: i64 = text.strip_suffix(".0").unwrap_or(text).parse().ok()?;
    let ms = match whole {
        100_000_000_000_000_000.. => whole / 1_000_000,
        100_000_000_000_000.. => whole / 1_000,
        100_000_000_000.. => whole,
        100_000_000.. => whole * 1_000,
        _ => return None,
    };
    instant::valid_ms(ms)
}

fn offset_ms(text: &str) -> Option<i64> {
    const FORMS: [&str; 4] = [
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%dT%H:%M%#z",
        "%Y-%m-%d %H:%M%#z",
    ];
    let forms = FORMS.iter();
    let mut times = forms.filter_map(|form| DateTime::parse_from_str(text, form).ok());
    instant::valid_ms(times.next()?.timestamp_millis())
}
