//! The demo as a child: everything in one process, waited for until its option chains are there.

use super::{Analytics, get, until};
use std::time::Duration;

/// The demo computes on its past before it answers, on a machine that also compiles.
const BORN: Duration = Duration::from_secs(90);

/// A demo with these arguments, and its address.
#[track_caller]
pub(crate) fn demo(more: &[&str]) -> (Analytics, String) {
    let own = ["demo", "--listen", "127.0.0.1:0", "--log", "info"];
    let demo = Analytics::spawn(&[&own[..], more].concat(), &[]);
    let address = demo.logged("http listening", BORN).fields["address"].clone();
    let address = address.as_str().expect("an address is text").to_owned();
    until("the demo has its documents", BORN, || {
        let found =
            ["/volatility-surface/SPY", "/portfolio", "/heartbeat"].map(|path| get(&address, path));
        let there = |answer: &std::io::Result<(u16, String)>| matches!(answer, Ok((200, _)));
        let (none, _) = get(&address, "/max-pain/SPY?expiry=2000-01-01").ok()?;
        (found.iter().all(there) && none == 404).then_some(())
    });
    (demo, address)
}
