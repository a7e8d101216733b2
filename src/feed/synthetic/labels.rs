//! The truth about trades as JSON lines, so that detection can be scored.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use quant::market::Side;
use serde::Serialize;

use crate::feed::message::{Message, What};

/// One trade; `symbol` and `id` find it on the tape. Numbers count from 1 within a symbol.
#[derive(Serialize)]
struct Label<'a> {
    symbol: &'a str,
    id: u64,
    timestamp_ns: i64,
    price: f64,
    size: f64,
    side: &'static str,
    sweep: Option<u32>,
    iceberg: Option<u32>,
    episode: Option<u32>,
    block: bool,
}

/// The file.
pub(super) struct Labels {
    file: BufWriter<File>,
}

impl Labels {
    /// The end of a file: a feed that is started again must not destroy the truth so far.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self {
            file: BufWriter::new(file),
        })
    }

    /// Writes the label of a trade; of anything else nothing.
    pub(super) fn write(&mut self, message: &Message) -> io::Result<()> {
        let What::Trade {
            symbol,
            trade,
            id,
            truth: Some(truth),
        } = &message.what
        else {
            return Ok(());
        };
        let mut line = quant::json::to_vec(&Label {
            symbol: symbol.as_str(),
            id: *id,
            timestamp_ns: trade.at.nanos(),
            price: trade.price.to_f64(),
            size: trade.size.to_f64(),
            side: match truth.side {
                Side::Buy => "buy",
                Side::Sell => "sell",
                Side::Unknown => "unknown",
            },
            sweep: truth.sweep,
            iceberg: truth.iceberg,
            episode: truth.episode,
            block: truth.block,
        });
        line.push(b'\n');
        self.file.write_all(&line)
    }

    /// Hands what is written to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
