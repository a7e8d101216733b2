//! The only place that knows Redis: its connection, keys, bytes and commands; and the in-process

pub mod codec;
pub mod drain;
pub mod keys;
pub mod scan;
