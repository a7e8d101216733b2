//! A feed's heartbeat: the document at `heartbeat:feed:{provider}`.

use std::collections::BTreeMap;

use serde::Serialize;

/// How a feed fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FeedHeartbeat {
    /// When it was written, milliseconds since the epoch.
    pub ts: i64,
    /// False in the last one of a clean stop.
    pub running: bool,
    /// Messages of the provider since the start.
    pub messages: u64,
    /// When the last one was, milliseconds since the epoch; 0 if never.
    pub last_message_ms: i64,
    /// Batches the store did not take, and failures of the provider.
    pub errors: u64,
    /// Connections, to the store or the source, that were lost and made again.
    pub reconnects: u64,
    /// Trades and messages dropped because the store was away or too slow: the sum of the next two.
    pub dropped: u64,
    /// Of these, elements of lists: trades and bars.
    pub dropped_elements: u64,
    /// Of these, messages of channels.
    pub dropped_messages: u64,
    /// Records spoilt on purpose, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dirt: BTreeMap<&'static str, u64>,
    /// What came and could not be used, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rejected: BTreeMap<&'static str, u64>,
    /// Where the source is lost: when its last message came, milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_since_ms: Option<i64>,
    /// The last time that the source was lost and came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_gap: Option<Gap>,
}

/// A time for which the source said nothing, as it was lost: what happened then is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When the last message before it came, milliseconds since the epoch.
    pub since_ms: i64,
    /// How long it was until the next, milliseconds.
    pub ms: i64,
}
