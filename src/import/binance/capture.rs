//! Capture files, each line `<time of receipt> <frame>`, merged by time of receipt: streams may be
//! in files of their own, and days may be given in any order.

use std::path::PathBuf;

use crate::store::codec::time_of;
use crate::unpack::{self, Line, Lines, Unpacked};

use super::super::{ImportError, Sink};

/// A depth snapshot of 5,000 levels a side is half a megabyte.
const MAX_LINE_BYTES: usize = 4 << 20;

/// The lines of every file in the order they were received.
pub(super) struct Captures {
    files: Vec<Capture>,
    /// Where the line that was handed out came from.
    current: Option<usize>,
}

/// A file and the line it is at.
struct Capture {
    lines: Lines<Unpacked>,
    line: Vec<u8>,
    received_ns: i64,
    frame_at: usize,
}

impl Captures {
    pub(super) fn open(
        paths: &[PathBuf],
        max_unpacked_bytes: u64,
        sink: &mut Sink,
    ) -> Result<Self, ImportError> {
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let mut capture = Capture {
                lines: Lines::new(unpack::open(path, max_unpacked_bytes)?, MAX_LINE_BYTES),
                line: Vec::new(),
                received_ns: 0,
                frame_at: 0,
            };
            if capture.advance(sink)? {
                files.push(capture);
            }
        }
        Ok(Self {
            files,
            current: None,
        })
    }

    /// The next line: when it was received, and its frame's text. Lines that are none are counted.
    pub(super) fn next(&mut self, sink: &mut Sink) -> Result<Option<(i64, &[u8])>, ImportError> {
        if let Some(at) = self.current.take()
            && !self.files[at].advance(sink)?
        {
            self.files.remove(at);
        }
        let earliest = self.files.iter().enumerate();
        let Some((at, capture)) = earliest.min_by_key(|(_, capture)| capture.received_ns) else {
            return Ok(None);
        };
        self.current = Some(at);
        Ok(Some((
            capture.received_ns,
            &capture.line[capture.frame_at..],
        )))
    }
}

impl Capture {
    /// Moves to the next line with a time of receipt; false at the end.
    fn advance(&mut self, sink: &mut Sink) -> Result<bool, ImportError> {
        loop {
            match self.lines.next_into(&mut self.line)? {
                Line::End => return Ok(false),
                Line::TooLong => {
                    sink.count_read("lines", 1);
                    sink.count_dropped("line_too_long", 1);
                }
                Line::Whole if self.line.trim_ascii().is_empty() => {}
                Line::Whole => {
                    sink.count_read("lines", 1);
                    if let Some((received_ns, frame_at)) = receipt(&self.line) {
                        (self.received_ns, self.frame_at) = (received_ns, frame_at);
                        return Ok(true);
                    }
                    sink.count_dropped("no_receive_time", 1);
                }
            }
        }
    }
}

/// The time at the start of a line, and where its frame begins.
fn receipt(line: &[u8]) -> Option<(i64, usize)> {
    let end = line.iter().position(|byte| !byte.is_ascii_digit())?;
    let time = time_of(std::str::from_utf8(&line[..end]).ok()?)?;
    let is_apart = matches!(line[end], b' ' | b'\t' | b',');
    (is_apart && time.nanos() > 0).then_some((time.nanos(), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_merged_by_time_of_receipt() {
        let dir = tempfile::TempDir::new().unwrap();
        let files = ["30 e\n\n40 f\n", "10 a\n20 b\nno time\n{}\n35 c", ""];
        let mut paths = Vec::new();
        for (number, text) in files.iter().enumerate() {
            paths.push(dir.path().join(number.to_string()));
            std::fs::write(&paths[number], text).unwrap();
        }
        let mut sink = Sink::new("binance", &dir.path().join("a.rec"), &[]);
        let mut captures = Captures::open(&paths, 1000, &mut sink).unwrap();
        let mut frames = String::new();
        while let Some((_, frame)) = captures.next(&mut sink).unwrap() {
            frames.push_str(std::str::from_utf8(frame).unwrap());
        }
        assert_eq!(frames, "abecf");
        let report = sink.finish(&[]).unwrap();
        assert_eq!(
            (report.read["lines"], report.dropped["no_receive_time"]),
            (7, 2)
        );
    }
}
