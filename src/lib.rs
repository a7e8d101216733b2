//! Analytics.

pub mod cli {
    //! The command line, one file a command.
    pub mod import;
}
pub mod feed {
    //! Feeds: what publishes market data into Redis.
    pub mod restamp;
}
pub mod import;
pub mod recording;
pub mod unpack;
