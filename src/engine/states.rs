//! What survives a restart: the memory of each calculator and the place on the tape, packed for
//! the store. A take-over from here goes on as if nothing had happened, because what is on the
//! tape and unread is saved with it.

use bytes::Bytes;
use quant::market::{QuoteHistory, TapeRing, TickRule, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::trades::TradeIntake;
use crate::store::drain::Drain;

/// Version of the packed form; another one is not restored.
const VERSION: u32 = 1;
/// Fast rather than small: states are written every half minute.
const LEVEL: i32 = 1;
/// Longest state that is unpacked.
const MAX_BYTES: usize = 64 << 20;

/// The name of the symbol's own state beside those of its calculators.
pub const TAPE: &str = "tape";

/// A state with what it must agree with.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved<T> {
    /// Version of the packed form.
    pub v: u32,
    /// Hash of the settings it was made under.
    pub settings: String,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// The number of the next trade it has to read.
    pub next_trade: u64,
    /// The state.
    pub state: T,
}

/// The place on the tape: what was drained, signed and kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct TapeState {
    /// The end of the trade list as it was read.
    pub drain: Drain,
    /// Which trades were admitted.
    pub intake: TradeIntake,
    /// The memory of the tick rule.
    pub tick: TickRule,
    /// The quotes that sign later trades.
    pub quotes: QuoteHistory,
    /// The newest trades, among them all that some calculator has not read.
    pub ring: TapeRing,
}

/// Packs a state.
pub fn pack<T: Serialize>(
    settings: &str,
    saved_at: Timestamp,
    next_trade: u64,
    state: T,
) -> Option<Bytes> {
    let saved = Saved {
        v: VERSION,
        settings: settings.to_owned(),
        saved_at,
        next_trade,
        state,
    };
    let json = serde_json::to_vec(&saved).ok()?;
    zstd::bulk::compress(&json, LEVEL).ok().map(Bytes::from)
}

/// Unpacks a state that was made under the same settings; an error says why it cannot be used.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8], settings: &str) -> Result<Saved<T>, String> {
    let json = zstd::bulk::decompress(bytes, MAX_BYTES).map_err(|error| error.to_string())?;
    let saved: Saved<T> = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    if saved.v != VERSION {
        return Err(format!("version {} is not {VERSION}", saved.v));
    }
    if saved.settings != settings {
        return Err("its settings differ".to_owned());
    }
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_under_the_same_settings_only() {
        let packed = pack("9f3c", Timestamp::from_seconds(1), 7, vec![0.1 + 0.2]).unwrap();
        let saved: Saved<Vec<f64>> = unpack(&packed, "9f3c").unwrap();
        assert_eq!((saved.next_trade, saved.state), (7, vec![0.1 + 0.2]));
        let refused = unpack::<Vec<f64>>(&packed, "0000").unwrap_err();
        assert_eq!(refused, "its settings differ");
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for bytes in [&b""[..], b"{}", &[0x28, 0xb5, 0x2f, 0xfd, 0xff]] {
            assert!(unpack::<Vec<f64>>(bytes, "").is_err());
        }
        let other = zstd::bulk::compress(br#"{"v":1}"#, 1).unwrap();
        assert!(unpack::<Vec<f64>>(&other, "").is_err());
    }
}
