//! `import jsonl`: an event a line, `{"t_ns": …, "op": "set|rpush|publish", "key": …, "value": …}`.
//! A string value is stored decoded, any other as its text stands, so that a fixture can hold
//! broken values too.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ImportError, ImportReport, Sink};
use crate::recording::{MAX_KEY_BYTES, MAX_VALUE_BYTES, Op};
use crate::unpack::{self, Line, Lines};

/// A value of the largest size, escaped twice over, and the rest of its line.
const MAX_LINE_BYTES: usize = 2 * MAX_VALUE_BYTES + (1 << 20);

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    t_ns: Option<&'a RawValue>,
    #[serde(borrow)]
    op: Option<&'a RawValue>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

/// Reads the files one after the other into the recording `out`, sorted by time.
pub fn import(
    files: &[PathBuf],
    out: &Path,
    max_unpacked_bytes: u64,
) -> Result<ImportReport, ImportError> {
    let mut sink = Sink::new("jsonl", out, &[]);
    let mut first_fault = None;
    let mut line = Vec::new();
    for file in files {
        let mut lines = Lines::new(unpack::open(file, max_unpacked_bytes)?, MAX_LINE_BYTES);
        loop {
            let found = lines.next_into(&mut line)?;
            if found == Line::End {
                break;
            }
            if found == Line::Whole && line.trim_ascii().is_empty() {
                continue;
            }
            sink.count_read("lines", 1);
            let result = match found {
                Line::Whole => keep(&line, &mut sink)?,
                Line::TooLong | Line::End => Err("line_too_long"),
            };
            if let Err(reason) = result {
                sink.count_dropped(reason, 1);
                first_fault.get_or_insert((file, lines.number(), reason));
            }
        }
    }
    if let Some((file, number, reason)) = first_fault
        && sink.kept() == 0
    {
        return Err(ImportError::Format(format!(
            "{}: no line is an event, line {number} is dropped as {reason} (a line is \
             {{\"t_ns\": 1340285400000000000, \"op\": \"set\", \"key\": …, \"value\": …}})",
            file.display()
        )));
    }
    sink.finish(&[])
}

/// Writes the event of a line, or says why there is none.
fn keep(line: &[u8], sink: &mut Sink) -> Result<Result<(), &'static str>, ImportError> {
    let Ok(event) = serde_json::from_slice::<Event<'_>>(line) else {
        return Ok(Err("bad_json"));
    };
    match decode(&event) {
        Ok((t_ns, op, key, value)) => sink.push(t_ns, op, &key, &value).map(Ok),
        Err(reason) => Ok(Err(reason)),
    }
}

type Decoded<'a> = (i64, Op, Cow<'a, str>, Cow<'a, [u8]>);

fn decode<'a>(event: &Event<'a>) -> Result<Decoded<'a>, &'static str> {
    let t_ns = event.t_ns.ok_or("no_time")?;
    let t_ns: i64 = t_ns.get().parse().map_err(|_| "bad_time")?;
    let op = match &*text(event.op.ok_or("no_op")?).ok_or("bad_op")? {
        "set" => Op::Set,
        "rpush" => Op::Rpush,
        "publish" => Op::Publish,
        _ => return Err("bad_op"),
    };
    let key = text(event.key.ok_or("no_key")?).ok_or("bad_key")?;
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err("bad_key");
    }
    let value = event.value.ok_or("no_value")?;
    let value = if value.get().starts_with('"') {
        match text(value).ok_or("bad_value")? {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }
    } else {
        Cow::Borrowed(value.get().as_bytes())
    };
    if value.len() > MAX_VALUE_BYTES {
        return Err("value_too_long");
    }
    Ok((t_ns, op, key, value))
}

/// The content of a JSON string; `None` when it is something else.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Text(text) = serde_json::from_str(raw.get()).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Reader, Record};

    fn imported(text: &str) -> Result<(ImportReport, Vec<Record>), ImportError> {
        let dir = tempfile::TempDir::new().unwrap();
        let (file, out) = (dir.path().join("a.jsonl"), dir.path().join("a.rec"));
        std::fs::write(&file, text).unwrap();
        let report = import(&[file.clone(), file], &out, 10_000)?;
        let records = Reader::open(&out).unwrap();
        Ok((report, records.map(Result::unwrap).collect()))
    }

    fn values(records: &[Record]) -> Vec<&str> {
        records
            .iter()
            .map(|record| std::str::from_utf8(&record.value).unwrap())
            .collect()
    }

    #[test]
    fn values_are_stored_as_they_stand_and_strings_decoded() {
        let (report, records) = imported(
            r#"{"t_ns": 1, "op":"set", "key":"market:A:ticker", "value": {"bid": 1.50,  "x":[]}}
               {"t_ns": 2, "op":"rpush", "key":"market:A:trades", "value": "{\"price\":1.0"}
               {"value": 17, "key": "discovered:vpin_bucket_size", "op": "set", "t_ns": 3, "x": 1}
"#,
        )
        .unwrap();
        let values = values(&records);
        assert_eq!(values[0], r#"{"bid": 1.50,  "x":[]}"#);
        assert_eq!((records[2].op, values[2]), (Op::Rpush, r#"{"price":1.0"#));
        assert_eq!(values[5], "17");
        assert_eq!((report.kept, report.symbols), (6, vec!["A".to_owned()]));
    }

    #[test]
    fn two_files_are_one_recording_in_time_order() {
        let (report, records) = imported(
            "{\"t_ns\":5,\"op\":\"set\",\"key\":\"a\",\"value\":1}\n\n{\"t_ns\":7,\"op\":\"publish\",\"key\":\"b\",\"value\":2}",
        )
        .unwrap();
        assert_eq!(values(&records), ["1", "1", "2", "2"]);
        assert_eq!((report.read["lines"], report.out_of_order), (4, 1));
    }

    #[test]
    fn a_bad_line_is_dropped_with_its_reason_and_the_rest_is_used() {
        let good = r#"{"t_ns":5,"op":"set","key":"a","value":1}"#;
        for (line, reason) in [
            ("{", "bad_json"),
            ("[1,2]", "bad_json"),
            ("\u{7f}", "bad_json"),
            (r#"{"op":"set","key":"a","value":1}"#, "no_time"),
            (r#"{"t_ns":1.5,"op":"set","key":"a","value":1}"#, "bad_time"),
            (r#"{"t_ns":5,"key":"a","value":1}"#, "no_op"),
            (r#"{"t_ns":5,"op":"del","key":"a","value":1}"#, "bad_op"),
            (r#"{"t_ns":5,"op":"set","value":1}"#, "no_key"),
            (r#"{"t_ns":5,"op":"set","key":"","value":1}"#, "bad_key"),
            (r#"{"t_ns":5,"op":"set","key":"a"}"#, "no_value"),
            (
                r#"{"t_ns":5,"op":"set","key":"a","value":"\ud800"}"#,
                "bad_value",
            ),
        ] {
            let (report, records) = imported(&format!("{good}\n{line}\n")).unwrap();
            assert_eq!(report.dropped[reason], 2, "{line}");
            assert_eq!(records.len(), 2);
        }
    }

    #[test]
    fn a_file_without_one_event_is_refused_and_an_empty_one_is_not() {
        let error = imported("a,b,c\n1,2,3\n").unwrap_err().to_string();
        assert!(error.contains("line 1 is dropped as bad_json"), "{error}");
        let (report, _) = imported("").unwrap();
        assert_eq!((report.kept, report.first), (0, None));
    }
}
