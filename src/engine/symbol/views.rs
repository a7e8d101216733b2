//! What is held of a symbol, for people who look at it: its book and the end of its tape. Made only
//! while somebody does, and no part of what a turn computes.

use bytes::Bytes;
use quant::calculators::sweep::{Event, EventSide, Sweep};
use quant::json;
use quant::market::{Level, Side, Timestamp};
use quant::snapshot::{Input, Latest, View};
use serde::Serialize;

use super::SymbolEngine;

/// The names of the views.
pub const VIEWS: [&str; 2] = ["book", "tape"];

/// Levels of each side that are shown.
const LEVELS: usize = 50;
/// Prints that are shown.
const PRINTS: usize = 100;

#[derive(Serialize)]
struct Book {
    bids: Vec<[f64; 2]>,
    asks: Vec<[f64; 2]>,
    /// Milliseconds since the epoch.
    at: i64,
}

#[derive(Serialize)]
struct Print<'a> {
    /// Milliseconds since the epoch.
    at: i64,
    price: f64,
    size: f64,
    side: Option<&'static str>,
    venue: Option<&'a str>,
    sweep: bool,
}

impl SymbolEngine {
    /// The views, where there is something to show.
    pub fn views(&self, now: Timestamp) -> Vec<(&'static str, Bytes)> {
        let [book, tape] = VIEWS;
        let book = self.book_view().map(|view| (book, view));
        let tape = self.tape_view(now).map(|view| (tape, view));
        book.into_iter().chain(tape).collect()
    }

    fn book_view(&self) -> Option<Bytes> {
        let book = self.snapshot.book.newest()?;
        let level = |level: &Level| [level.price.to_f64(), level.size.to_f64()];
        let side = |levels: &[Level]| levels.iter().take(LEVELS).map(level).collect();
        let view = Book {
            bids: side(&book.bids),
            asks: side(&book.asks),
            at: book.at.millis(),
        };
        Some(json::to_vec(&view).into())
    }

    fn tape_view(&self, now: Timestamp) -> Option<Bytes> {
        let sweeps = self.sweeps(now);
        let in_sweep = |at: i64, side: Side| {
            let holds =
                |sweep: &(i64, i64, Side)| (sweep.0..=sweep.1).contains(&at) && sweep.2 == side;
            sweeps.iter().any(holds)
        };
        let newest = self.snapshot.tape.last(PRINTS).rev();
        let prints: Vec<Print<'_>> = newest
            .map(|signed| {
                let trade = &signed.trade;
                let at = trade.at.millis();
                Print {
                    at,
                    price: trade.price.to_f64(),
                    size: trade.size.to_f64(),
                    side: match signed.side {
                        Side::Buy => Some("buy"),
                        Side::Sell => Some("sell"),
                        Side::Unknown => None,
                    },
                    venue: trade.venue.as_ref().map(|venue| venue.as_str()),
                    sweep: in_sweep(at, signed.side),
                }
            })
            .collect();
        (!prints.is_empty()).then(|| json::to_vec(&prints).into())
    }

    /// When the sweeps that stand began and ended, milliseconds since the epoch, and their sides.
    fn sweeps(&self, now: Timestamp) -> Vec<(i64, i64, Side)> {
        let view = View::new(&self.snapshot, now, 0);
        let found = Latest::<Sweep>::take(&view).ok();
        let payload = found.and_then(|found| found.payload);
        let events = payload.and_then(|payload| payload.events.as_ref());
        let events = events.into_iter().flatten();
        let side = |event: &Event| match event.side {
            EventSide::Buy => Side::Buy,
            EventSide::Sell => Side::Sell,
        };
        events
            .map(|event| (event.start_ms, event.end_ms, side(event)))
            .collect()
    }
}
