//! Several recordings as one, in time order; on equal times the first file goes first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Reader, Record, RecordingError};

/// The records of all readers in time order. A reader whose own times go backwards stays in its
/// order: what comes late comes as soon as it is read.
pub fn merge(readers: Vec<Reader>) -> Merge {
    let mut merge = Merge {
        heads: readers.iter().map(|_| None).collect(),
        queue: BinaryHeap::with_capacity(readers.len()),
        failed: Vec::new(),
        readers,
    };
    for number in 0..merge.readers.len() {
        merge.advance(number);
    }
    merge
}

/// See [`merge`].
pub struct Merge {
    readers: Vec<Reader>,
    /// The next record of each reader.
    heads: Vec<Option<Record>>,
    /// Time and number of each reader that has a head.
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    failed: Vec<RecordingError>,
}

impl Merge {
    /// What is wrong with the tails of the files, once their records are read; for the user.
    pub fn truncated(&self) -> impl Iterator<Item = &str> {
        self.readers.iter().filter_map(Reader::truncated)
    }

    fn advance(&mut self, number: usize) {
        match self.readers[number].next() {
            Some(Ok(record)) => {
                self.queue.push(Reverse((record.t_ns, number)));
                self.heads[number] = Some(record);
            }
            // A file that fails is read no further.
            Some(Err(error)) => self.failed.push(error),
            None => {}
        }
    }
}

impl Iterator for Merge {
    type Item = Result<Record, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.pop() {
            return Some(Err(error));
        }
        let Reverse((_, number)) = self.queue.pop()?;
        let record = self.heads[number].take()?;
        self.advance(number);
        Some(Ok(record))
    }
}
