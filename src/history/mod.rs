//! What is worth keeping, kept: ticks, chains, scalars of documents and bars, in SQLite or PostgreSQL.
//! The only place that knows SQL.
//!
//! Rows are made from what was published (`intake`), wait in a bounded queue, and are written in
//! batches beside the passes (`writer`). A batch is one transaction: once it is acknowledged it is on
//! the disk. A database that is full, slow or away degrades history and nothing else: what does not fit
//! is dropped, counted and said.

pub mod baseline;
pub mod database;
pub mod intake;
pub mod row;
pub mod rows;
pub mod status;
pub mod writer;
