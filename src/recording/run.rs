//! Run recordings: what each symbol's turn was told and a hash of what it said, so that the same
//! passes can be repeated and every document compared.
//!
//! A frame holds whole records. A record is a kind (u8) and its fields: numbers as varints, texts
//! and bytes with their length before them. A value that stood in the turn before is not written
//! again. The last record counts what the recorder had to drop: a run with any is incomplete.

mod universe;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use bytes::Bytes;
use chrono::{Datelike, NaiveDate};
use quant::market::{Symbol, Timestamp};

use super::frame::{FRAME_BYTES, FrameReader, FrameWriter, MAX_VALUE_BYTES};
use super::varint::{put_varint, span, varint};
use super::{Header, Kind, RecordingError};
use crate::store::exchange::{Fetched, Gathered, NewTrades};
use crate::store::inbox::{Channel, Message};
use crate::store::tap::{RunEvent, RunTurn, Tap, TapCounts, day_of, tap};

const STARTED: u8 = 0;
const TURNED: u8 = 1;
const ENDED: u8 = 2;
const SETTINGS: u8 = 3;
const RECONFIGURED: u8 = 4;
/// A turn with messages; one without is written as before there were any.
const TURNED_WITH_MESSAGES: u8 = 7;
/// What is usual of a symbol, before the turn that was told so; where nothing new was told there is none.
const BASELINE: u8 = 8;

const NOT_ASKED: u8 = 0;
const MISSING: u8 = 1;
const WRONG_TYPE: u8 = 2;
const SAME: u8 = 3;
const VALUE: u8 = 4;

/// Most elements of a list in one record; a store keeps a thousand trades.
const MAX_ELEMENTS: u64 = 1 << 20;

/// Records a run on a thread of its own.
pub struct RunRecorder {
    thread: JoinHandle<Result<Recorded, RecordingError>>,
}

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Starts and turns.
    pub events: u64,
    /// Events that did not fit into the buffer.
    pub dropped: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl RunRecorder {
    /// A new file, and the tap that fills it and those that follow: `run.rec`, `run.2.rec`, … A
    /// file that is there is left, and the next number taken.
    pub fn start(path: &Path, header: &Header) -> Result<(Tap, Self), RecordingError> {
        let (tap, events, counts) = tap();
        let files = Files {
            first: path.to_owned(),
            header: header.clone(),
            counts,
        };
        let writer = files.next(Timestamp::from_nanos(header.start_ns))?;
        let thread = std::thread::Builder::new()
            .name("recorder".into())
            .spawn(move || {
                record(writer, &files, &events).inspect_err(|why| {
                    tracing::error!(%why, "the run is not recorded any more");
                })
            })
            .map_err(|source| RecordingError::write(path, source))?;
        Ok((tap, Self { thread }))
    }

    /// Waits until everything is on the disk; every tap must be gone.
    pub fn finish(self) -> Result<Recorded, RecordingError> {
        self.thread.join().expect("the recorder does not panic")
    }
}

/// The files of one recorder.
struct Files {
    first: PathBuf,
    header: Header,
    counts: Arc<TapCounts>,
}

impl Files {
    /// The next file that is not there yet.
    fn next(&self, now: Timestamp) -> Result<RunWriter, RecordingError> {
        let numbered = |number: u32| match number {
            1 => self.first.clone(),
            number => self.first.with_extension(match self.first.extension() {
                Some(extension) => format!("{number}.{}", extension.to_string_lossy()),
                None => number.to_string(),
            }),
        };
        let free = (1..u32::MAX).map(numbered).find(|path| !path.exists());
        let header = Header {
            start_ns: now.nanos(),
            ..self.header.clone()
        };
        self.counts.file_day.store(day_of(now), Ordering::Relaxed);
        self.counts.file_bytes.store(0, Ordering::Relaxed);
        RunWriter::create(free.as_deref().unwrap_or(&self.first), &header)
    }
}

fn record(
    mut writer: RunWriter,
    files: &Files,
    events: &Receiver<RunEvent>,
) -> Result<Recorded, RecordingError> {
    let dropped = || files.counts.dropped.load(Ordering::Relaxed);
    let (mut count, mut bytes) = (0, 0);
    for event in events {
        count += 1;
        match event {
            RunEvent::NextFile(settings, now) => {
                bytes += writer.finish(dropped())?;
                writer = files.next(now)?;
                writer.event(&RunEvent::Settings(settings))?;
            }
            event => writer.event(&event)?,
        }
        let written = writer.frames.written();
        files.counts.file_bytes.store(written, Ordering::Relaxed);
    }
    bytes += writer.finish(dropped())?;
    Ok(Recorded {
        events: count,
        dropped: dropped(),
        bytes,
    })
}

struct RunWriter {
    frames: FrameWriter,
    raw: Vec<u8>,
    last: HashMap<Symbol, [Option<Bytes>; 8]>,
    /// What each symbol was last told is usual of it; nothing where that is nothing.
    baselines: HashMap<Symbol, Fetched>,
    /// The same of what is read over all symbols, by key.
    universe: HashMap<String, Option<Bytes>>,
}

impl RunWriter {
    fn create(path: &Path, header: &Header) -> Result<Self, RecordingError> {
        Ok(Self {
            frames: FrameWriter::create(path, header)?,
            raw: Vec::with_capacity(FRAME_BYTES + FRAME_BYTES / 4),
            last: HashMap::new(),
            baselines: HashMap::new(),
            universe: HashMap::new(),
        })
    }

    /// Ends the file; how many events were dropped since the recorder began.
    fn finish(mut self, dropped: u64) -> Result<u64, RecordingError> {
        self.raw.push(ENDED);
        put_varint(&mut self.raw, dropped);
        self.end_frame()?;
        self.frames.finish()
    }

    fn event(&mut self, event: &RunEvent) -> Result<(), RecordingError> {
        match event {
            RunEvent::Reconfigured(symbol) => {
                self.raw.push(RECONFIGURED);
                put_bytes(&mut self.raw, symbol.as_str().as_bytes());
            }
            RunEvent::NextFile(config, _) | RunEvent::Settings(config) => {
                self.raw.push(SETTINGS);
                put_bytes(&mut self.raw, config.to_string().as_bytes());
            }
            RunEvent::Started { symbol, states } => {
                self.last.remove(symbol);
                self.baselines.remove(symbol);
                self.raw.push(STARTED);
                put_bytes(&mut self.raw, symbol.as_str().as_bytes());
                self.states(states);
            }
            RunEvent::Turned(turn) => self.turn(turn),
            RunEvent::UniverseStarted { symbols, states } => {
                self.universe_started(symbols, states);
            }
            RunEvent::UniverseTurned(turn) => self.universe_turned(turn),
        }
        match self.raw.len() >= FRAME_BYTES {
            true => self.end_frame(),
            false => Ok(()),
        }
    }

    /// What is usual of a symbol: large, and the same all half hour.
    fn baseline(&mut self, symbol: &Symbol, told: &Fetched) {
        let before = self.baselines.get(symbol).unwrap_or(&Fetched::Missing);
        if *told == Fetched::NotAsked || told == before {
            return;
        }
        self.raw.push(BASELINE);
        put_bytes(&mut self.raw, symbol.as_str().as_bytes());
        let (kind, bytes): (u8, &[u8]) = match told {
            Fetched::NotAsked | Fetched::Missing => (0, &[]),
            Fetched::Value(bytes) => (1, bytes),
            Fetched::WrongType => (2, &[]),
        };
        self.raw.push(kind);
        put_bytes(&mut self.raw, bytes);
        let kept = match told {
            // A copy, because the value is a slice of a whole reply and would keep that.
            Fetched::Value(bytes) => Fetched::Value(Bytes::copy_from_slice(bytes)),
            told => told.clone(),
        };
        self.baselines.insert(symbol.clone(), kept);
    }

    fn turn(&mut self, turn: &RunTurn) {
        self.baseline(&turn.symbol, &turn.gathered.baseline);
        let out = &mut self.raw;
        let messages = &turn.gathered.messages;
        out.push(match messages.is_empty() {
            true => TURNED,
            false => TURNED_WITH_MESSAGES,
        });
        put_bytes(out, turn.symbol.as_str().as_bytes());
        put_varint(out, turn.pass);
        out.extend_from_slice(&turn.now.nanos().to_le_bytes());
        out.extend_from_slice(&turn.today.num_days_from_ce().to_le_bytes());
        put_varint(out, turn.due.into());
        out.push(u8::from(turn.anew));
        let last = self.last.entry(turn.symbol.clone()).or_default();
        for (fetched, last) in fields(&turn.gathered).into_iter().zip(last) {
            put_fetched(out, fetched, last);
        }
        let trades = &turn.gathered.trades;
        out.push(u8::from(trades.gap) | u8::from(trades.wrong_type) << 1);
        put_varint(out, trades.elements.len() as u64);
        for element in &trades.elements {
            put_bytes(out, element);
        }
        if !messages.is_empty() {
            put_varint(out, messages.len() as u64);
            for message in messages {
                out.push(message.channel as u8);
                put_bytes(out, &message.payload);
            }
        }
        let Some(documents) = &turn.documents else {
            out.push(0);
            return;
        };
        out.push(1);
        self.documents(documents);
    }

    fn states(&mut self, states: &[Option<Bytes>]) {
        put_varint(&mut self.raw, states.len() as u64);
        for state in states {
            self.raw.push(u8::from(state.is_some()));
            put_bytes(&mut self.raw, state.as_deref().unwrap_or_default());
        }
    }

    fn documents(&mut self, documents: &[(String, u64)]) {
        put_varint(&mut self.raw, documents.len() as u64);
        for (name, hash) in documents {
            put_bytes(&mut self.raw, name.as_bytes());
            self.raw.extend_from_slice(&hash.to_le_bytes());
        }
    }

    fn end_frame(&mut self) -> Result<(), RecordingError> {
        self.frames.frame(&self.raw)?;
        self.raw.clear();
        self.raw.shrink_to(FRAME_BYTES + FRAME_BYTES / 4);
        Ok(())
    }
}

fn fields(gathered: &Gathered) -> [&Fetched; 8] {
    [
        &gathered.ticker,
        &gathered.book,
        &gathered.chain,
        &gathered.bars,
        &gathered.imbalance,
        &gathered.bucket_size,
        &gathered.bucket_size_global,
        &gathered.volume,
    ]
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_fetched(out: &mut Vec<u8>, fetched: &Fetched, last: &mut Option<Bytes>) {
    match fetched {
        Fetched::NotAsked => out.push(NOT_ASKED),
        Fetched::Missing => out.push(MISSING),
        Fetched::WrongType => out.push(WRONG_TYPE),
        Fetched::Value(bytes) if last.as_ref() == Some(bytes) => out.push(SAME),
        Fetched::Value(bytes) => {
            out.push(VALUE);
            put_bytes(out, bytes);
            // A copy, because the value is a slice of a whole reply and would keep that.
            *last = Some(Bytes::copy_from_slice(bytes));
        }
    }
}

/// Reads a run recording event by event.
pub struct RunReader {
    frames: FrameReader,
    header: Header,
    frame: Bytes,
    at: usize,
    last: HashMap<Symbol, [Option<Bytes>; 8]>,
    /// What the next turn of a symbol was told is usual of it.
    baselines: HashMap<Symbol, Fetched>,
    universe: HashMap<String, Option<Bytes>>,
    dropped: Option<u64>,
}

impl RunReader {
    /// Opens a run recording and reads its header.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let (frames, header) = FrameReader::open(path)?;
        if header.kind != Kind::Run {
            return Err(RecordingError::NotARun(path.display().to_string()));
        }
        Ok(Self {
            frames,
            header,
            frame: Bytes::new(),
            at: 0,
            last: HashMap::new(),
            baselines: HashMap::new(),
            universe: HashMap::new(),
            dropped: None,
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Why the run is not whole, once it is read: it was cut off, or events were dropped.
    pub fn incomplete(&self) -> Option<String> {
        if let Some(torn) = self.frames.truncated() {
            return Some(torn.to_owned());
        }
        match self.dropped {
            Some(0) => None,
            Some(dropped) => Some(format!(
                "{dropped} events were dropped while it was recorded"
            )),
            None => Some("its end is missing".to_owned()),
        }
    }

    fn decode(&mut self) -> Result<Option<RunEvent>, &'static str> {
        let kind = self.byte()?;
        match kind {
            STARTED => {
                let symbol = self.symbol()?;
                self.last.remove(&symbol);
                let states = self.states()?;
                Ok(Some(RunEvent::Started { symbol, states }))
            }
            TURNED | TURNED_WITH_MESSAGES => self
                .turn(kind == TURNED_WITH_MESSAGES)
                .map(|turn| Some(RunEvent::Turned(Box::new(turn)))),
            BASELINE => {
                let symbol = self.symbol()?;
                let kind = self.byte()?;
                let bytes = self.bytes()?;
                let told = match kind {
                    0 => Fetched::Missing,
                    1 => Fetched::Value(bytes),
                    2 => Fetched::WrongType,
                    _ => return Err("baseline"),
                };
                self.baselines.insert(symbol, told);
                // Its turn stands behind it, in the same frame.
                self.decode()
            }
            SETTINGS => {
                let config = serde_json::from_slice(&self.bytes()?);
                Ok(Some(RunEvent::Settings(config.map_err(|_| "settings")?)))
            }
            RECONFIGURED => Ok(Some(RunEvent::Reconfigured(self.symbol()?))),
            universe::STARTED => self.universe_started().map(Some),
            universe::TURNED => self.universe_turned().map(Some),
            ENDED => {
                self.dropped = Some(self.number()?);
                Ok(None)
            }
            _ => Err("unknown record"),
        }
    }

    fn turn(&mut self, with_messages: bool) -> Result<RunTurn, &'static str> {
        let symbol = self.symbol()?;
        let pass = self.number()?;
        let now = Timestamp::from_nanos(i64::from_le_bytes(self.array()?));
        let days = i32::from_le_bytes(self.array()?);
        let today = NaiveDate::from_num_days_from_ce_opt(days).ok_or("date")?;
        let due = u32::try_from(self.number()?).map_err(|_| "jobs")?;
        let anew = self.byte()? == 1;
        let mut last = self.last.remove(&symbol).unwrap_or_default();
        let mut fetched = Vec::with_capacity(last.len());
        for last in &mut last {
            fetched.push(self.fetched(last)?);
        }
        self.last.insert(symbol.clone(), last);
        let mut fetched = fetched.into_iter();
        let mut next = || fetched.next().unwrap_or_default();
        let mut gathered = Gathered {
            ticker: next(),
            book: next(),
            chain: next(),
            bars: next(),
            imbalance: next(),
            bucket_size: next(),
            bucket_size_global: next(),
            volume: next(),
            baseline: self.baselines.remove(&symbol).unwrap_or_default(),
            trades: NewTrades::default(),
            messages: Vec::new(),
        };
        let flags = self.byte()?;
        gathered.trades.gap = flags & 1 != 0;
        gathered.trades.wrong_type = flags & 2 != 0;
        for _ in 0..self.count()? {
            let element = self.bytes()?;
            gathered.trades.elements.push(element);
        }
        if with_messages {
            for _ in 0..self.count()? {
                let channel = Channel::of_number(self.byte()?).ok_or("channel")?;
                let payload = self.bytes()?;
                gathered.messages.push(Message { channel, payload });
            }
        }
        let documents = match self.byte()? {
            0 => None,
            _ => Some(self.documents()?),
        };
        Ok(RunTurn {
            symbol,
            pass,
            now,
            today,
            due,
            anew,
            gathered,
            documents,
        })
    }

    fn states(&mut self) -> Result<Vec<Option<Bytes>>, &'static str> {
        let mut states = Vec::new();
        for _ in 0..self.count()? {
            let there = self.byte()? == 1;
            let bytes = self.bytes()?;
            states.push(there.then_some(bytes));
        }
        Ok(states)
    }

    fn documents(&mut self) -> Result<Vec<(String, u64)>, &'static str> {
        let mut documents = Vec::new();
        for _ in 0..self.count()? {
            let name = self.text()?;
            documents.push((name, u64::from_le_bytes(self.array()?)));
        }
        Ok(documents)
    }

    fn fetched(&mut self, last: &mut Option<Bytes>) -> Result<Fetched, &'static str> {
        Ok(match self.byte()? {
            NOT_ASKED => Fetched::NotAsked,
            MISSING => Fetched::Missing,
            WRONG_TYPE => Fetched::WrongType,
            SAME => Fetched::Value(last.clone().ok_or("a value that stood nowhere before")?),
            VALUE => {
                // A copy, because a slice would keep its whole frame for as long as it stands.
                let bytes = Bytes::copy_from_slice(&self.bytes()?);
                *last = Some(bytes.clone());
                Fetched::Value(bytes)
            }
            _ => return Err("value"),
        })
    }

    fn byte(&mut self) -> Result<u8, &'static str> {
        let byte = *self.frame.get(self.at).ok_or("end of frame")?;
        self.at += 1;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let bytes = self.frame.get(self.at..self.at + N).ok_or("end of frame")?;
        self.at += N;
        bytes.try_into().map_err(|_| "number")
    }

    fn number(&mut self) -> Result<u64, &'static str> {
        varint(&self.frame, &mut self.at).ok_or("number")
    }

    fn count(&mut self) -> Result<u64, &'static str> {
        let count = self.number()?;
        if count > MAX_ELEMENTS {
            Err("count")
        } else {
            Ok(count)
        }
    }

    fn bytes(&mut self) -> Result<Bytes, &'static str> {
        let span = span(&self.frame, &mut self.at, MAX_VALUE_BYTES).ok_or("length")?;
        Ok(self.frame.slice(span))
    }

    fn text(&mut self) -> Result<String, &'static str> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| "text")
    }

    fn symbol(&mut self) -> Result<Symbol, &'static str> {
        Symbol::new(&self.text()?).map_err(|_| "symbol")
    }
}

impl Iterator for RunReader {
    type Item = Result<RunEvent, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.at < self.frame.len() {
                match self.decode() {
                    Ok(Some(event)) => return Some(Ok(event)),
                    Ok(None) => continue,
                    Err(cause) => {
                        self.at = self.frame.len();
                        let path = self.frames.path().display().to_string();
                        return Some(Err(RecordingError::Record(path, cause)));
                    }
                }
            }
            match self.frames.next_frame() {
                Ok(Some(frame)) => (self.frame, self.at) = (frame, 0),
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tap::UniverseTurn;
    use proptest::prelude::*;

    fn header() -> Header {
        Header::run(serde_json::json!({}), "0.1.0", 0)
    }

    fn turn(symbol: &str, ticker: Fetched, elements: &[&'static str]) -> RunEvent {
        RunEvent::Turned(Box::new(RunTurn {
            symbol: Symbol::new(symbol).unwrap(),
            pass: 7,
            now: Timestamp::from_seconds(-3),
            today: NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(),
            due: 5,
            anew: true,
            gathered: Gathered {
                ticker,
                trades: NewTrades {
                    elements: elements
                        .iter()
                        .map(|e| Bytes::from_static(e.as_bytes()))
                        .collect(),
                    gap: true,
                    wrong_type: false,
                },
                ..Gathered::default()
            },
            documents: Some(vec![("vpin".into(), 42)]),
        }))
    }

    fn with_messages(event: RunEvent) -> RunEvent {
        let RunEvent::Turned(mut turn) = event else {
            panic!("{event:?}")
        };
        turn.gathered.messages = Channel::ALL
            .map(|channel| Message {
                channel,
                payload: channel.name().into(),
            })
            .into();
        RunEvent::Turned(turn)
    }

    fn universe_turn(fetched: Fetched) -> RunEvent {
        RunEvent::UniverseTurned(Box::new(UniverseTurn {
            pass: 7,
            now: Timestamp::from_seconds(3),
            due: 1 << 12,
            anew: false,
            symbols: vec![Symbol::new("A").unwrap()],
            answers: vec![("analytics:A:summary".into(), fetched)],
            documents: vec![("analytics:portfolio:summary".into(), 42)],
        }))
    }

    fn recorded(events: &[RunEvent]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.rec");
        let (tap, recorder) = RunRecorder::start(&path, &header()).unwrap();
        events.iter().for_each(|event| tap.send(event.clone()));
        drop(tap);
        assert_eq!(recorder.finish().unwrap().events, events.len() as u64);
        (dir, path)
    }

    #[test]
    fn a_run_comes_back_as_it_was() {
        let value = |text: &'static str| Fetched::Value(text.into());
        let events = [
            RunEvent::Settings(serde_json::json!({"tape": {"ring": 7}})),
            RunEvent::Started {
                symbol: Symbol::new("A").unwrap(),
                states: vec![None, Some("state".into())],
            },
            turn("A", value("one"), &["x", "y"]),
            turn("B", value("one"), &[]),
            turn("A", value("one"), &[]),
            turn("A", Fetched::Missing, &["z"]),
            with_messages(turn("A", value("one"), &["w"])),
            turn("A", value("one"), &[]),
            turn("A", Fetched::WrongType, &[]),
            RunEvent::Reconfigured(Symbol::new("A").unwrap()),
            RunEvent::UniverseStarted {
                symbols: vec![Symbol::new("A").unwrap()],
                states: vec![Some("memory".into()), None],
            },
            universe_turn(value("one")),
            universe_turn(value("one")),
            universe_turn(Fetched::Missing),
        ];
        let (_dir, path) = recorded(&events);
        let mut reader = RunReader::open(&path).unwrap();
        let read: Vec<RunEvent> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(read, events);
        assert_eq!(reader.incomplete(), None);
    }

    #[test]
    fn what_is_usual_is_recorded_whenever_it_changes() {
        let told = |baseline: Fetched| {
            let RunEvent::Turned(mut turn) = turn("A", Fetched::Missing, &[]) else {
                unreachable!("a turn is a turn");
            };
            turn.gathered.baseline = baseline;
            RunEvent::Turned(turn)
        };
        let value = || Fetched::Value("one".into());
        let said = [
            Fetched::Missing,
            value(),
            Fetched::NotAsked,
            value(),
            Fetched::WrongType,
            Fetched::WrongType,
            value(),
            Fetched::Missing,
        ];
        let (_dir, path) = recorded(&said.map(told));
        let read = RunReader::open(&path).unwrap().map(|event| match event {
            Ok(RunEvent::Turned(turn)) => turn.gathered.baseline,
            other => panic!("{other:?}"),
        });
        let (same, gone) = (Fetched::NotAsked, Fetched::Missing);
        let expected = [
            same.clone(),
            value(),
            same.clone(),
            same.clone(),
            Fetched::WrongType,
            same,
            value(),
            gone,
        ];
        assert_eq!(read.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_file_stands_alone_and_none_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.rec");
        std::fs::write(dir.path().join("run.2.rec"), "of another run").unwrap();
        let value = || Fetched::Value("one".into());
        let (tap, recorder) = RunRecorder::start(&path, &header()).unwrap();
        tap.send(turn("A", value(), &[]));
        tap.send(RunEvent::NextFile(
            serde_json::json!({}),
            Timestamp::default(),
        ));
        tap.send(turn("A", value(), &[]));
        drop(tap);
        recorder.finish().unwrap();
        for (name, events) in [("run.rec", 1), ("run.3.rec", 2)] {
            let mut reader = RunReader::open(&dir.path().join(name)).unwrap();
            let read: Vec<RunEvent> = reader.by_ref().map(Result::unwrap).collect();
            assert_eq!(read.len(), events, "{name}");
            assert_eq!(read[events - 1], turn("A", value(), &[]), "{name}");
            assert_eq!(reader.incomplete(), None, "{name}");
        }
    }

    #[test]
    fn a_run_that_was_cut_off_is_incomplete() {
        let (_dir, path) = recorded(&[turn("A", Fetched::NotAsked, &["x"])]);
        let bytes = std::fs::read(&path).unwrap();
        for len in (0..bytes.len()).rev() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            if let Ok(mut reader) = RunReader::open(&path) {
                reader.by_ref().for_each(drop);
                assert!(reader.incomplete().is_some(), "{len}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_frame_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("run.rec");
            let mut frames = FrameWriter::create(&path, &header()).unwrap();
            frames.frame(&body).unwrap();
            frames.finish().unwrap();
            RunReader::open(&path).unwrap().for_each(drop);
        }
    }
}
