//! The two clocks of a capture, and the order of its frames by one of them.

use std::collections::BTreeMap;

use super::frames::{Content, Frame};

/// Frames that are put in order before anything is made of them: about ten seconds of a busy
/// symbol, tens of megabytes at most.
pub(super) const WINDOW: usize = 16_384;
/// Frames with both times, after which the clocks are compared anew; two such blocks are
/// remembered. Some seconds of a busy symbol, a minute of a quiet one: clocks drift slower.
const BLOCK: u32 = 1024;

/// Whose time a recording is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Clock {
    /// The exchange's transaction time
    Exchange,
    /// When the capture received it
    #[default]
    Local,
}

/// How far the exchange's clock is ahead of the receiver's, as far as frames with both times
/// tell: the largest difference, which is that of the fastest frame.
#[derive(Debug)]
pub(super) struct Offset {
    block: Option<i64>,
    block_before: Option<i64>,
    frames: u32,
}

impl Offset {
    pub(super) fn new() -> Self {
        Self {
            block: None,
            block_before: None,
            frames: 0,
        }
    }

    /// Takes a frame with both times.
    pub(super) fn learn(&mut self, received_ns: i64, sent_ns: i64) {
        if self.frames == BLOCK {
            self.frames = 0;
            self.block_before = self.block.take();
        }
        self.frames += 1;
        self.block = self.block.max(Some(sent_ns.saturating_sub(received_ns)));
    }

    /// What the exchange's clock showed when this was received, less the shortest way here.
    pub(super) fn exchange_time(&self, received_ns: i64) -> Option<i64> {
        let ahead = self.block.max(self.block_before)?;
        Some(received_ns.saturating_add(ahead))
    }
}

/// Puts frames in the order of their times, equal ones in that of arrival. What comes later than
/// [`WINDOW`] frames comes out at once.
pub(super) struct Window {
    waiting: BTreeMap<(i64, u64), Content>,
    arrived: u64,
    previous_ns: i64,
    /// Frames with a time before that of the one ahead of them.
    pub(super) out_of_order: u64,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            arrived: 0,
            previous_ns: i64::MIN,
            out_of_order: 0,
        }
    }

    /// Takes a frame; hands out the earliest when there are too many.
    pub(super) fn push(&mut self, t_ns: i64, content: Content) -> Option<(i64, Content)> {
        self.out_of_order += u64::from(t_ns < self.previous_ns);
        self.previous_ns = t_ns;
        self.waiting.insert((t_ns, self.arrived), content);
        self.arrived += 1;
        (self.waiting.len() > WINDOW).then(|| self.pop()).flatten()
    }

    /// Hands out the earliest.
    pub(super) fn pop(&mut self) -> Option<(i64, Content)> {
        let ((t_ns, _), content) = self.waiting.pop_first()?;
        Some((t_ns, content))
    }
}

/// The time of a frame by the chosen clock, and whether it is an estimate.
pub(super) fn time_of(
    clock: Clock,
    frame: &Frame,
    received_ns: i64,
    offset: &Offset,
) -> Option<(i64, bool)> {
    match clock {
        Clock::Local => Some((received_ns, false)),
        Clock::Exchange => match frame.happened_ns {
            Some(happened_ns) => Some((happened_ns, false)),
            None => Some((offset.exchange_time(received_ns)?, true)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::Quote;
    use super::*;

    #[test]
    fn the_fastest_frame_tells_the_offset() {
        let mut offset = Offset::new();
        assert_eq!(offset.exchange_time(5), None);
        for (received_ns, sent_ns) in [(100, 1_090), (200, 1_195), (300, 1_270)] {
            offset.learn(received_ns, sent_ns);
        }
        assert_eq!(offset.exchange_time(400), Some(1_395));
    }

    #[test]
    fn a_clock_that_was_set_is_forgotten_after_two_blocks() {
        let mut offset = Offset::new();
        offset.learn(0, 1_000_000);
        for _ in 0..2 * BLOCK {
            offset.learn(0, 7);
        }
        assert_eq!(offset.exchange_time(0), Some(7));
    }

    #[test]
    fn frames_come_out_by_time_and_equal_ones_as_they_came() {
        let mut window = Window::new();
        for (t_ns, aggregate) in [(5, 1), (3, 2), (5, 3), (4, 4)] {
            let trade = super::super::frames::Trade {
                id: aggregate,
                price: 1,
                size: 1,
                buyer_maker: false,
                aggregate: false,
            };
            assert_eq!(window.push(t_ns, Content::Trade(trade)), None);
        }
        let mut order = Vec::new();
        while let Some((t_ns, Content::Trade(trade))) = window.pop() {
            order.push((t_ns, trade.id));
        }
        assert_eq!(order, [(3, 2), (4, 4), (5, 1), (5, 3)]);
        assert_eq!(window.out_of_order, 2);
    }

    #[test]
    fn the_window_is_bounded() {
        let mut window = Window::new();
        let quote = || Content::Quote(Quote::default());
        let out = (0..WINDOW as i64 + 10).filter_map(|t_ns| window.push(t_ns, quote()));
        assert_eq!(out.count(), 10);
    }
}
