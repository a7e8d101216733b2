//! The only place that knows Redis: its connection, keys, bytes and commands; and the in-process
//! board that stands in for it in the demo and in replays.

pub mod board;
pub mod channels;
pub mod codec;
pub mod contracts;
pub mod drain;
pub mod exchange;
pub mod feed;
pub mod inbox;
pub mod keys;
pub mod published;
pub mod redis;
pub mod scan;
pub mod tap;
