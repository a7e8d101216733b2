//! The lines above the table: name and last price of the underlying, its quote, and the time in
//! the words of whatever language the browser had.

use chrono::{FixedOffset, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::super::chain::{Number, Underlying, instant};

/// What the lines above the table say.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) spot: Option<Number>,
    pub(super) underlying: Underlying,
    /// Epoch milliseconds, or why there is no time.
    pub(super) as_of: Result<i64, String>,
    /// The line of the time, counted from one.
    pub(super) line: usize,
}

impl Header {
    pub(super) fn parse(lines: &[&str]) -> Self {
        let all = lines.join("\n");
        let (bid_size, ask_size) = after(&all, "Size:")
            .and_then(|sizes| sizes.split_once('*'))
            .map_or((None, None), |(bid, ask)| {
                (Number::parse(bid), Number::parse(ask))
            });
        let is_date = |line: &&str| {
            let line = line.trim_start_matches(['"', ' ']);
            line.starts_with("Date:") || (!line.is_empty() && !line.contains("Last:"))
        };
        let at = lines.iter().position(is_date);
        let date = at.map_or("", |at| lines[at]);
        let date = date.find("Bid:").map_or(date, |end| &date[..end]);
        let date = date.trim_matches(|c: char| c == '"' || c == ',' || c.is_whitespace());
        let date = date.strip_prefix("Date:").unwrap_or(date);
        Self {
            spot: after(&all, "Last:")
                .and_then(Number::parse)
                .filter(|spot| spot.value() > 0.0),
            underlying: Underlying {
                bid: after(&all, "Bid:").and_then(Number::parse),
                ask: after(&all, "Ask:").and_then(Number::parse),
                bid_size,
                ask_size,
                // It closes the line, so its commas are those of thousands.
                volume: all
                    .split_once("Volume:")
                    .and_then(|(_, rest)| rest.lines().next())
                    .and_then(|volume| Number::parse_grouped(&volume.replace('"', ""))),
            },
            as_of: parse_time(date),
            line: at.map_or(1, |at| at + 1),
        }
    }
}

/// What stands between a label and the next comma or quote.
fn after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(label)?;
    rest.split([',', '"', '\n']).next().map(str::trim)
}

/// English, Spanish, Russian, German, French, Italian and Portuguese, each month by how it begins.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen", "янв"],
    &["feb", "fev", "fév", "фев"],
    &["mar", "mär", "мар"],
    &["apr", "abr", "avr", "апр"],
    &["may", "mai", "mag", "мая", "май"],
    &["jun", "juin", "giu", "июн"],
    &["jul", "juil", "lug", "июл"],
    &["aug", "ago", "aoû", "авг"],
    &["sep", "set", "сен"],
    &["oct", "okt", "ott", "out", "окт"],
    &["nov", "ноя"],
    &["dec", "dic", "dez", "déc", "дек"],
];

enum Zone {
    Named(Tz),
    Fixed(FixedOffset),
}

/// The instant of a time such as `9 декабря 2023 г. в 13:49 GMT-5`.
pub(super) fn parse_time(text: &str) -> Result<i64, String> {
    let shown: String = text.trim().chars().take(60).collect();
    let shown = shown.escape_debug();
    let lacking = |what: &str| format!("the time `{shown}` has no {what}");
    let (mut year, mut month, mut day, mut time) = (None, None, None, None);
    let (mut afternoon, mut zone) = (None, None);
    let lower = text.to_lowercase().replace('.', "");
    for word in lower.split(|c: char| c.is_whitespace() || c == ',' || c == '"') {
        if word.is_empty() {
            continue;
        }
        if let Some(offset) = offset(word) {
            zone = Some(Zone::Fixed(offset));
        } else if let Some((found, half)) = clock(word) {
            time = Some(found);
            afternoon = half.or(afternoon);
        } else if let Ok(number) = word.parse::<u32>() {
            match number {
                1..=31 if day.is_none() => day = Some(number),
                1990..=2199 => year = i32::try_from(number).ok(),
                _ => {
                    return Err(format!(
                        "`{number}` in the time `{shown}` is not understood"
                    ));
                }
            }
        } else if let Some(date) = instant::date(word) {
            use chrono::Datelike;
            (year, month, day) = (Some(date.year()), Some(date.month()), Some(date.day()));
        } else if time.is_none() {
            // Weekdays and words such as `at`, `de` and `г` stand here too.
            if month.is_none() {
                month = month_of(word);
            }
        } else {
            match word {
                "am" | "a" => afternoon = Some(false),
                "pm" | "p" => afternoon = Some(true),
                "m" | "h" | "uhr" => {}
                "est" | "edt" | "et" => zone = Some(Zone::Named(chrono_tz::America::New_York)),
                "cst" | "cdt" | "ct" => zone = Some(Zone::Named(chrono_tz::America::Chicago)),
                "mst" | "mdt" | "mt" => zone = Some(Zone::Named(chrono_tz::America::Denver)),
                "pst" | "pdt" | "pt" => zone = Some(Zone::Named(chrono_tz::America::Los_Angeles)),
                _ => {
                    return Err(format!(
                        "`{word}` in the time `{shown}` is no zone that is known"
                    ));
                }
            }
        }
    }
    let year = year.ok_or_else(|| lacking("year"))?;
    let month = month.ok_or_else(|| lacking("month in a language that is known"))?;
    let date = NaiveDate::from_ymd_opt(year, month, day.ok_or_else(|| lacking("day"))?);
    let (hour, minute, second) = time.ok_or_else(|| lacking("time of day"))?;
    let hour = match afternoon {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    let time = NaiveTime::from_hms_opt(hour, minute, second);
    let local = date.zip(time).map(|(date, time)| date.and_time(time));
    let ms = local.and_then(|local| match zone {
        Some(Zone::Fixed(offset)) => {
            let time = offset.from_local_datetime(&local).earliest()?;
            instant::valid_ms(time.timestamp_millis())
        }
        Some(Zone::Named(zone)) => instant::in_zone(local, zone),
        None => instant::in_zone(local, chrono_tz::America::New_York),
    });
    ms.ok_or_else(|| format!("there is no such time as `{shown}`"))
}

fn month_of(word: &str) -> Option<u32> {
    if ["martes", "mardi", "martedì"].contains(&word) {
        return None;
    }
    let begins = |starts: &[&str]| starts.iter().any(|start| word.starts_with(start));
    let at = MONTHS.iter().position(|starts| begins(starts))?;
    u32::try_from(at + 1).ok()
}

/// Hours, minutes and seconds, and which half of the day where that is written without a space.
type Clock = ((u32, u32, u32), Option<bool>);

/// `8:26`, `20:47:05`, `8:26pm` and the French `20h47`.
fn clock(word: &str) -> Option<Clock> {
    let (word, afternoon) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(word), _) => (word, Some(false)),
        (_, Some(word)) => (word, Some(true)),
        _ => (word, None),
    };
    let mut parts = word.split([':', 'h']).map(|part| part.parse::<u32>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    parts
        .next()
        .is_none()
        .then_some(((hour, minute, second), afternoon))
}

/// `gmt-5`, `utc+05:30`, `gmt`, and the sign that is not a hyphen.
fn offset(word: &str) -> Option<FixedOffset> {
    let rest = word
        .strip_prefix("gmt")
        .or_else(|| word.strip_prefix("utc"))?;
    if rest.is_empty() {
        return FixedOffset::east_opt(0);
    }
    let (west, size) = match rest.strip_prefix('+') {
        Some(size) => (false, size),
        None => (true, rest.strip_prefix(['-', '−', '–'])?),
    };
    let (hours, minutes) = size.split_once(':').unwrap_or((size, "0"));
    let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    FixedOffset::east_opt(if west { -seconds } else { seconds })
}
