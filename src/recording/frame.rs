//! The frames of a recording: a mark, a version, then checksummed zstd frames; the first is the
//! header as JSON, an empty one the end. Knows nothing of what the other frames hold.
//!
//! file  = mark (8 bytes) version (u32) frame*
//! frame = "FRM1" compressed length (u32) raw length (u32) xxh3-64 of the compressed bytes, then
//! the zstd bytes. All numbers are little-endian.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::{Header, RecordingError, VERSION};

/// Starts every recording. The line end and the control byte break in a text-mode copy.
const MARK: [u8; 8] = *b"ANREC\r\n\x1a";
/// Starts every frame.
const FRAME_MARK: [u8; 4] = *b"FRM1";
const FRAME_HEAD: usize = 20;
/// A frame that holds nothing ends the file, so that one cut between two frames is told from it.
const END: &str = "";
/// zstd's own default: a higher level gains a few percent of size here and halves the speed.
const LEVEL: i32 = 3;
/// The longest value a recording holds; the default of `limits.max_value_bytes`.
pub const MAX_VALUE_BYTES: usize = 64 << 20;
/// A frame is written once it holds this much, so it is at most this plus one value and its key.
pub(super) const FRAME_BYTES: usize = 1 << 20;
/// What a reader accepts before it allocates; the slack is for keys and lengths.
const MAX_FRAME_BYTES: usize = MAX_VALUE_BYTES + 2 * FRAME_BYTES;

/// Writes frames to a new file.
pub(super) struct FrameWriter {
    file: BufWriter<File>,
    path: PathBuf,
    compressor: zstd::bulk::Compressor<'static>,
    written: u64,
}

impl FrameWriter {
    /// A new file (mode 0640) that holds the header.
    pub(super) fn create(path: &Path, header: &Header) -> Result<Self, RecordingError> {
        let failed = |source| RecordingError::write(path, source);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(path)
            .map_err(failed)?;
        let mut writer = Self {
            file: BufWriter::with_capacity(256 << 10, file),
            path: path.to_owned(),
            compressor: zstd::bulk::Compressor::new(LEVEL).map_err(failed)?,
            written: 0,
        };
        let json = serde_json::to_vec(header).map_err(|error| failed(error.into()))?;
        writer.put(&MARK)?;
        writer.put(&VERSION.to_le_bytes())?;
        writer.frame(&json)?;
        Ok(writer)
    }

    /// Appends one frame.
    pub(super) fn frame(&mut self, raw: &[u8]) -> Result<(), RecordingError> {
        let body = self
            .compressor
            .compress(raw)
            .map_err(|source| RecordingError::write(&self.path, source))?;
        let mut head = [0; FRAME_HEAD];
        head[..4].copy_from_slice(&FRAME_MARK);
        head[4..8].copy_from_slice(&(body.len() as u32).to_le_bytes());
        head[8..12].copy_from_slice(&(raw.len() as u32).to_le_bytes());
        head[12..].copy_from_slice(&xxh3_64(&body).to_le_bytes());
        self.put(&head)?;
        self.put(&body)
    }

    /// Bytes written, of which the last may still be in the buffer.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Where it writes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The end frame, and everything to the disk.
    pub(super) fn finish(mut self) -> Result<u64, RecordingError> {
        self.frame(&[])?;
        let failed = |source| RecordingError::write(&self.path, source);
        let file = self
            .file
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        Ok(self.written)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), RecordingError> {
        self.written += bytes.len() as u64;
        self.file
            .write_all(bytes)
            .map_err(|source| RecordingError::write(&self.path, source))
    }
}

/// Reads frames one after the other.
pub(super) struct FrameReader {
    file: BufReader<File>,
    path: PathBuf,
    decompressor: zstd::bulk::Decompressor<'static>,
    compressed: Vec<u8>,
    /// Where the next frame starts.
    offset: u64,
    truncated: Option<String>,
    ended: bool,
}

impl FrameReader {
    /// Opens a file, checks its mark and version and reads its header.
    pub(super) fn open(path: &Path) -> Result<(Self, Header), RecordingError> {
        let failed = |source| RecordingError::read(path, source);
        let file = File::open(path).map_err(failed)?;
        let mut reader = Self {
            file: BufReader::with_capacity(256 << 10, file),
            path: path.to_owned(),
            decompressor: zstd::bulk::Decompressor::new().map_err(failed)?,
            compressed: Vec::new(),
            offset: 0,
            truncated: None,
            ended: false,
        };
        let shown = || path.display().to_string();
        if reader.take(MARK.len())? < MARK.len() || reader.compressed != MARK {
            return Err(RecordingError::NotARecording(shown()));
        }
        let mut version = [0; 4];
        if reader.take(version.len())? == version.len() {
            version.copy_from_slice(&reader.compressed);
        }
        match u32::from_le_bytes(version) {
            0 => return Err(RecordingError::NotARecording(shown())),
            1..=VERSION => {}
            newer => return Err(RecordingError::Newer(shown(), newer)),
        }
        let Some(json) = reader.next_frame()? else {
            let cause = reader.truncated.unwrap_or_else(|| "no frame".to_owned());
            return Err(RecordingError::Header(shown(), cause));
        };
        let header = serde_json::from_slice(&json)
            .map_err(|error| RecordingError::Header(shown(), error.to_string()))?;
        Ok((reader, header))
    }

    /// The raw bytes of the next frame; `None` at the end, whole or torn.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, RecordingError> {
        if self.ended {
            return Ok(None);
        }
        let start = self.offset;
        match self.read_frame() {
            Ok(Ok(frame)) => Ok(Some(frame)),
            Ok(Err(END)) => {
                self.ended = true;
                Ok(None)
            }
            Ok(Err(cause)) => {
                self.ended = true;
                self.truncated = Some(format!(
                    "{}: {cause} at byte {start}; what is before it was read, the rest is lost",
                    self.path.display()
                ));
                Ok(None)
            }
            Err(error) => {
                self.ended = true;
                Err(error)
            }
        }
    }

    /// What was wrong with the tail, once the whole frames before it are read.
    pub(super) fn truncated(&self) -> Option<&str> {
        self.truncated.as_deref()
    }

    /// What it reads.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A frame, or why there is none; the reason [`END`] is the end of a whole file.
    fn read_frame(&mut self) -> Result<Result<Bytes, &'static str>, RecordingError> {
        let read = self.take(FRAME_HEAD)?;
        if read == 0 {
            return Ok(Err("ends without its end frame"));
        }
        if read < FRAME_HEAD {
            return Ok(Err("ends inside a frame"));
        }
        let head = &self.compressed;
        let number = |at: usize| {
            u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize
        };
        let (compressed, raw) = (number(4), number(8));
        let checksum = number(12) as u64 | (number(16) as u64) << 32;
        if head[..4] != FRAME_MARK {
            return Ok(Err("damaged (no frame mark)"));
        }
        if raw > MAX_FRAME_BYTES || compressed > zstd::zstd_safe::compress_bound(raw) {
            return Ok(Err("damaged (a frame of impossible length)"));
        }
        if self.take(compressed)? < compressed {
            return Ok(Err("ends inside a frame"));
        }
        if xxh3_64(&self.compressed) != checksum {
            return Ok(Err("damaged (a frame's checksum differs)"));
        }
        if raw == 0 {
            return Ok(Err(END));
        }
        match self.decompressor.decompress(&self.compressed, raw) {
            Ok(frame) if frame.len() == raw => Ok(Ok(frame.into())),
            _ => Ok(Err("damaged (a frame does not unpack)")),
        }
    }

    /// Fills `compressed` with up to `wanted` bytes; fewer only at the end of the file.
    fn take(&mut self, wanted: usize) -> Result<usize, RecordingError> {
        self.compressed.clear();
        let mut limited = (&mut self.file).take(wanted as u64);
        let read = match limited.read_to_end(&mut self.compressed) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.compressed.len(),
            Err(error) => return Err(RecordingError::read(&self.path, error)),
        };
        self.offset += read as u64;
        Ok(read)
    }
}
