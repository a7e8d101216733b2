//! Recordings of events: what was set, pushed or published, when, in source time.
//!
//! A frame holds whole records and stands alone: its key table and its clock start anew. A record
//! is: operation (u8), key number (varint; the next free number is followed by the key's length
//! and text), time less the record before it (zigzag varint), value length (varint), value.

mod error;
mod frame;
mod merge;
pub mod run;
#[cfg(test)]
mod tests;
mod varint;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use error::RecordingError;
pub use frame::MAX_VALUE_BYTES;
use frame::{FRAME_BYTES, FrameReader, FrameWriter};
pub use merge::{Merge, merge};
use varint::{put_varint, span, varint};

/// The newest layout this program reads, and the one it writes.
pub const VERSION: u32 = 2;
/// The longest key; Redis takes more, no producer comes near.
pub const MAX_KEY_BYTES: usize = 4096;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The key's value was replaced.
    Set,
    /// An element was appended to the list at the key.
    Rpush,
    /// A message went out on the channel the key names.
    Publish,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When, in source time: nanoseconds since the Unix epoch.
    pub t_ns: i64,
    /// What was done.
    pub op: Op,
    /// The key or channel.
    pub key: Arc<str>,
    /// The value, element or message. From a reader it is a slice of its whole frame (about
    /// 1 MiB) and keeps that in memory: copy what is kept for long.
    pub value: Bytes,
}

/// What a recording holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Events in source time.
    Event,
    /// The passes of a running engine.
    Run,
}

/// The first frame of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The layout, see [`VERSION`].
    pub version: u32,
    /// What the frames hold.
    pub kind: Kind,
    /// The symbols in it, sorted; empty when not known.
    #[serde(default)]
    pub symbols: Vec<String>,
    /// The settings that ran, of a run recording; without what tells where the store is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Value>,
    /// The version of the program that ran, of a run recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The time of the first record: nanoseconds since the Unix epoch.
    pub start_ns: i64,
}

impl Header {
    /// The header of an event recording.
    pub fn event(symbols: Vec<String>, start_ns: i64) -> Self {
        Self {
            version: VERSION,
            kind: Kind::Event,
            symbols,
            config: None,
            program: None,
            start_ns,
        }
    }

    /// The header of a run recording.
    pub fn run(config: serde_json::Value, program: &str, start_ns: i64) -> Self {
        Self {
            kind: Kind::Run,
            config: Some(config),
            program: Some(program.to_owned()),
            ..Self::event(Vec::new(), start_ns)
        }
    }
}

/// Writes an event recording. Dropped without [`Writer::finish`], the last records are missing.
pub struct Writer {
    frames: FrameWriter,
    raw: Vec<u8>,
    keys: HashMap<Arc<str>, u64>,
    previous_ns: i64,
}

impl Writer {
    /// A new file, mode 0640, in place of one that is there.
    pub fn create(path: &Path, header: &Header) -> Result<Self, RecordingError> {
        Ok(Self {
            frames: FrameWriter::create(path, header)?,
            raw: Vec::with_capacity(FRAME_BYTES + FRAME_BYTES / 4),
            keys: HashMap::new(),
            previous_ns: 0,
        })
    }

    /// Appends a record; times may go backwards.
    pub fn push(&mut self, record: &Record) -> Result<(), RecordingError> {
        self.append(record.t_ns, record.op, &record.key, &record.value)
    }

    /// Appends a record given in parts.
    pub fn append(
        &mut self,
        t_ns: i64,
        op: Op,
        key: &str,
        value: &[u8],
    ) -> Result<(), RecordingError> {
        self.check("key", key.len(), MAX_KEY_BYTES)?;
        self.check("value", value.len(), MAX_VALUE_BYTES)?;
        self.raw.push(op as u8);
        if let Some(number) = self.keys.get(key) {
            put_varint(&mut self.raw, *number);
        } else {
            let number = self.keys.len() as u64;
            self.keys.insert(key.into(), number);
            put_varint(&mut self.raw, number);
            put_varint(&mut self.raw, key.len() as u64);
            self.raw.extend_from_slice(key.as_bytes());
        }
        let step = t_ns.wrapping_sub(self.previous_ns);
        put_varint(&mut self.raw, ((step << 1) ^ (step >> 63)) as u64);
        put_varint(&mut self.raw, value.len() as u64);
        self.raw.extend_from_slice(value);
        self.previous_ns = t_ns;
        if self.raw.len() >= FRAME_BYTES {
            self.end_frame()?;
        }
        Ok(())
    }

    /// Writes what is left and waits until the disk has it; the bytes of the file.
    pub fn finish(mut self) -> Result<u64, RecordingError> {
        if !self.raw.is_empty() {
            self.end_frame()?;
        }
        self.frames.finish()
    }

    fn end_frame(&mut self) -> Result<(), RecordingError> {
        self.frames.frame(&self.raw)?;
        self.raw.clear();
        // One chain of 64 MiB must not keep its buffer for the rest of the day.
        self.raw.shrink_to(FRAME_BYTES + FRAME_BYTES / 4);
        self.keys.clear();
        self.previous_ns = 0;
        Ok(())
    }

    fn check(&self, what: &'static str, len: usize, limit: usize) -> Result<(), RecordingError> {
        if len <= limit {
            return Ok(());
        }
        let path = self.frames.path().display().to_string();
        Err(RecordingError::TooLong(path, what, len, limit))
    }
}

/// Reads an event recording record by record, in the order written.
pub struct Reader {
    frames: FrameReader,
    header: Header,
    frame: Bytes,
    at: usize,
    keys: Vec<Arc<str>>,
    previous_ns: i64,
}

impl Reader {
    /// Opens an event recording and reads its header.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let (frames, header) = FrameReader::open(path)?;
        if header.kind != Kind::Event {
            return Err(RecordingError::NotEvents(path.display().to_string()));
        }
        Ok(Self {
            frames,
            header,
            frame: Bytes::new(),
            at: 0,
            keys: Vec::new(),
            previous_ns: 0,
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where and how the file is torn, once every record before that is read; for the user.
    pub fn truncated(&self) -> Option<&str> {
        self.frames.truncated()
    }

    fn next_frame(&mut self) -> Result<bool, RecordingError> {
        self.keys.clear();
        self.previous_ns = 0;
        self.at = 0;
        self.frame = Bytes::new();
        let frame = self.frames.next_frame()?;
        let found = frame.is_some();
        self.frame = frame.unwrap_or_default();
        Ok(found)
    }

    fn decode(&mut self) -> Result<Record, &'static str> {
        let frame = &self.frame;
        let at = &mut self.at;
        let op = match frame.get(*at) {
            Some(0) => Op::Set,
            Some(1) => Op::Rpush,
            Some(2) => Op::Publish,
            _ => return Err("unknown operation"),
        };
        *at += 1;
        let number = varint(frame, at).ok_or("key number")? as usize;
        if number == self.keys.len() {
            let key = span(frame, at, MAX_KEY_BYTES).ok_or("key length")?;
            let key = std::str::from_utf8(&frame[key]).map_err(|_| "key is not UTF-8")?;
            self.keys.push(key.into());
        }
        let key = self.keys.get(number).ok_or("key number")?.clone();
        let step = varint(frame, at).ok_or("time")?;
        let step = (step >> 1) as i64 ^ -((step & 1) as i64);
        self.previous_ns = self.previous_ns.wrapping_add(step);
        let value = span(frame, at, MAX_VALUE_BYTES).ok_or("value length")?;
        Ok(Record {
            t_ns: self.previous_ns,
            op,
            key,
            value: frame.slice(value),
        })
    }
}

impl Iterator for Reader {
    type Item = Result<Record, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at == self.frame.len() {
            match self.next_frame() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        let decoded = self.decode();
        Some(decoded.map_err(|cause| {
            // The rest of the frame cannot be found again; the next one stands alone.
            self.at = self.frame.len();
            RecordingError::Record(self.frames.path().display().to_string(), cause)
        }))
    }
}
