//! What can be wrong with a recording as a whole.

use std::path::Path;

use super::VERSION;

/// Why a recording could not be read or written. A torn tail is none of these, see
/// [`Reader::truncated`](super::Reader::truncated).
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be opened or read.
    #[error("cannot read the recording {0}: {1}")]
    Read(String, #[source] std::io::Error),
    /// The file cannot be created or written.
    #[error("cannot write the recording {0}: {1} (is there space, and may this user write there?)")]
    Write(String, #[source] std::io::Error),
    /// Something else.
    #[error("{0} is not a recording (`analytics import` makes recordings)")]
    NotARecording(String),
    /// Written by a later program.
    #[error("{0} is a recording of version {1}, this program reads up to {VERSION} (upgrade it)")]
    Newer(String, u32),
    /// The first frame cannot be used.
    #[error("{0}: the header of the recording cannot be read: {1} (copy or import it again)")]
    Header(String, String),
    /// A recording of passes where one of events is needed.
    #[error("{0} records the passes of a run, not events (`analytics replay --verify` reads it)")]
    NotEvents(String),
    /// A recording of events where one of passes is needed.
    #[error("{0} records events, not the passes of a run (`analytics run --record` makes those)")]
    NotARun(String),
    /// A frame is whole but its records make no sense.
    #[error("{0}: a record cannot be decoded: {1} (the file was made by a faulty writer)")]
    Record(String, &'static str),
    /// A key or value that no recording may hold.
    #[error("{0}: a {1} of {2} bytes, at most {3} can be recorded (leave it out)")]
    TooLong(String, &'static str, usize, usize),
}

impl RecordingError {
    pub(super) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read(path.display().to_string(), source)
    }

    pub(super) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write(path.display().to_string(), source)
    }
}
