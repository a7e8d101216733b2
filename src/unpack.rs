//! Input files as they come: plain, zstd or gzip, told apart by their first bytes, and never
//! more unpacked bytes than the limit allows. Every error names the file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const GZIP: &[u8] = &[0x1f, 0x8b];
const BUFFER_BYTES: usize = 128 << 10;

/// Opens a file; reading more than `max_unpacked_bytes` from it is an error.
pub fn open(path: &Path, max_unpacked_bytes: u64) -> io::Result<Unpacked> {
    let named = |error| name(path, "cannot read", error);
    let mut packed = BufReader::with_capacity(BUFFER_BYTES, File::open(path).map_err(named)?);
    let start = packed.fill_buf().map_err(named)?;
    let (is_zstd, is_gzip) = (start.starts_with(ZSTD), start.starts_with(GZIP));
    let mut inner: Box<dyn BufRead + Send> = if is_zstd {
        let decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(named)?;
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    } else if is_gzip {
        let decoder = MultiGzDecoder::new(packed);
        Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
    } else {
        Box::new(packed)
    };
    if is_zstd || is_gzip {
        let start = inner
            .fill_buf()
            .map_err(|error| name(path, "cannot unpack", error))?;
        if start.starts_with(ZSTD) || start.starts_with(GZIP) {
            let cause = "holds a second compressed file inside the first (unpack it once)";
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("{}: {cause}", path.display()),
            ));
        }
    }
    Ok(Unpacked {
        inner,
        path: path.to_owned(),
        limit: max_unpacked_bytes,
        left: max_unpacked_bytes,
    })
}

/// The unpacked bytes of a file.
pub struct Unpacked {
    inner: Box<dyn BufRead + Send>,
    path: PathBuf,
    limit: u64,
    left: u64,
}

impl BufRead for Unpacked {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self
            .inner
            .fill_buf()
            .map_err(|error| name(&self.path, "cannot unpack", error))?;
        if self.left == 0 && !bytes.is_empty() {
            return Err(io::Error::new(
                ErrorKind::FileTooLarge,
                format!(
                    "{} is more than {} bytes unpacked (raise limits.max_unpacked_bytes, or split it)",
                    self.path.display(),
                    self.limit
                ),
            ));
        }
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(&bytes[..bytes.len().min(allowed)])
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

impl Read for Unpacked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let amount = bytes.len().min(out.len());
        out[..amount].copy_from_slice(&bytes[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}

fn name(path: &Path, what: &str, error: io::Error) -> io::Error {
    // Interrupted is retried by every caller; naming it would hide that.
    if error.kind() == ErrorKind::Interrupted {
        return error;
    }
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.display()))
}

/// What [`Lines::next_into`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end.
    Whole,
    /// A line longer than allowed; it was skipped.
    TooLong,
    /// No more lines.
    End,
}

/// Lines of bounded length, in bytes: a feed's text need not be UTF-8.
pub struct Lines<R> {
    reader: R,
    max_bytes: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most `max_bytes` bytes.
    pub fn new(reader: R, max_bytes: usize) -> Self {
        Self {
            reader,
            max_bytes,
            number: 0,
        }
    }

    /// Lines read so far.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line into `line`, which is cleared; a byte-order mark and a `\r` are cut off.
    pub fn next_into(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        if !self.read_part(line)? {
            return Ok(Line::End);
        }
        self.number += 1;
        let mut too_long = false;
        while line.len() > self.max_bytes && line.last() != Some(&b'\n') {
            too_long = true;
            self.read_part(line)?;
        }
        if too_long {
            line.clear();
            return Ok(Line::TooLong);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        Ok(Line::Whole)
    }

    fn read_part(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        let mut limited = (&mut self.reader).take(self.max_bytes as u64 + 1);
        Ok(limited.read_until(b'\n', line)? > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"1,2,3\n4,5,6\n";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(bytes, 1).unwrap()
    }

    fn unpacked(file: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("day.csv");
        std::fs::write(&path, file).unwrap();
        let mut out = Vec::new();
        open(&path, limit)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn the_bytes_tell_the_format_not_the_name() {
        for file in [TEXT.to_vec(), zstd(TEXT), gzip(TEXT)] {
            assert_eq!(unpacked(&file, 100).unwrap(), TEXT);
        }
    }

    #[test]
    fn files_glued_together_are_read_whole() {
        assert_eq!(
            unpacked(&[gzip(b"a"), gzip(b"b")].concat(), 9).unwrap(),
            b"ab"
        );
        assert_eq!(
            unpacked(&[zstd(b"a"), zstd(b"b")].concat(), 9).unwrap(),
            b"ab"
        );
    }

    #[test]
    fn exactly_the_limit_is_allowed_and_a_byte_more_is_not() {
        for file in [TEXT.to_vec(), zstd(TEXT), gzip(TEXT)] {
            assert_eq!(unpacked(&file, 12).unwrap(), TEXT);
            let error = unpacked(&file, 11).unwrap_err().to_string();
            assert!(error.contains("day.csv is more than 11 bytes"), "{error}");
        }
    }

    #[test]
    fn a_compressed_file_in_a_compressed_file_is_refused() {
        let error = unpacked(&gzip(&zstd(TEXT)), 1000).unwrap_err().to_string();
        assert!(error.contains("second compressed file"), "{error}");
    }

    #[test]
    fn damage_and_absence_name_the_file() {
        let packed = gzip(TEXT);
        let error = unpacked(&packed[..packed.len() - 9], 100).unwrap_err();
        assert!(error.to_string().contains("day.csv"), "{error}");
        let error = open(Path::new("/nowhere/a.csv"), 1).err().unwrap();
        assert!(
            error.to_string().contains("cannot read /nowhere/a.csv"),
            "{error}"
        );
    }

    #[test]
    fn lines_lose_their_ends_and_the_long_ones_are_skipped() {
        let mut lines = Lines::new(&b"\xef\xbb\xbfab\r\nlong line\n\nabcd\nlast"[..], 6);
        let (mut line, mut seen) = (Vec::new(), Vec::new());
        loop {
            match lines.next_into(&mut line).unwrap() {
                Line::End => break,
                Line::TooLong => seen.push("…".to_owned()),
                Line::Whole => seen.push(String::from_utf8(line.clone()).unwrap()),
            }
        }
        assert_eq!(seen, ["ab", "…", "", "abcd", "last"]);
        assert_eq!(lines.number(), 5);
    }
}
