//! A feed's heartbeat: the document at `heartbeat:feed:{provider}`.

use serde::Serialize;

/// How a feed fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FeedHeartbeat {
    /// When it was written, milliseconds since the epoch.
    pub ts: i64,
    /// False in the last one of a clean stop.
    pub running: bool,
    /// Records published since the start.
    pub messages: u64,
    /// When the last one was, milliseconds since the epoch; 0 if never.
    pub last_message_ms: i64,
    /// Batches the store did not take.
    pub errors: u64,
    /// Connections that were lost and made again.
    pub reconnects: u64,
    /// Trades and messages dropped because the store was away or too slow.
    pub dropped: u64,
}
