//! The container: round trips, torn and damaged files, merging.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn record(t_ns: i64, key: &str, value: &str) -> Record {
    Record {
        t_ns,
        op: Op::Set,
        key: key.into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    }
}

fn header() -> Header {
    Header::event(vec!["GOOG".to_owned()], 7)
}

/// A recording of `records` in a directory of its own.
fn written(records: &[Record]) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("day.rec");
    let mut writer = Writer::create(&path, &header()).unwrap();
    for record in records {
        writer.push(record).unwrap();
    }
    let bytes = writer.finish().unwrap();
    assert_eq!(bytes, fs::metadata(&path).unwrap().len());
    (dir, path)
}

fn read(path: &Path) -> Vec<Record> {
    Reader::open(path).unwrap().map(Result::unwrap).collect()
}

fn refusal(bytes: &[u8]) -> String {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.rec");
    fs::write(&path, bytes).unwrap();
    Reader::open(&path).err().unwrap().to_string()
}

#[test]
fn the_header_comes_back_and_others_may_not_read_the_file() {
    let (_dir, path) = written(&[]);
    assert_eq!(Reader::open(&path).unwrap().header(), &header());
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");
    assert!(read(&path).is_empty());
}

#[test]
fn records_over_many_frames_come_back_in_order() {
    let value = "x".repeat(30_000);
    let records: Vec<Record> = (0..200)
        .map(|n| record(1_000 - n, &format!("market:S{}:book", n % 7), &value))
        .collect();
    let (_dir, path) = written(&records);
    assert_eq!(read(&path), records);
}

#[test]
fn a_value_larger_than_a_frame_is_one_frame() {
    let records = [
        record(1, "a", "1"),
        record(2, "options:SPX:chain", &"7".repeat(5 << 20)),
        record(3, "a", "2"),
    ];
    let (_dir, path) = written(&records);
    assert_eq!(read(&path), records);
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut writer = Writer::create(&dir.path().join("a.rec"), &header()).unwrap();
    let long = "k".repeat(MAX_KEY_BYTES + 1);
    let error = writer.append(1, Op::Set, &long, b"").unwrap_err();
    assert!(error.to_string().contains("a key of 4097 bytes"), "{error}");
    let error = writer.append(1, Op::Set, "k", &vec![0; MAX_VALUE_BYTES + 1]);
    assert!(error.unwrap_err().to_string().contains("a value of"));
}

#[test]
fn what_is_not_a_recording_says_so() {
    assert!(refusal(b"").contains("is not a recording"));
    assert!(refusal(b"34200.004241176,1,16113575,18").contains("is not a recording"));
}

#[test]
fn a_newer_recording_asks_for_an_upgrade() {
    let (_dir, path) = written(&[]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    let error = refusal(&bytes);
    assert!(
        error.contains("version 9") && error.contains("upgrade"),
        "{error}"
    );
}

#[test]
fn a_run_recording_is_not_read_as_events() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("run.rec");
    let run = Header {
        kind: Kind::Run,
        ..header()
    };
    Writer::create(&path, &run).unwrap().finish().unwrap();
    let error = Reader::open(&path).err().unwrap();
    assert!(error.to_string().contains("passes of a run"), "{error}");
}

#[test]
fn a_torn_file_reads_up_to_its_last_whole_frame_at_any_length() {
    let long = "y".repeat(FRAME_BYTES);
    let records = [
        record(1, "a", "1"),
        record(2, "b", &long),
        record(3, "c", "3"),
    ];
    let (_dir, path) = written(&records);
    let bytes = fs::read(&path).unwrap();
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        let Ok(mut reader) = Reader::open(&path) else {
            continue;
        };
        let got: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
        assert!(records.starts_with(&got), "{len}");
        assert_ne!(got.len(), 1, "{len}: the first frame holds two records");
        let message = reader.truncated().expect("a file without its end says so");
        assert!(message.contains("ends "), "{message}");
    }
}

#[test]
fn an_absurd_length_is_refused_before_it_is_allocated() {
    let (_dir, path) = written(&[record(1, "a", "1")]);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.windows(4).rposition(|mark| mark == b"FRM1");
    let head = end.unwrap();
    bytes.truncate(head);
    bytes.extend_from_slice(b"FRM1\xff\xff\xff\xff\xff\xff\xff\xff________");
    fs::write(&path, &bytes).unwrap();
    let mut reader = Reader::open(&path).unwrap();
    assert_eq!(reader.by_ref().count(), 1);
    let message = reader.truncated().unwrap();
    assert!(
        message.contains(&format!("impossible length) at byte {head}")),
        "{message}"
    );
}

#[test]
fn a_whole_frame_of_nonsense_is_an_error_and_the_next_frame_is_read() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.rec");
    let mut frames = FrameWriter::create(&path, &header()).unwrap();
    frames.frame(&[0, 5, 1]).unwrap();
    frames.frame(&[1, 0, 1, b'k', 2, 1, b'v']).unwrap();
    frames.finish().unwrap();
    let got: Vec<_> = Reader::open(&path).unwrap().collect();
    assert!(matches!(
        got[0],
        Err(RecordingError::Record(_, "key number"))
    ));
    let second = got[1].as_ref().unwrap();
    assert_eq!((second.t_ns, second.op, &*second.key), (1, Op::Rpush, "k"));
    assert_eq!(got.len(), 2);
}

#[test]
fn several_recordings_merge_by_time_and_the_first_wins_ties() {
    let (_a, first) = written(&[
        record(1, "a", "1"),
        record(5, "a", "2"),
        record(5, "a", "3"),
    ]);
    let (_b, second) = written(&[
        record(0, "b", "4"),
        record(5, "b", "5"),
        record(9, "b", "6"),
    ]);
    let readers = vec![
        Reader::open(&first).unwrap(),
        Reader::open(&second).unwrap(),
    ];
    let values: Vec<String> = merge(readers)
        .map(|record| String::from_utf8(record.unwrap().value.to_vec()).unwrap())
        .collect();
    assert_eq!(values.concat(), "412356");
}

#[test]
fn a_merge_tells_which_file_is_torn() {
    let (_a, whole) = written(&[record(1, "a", "1")]);
    let (_b, torn) = written(&[record(2, "b", "2")]);
    let bytes = fs::read(&torn).unwrap();
    fs::write(&torn, &bytes[..bytes.len() - 1]).unwrap();
    let mut merged = merge(vec![
        Reader::open(&whole).unwrap(),
        Reader::open(&torn).unwrap(),
    ]);
    assert_eq!(merged.by_ref().count(), 2, "only the end is torn");
    let messages: Vec<&str> = merged.truncated().collect();
    assert!(messages.len() == 1 && messages[0].contains(torn.to_str().unwrap()));
}

fn any_record() -> impl Strategy<Value = Record> {
    let op = prop_oneof![Just(Op::Set), Just(Op::Rpush), Just(Op::Publish)];
    let value = prop::collection::vec(any::<u8>(), 0..64);
    (any::<i64>(), op, "[a-c:é]{0,4}", value).prop_map(|(t_ns, op, key, value)| Record {
        t_ns,
        op,
        key: key.into(),
        value: value.into(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_records_come_back(records in prop::collection::vec(any_record(), 0..40)) {
        let (_dir, path) = written(&records);
        prop_assert_eq!(read(&path), records);
    }

    #[test]
    fn a_flipped_byte_gives_a_prefix_or_a_refusal(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let records = [record(1, "a", "1"), record(2, "b", &"z".repeat(FRAME_BYTES)), record(3, "c", "3")];
        let (_dir, path) = written(&records);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        fs::write(&path, &bytes).unwrap();
        if let Ok(reader) = Reader::open(&path) {
            let got: Vec<Record> = reader.map_while(Result::ok).collect();
            prop_assert!(records.starts_with(&got));
        }
    }

    #[test]
    fn any_frame_of_any_bytes_never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("a.rec");
        let mut frames = FrameWriter::create(&path, &header()).unwrap();
        frames.frame(&body).unwrap();
        frames.finish().unwrap();
        let _ = Reader::open(&path).unwrap().count();
    }
}
