//! Analytics.

pub mod cli {
    //! The command line, one file a command.
    pub mod import;
}
pub mod import;
pub mod recording;
pub mod unpack;
