//! What is wrong with a configuration, and where it was written.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// A line of a file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Counted from 1; 0 is the file as a whole.
        line: usize,
    },
    /// The named environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag,
}

impl Origin {
    /// The layer's place among the layers; a higher one wins.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Environment(_) => 2,
            Self::Flag => 3,
        }
    }

    fn line(&self) -> usize {
        match self {
            Self::File { line, .. } => *line,
            _ => 0,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: 0 } => write!(f, "{}", path.display()),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("--set"),
        }
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was written.
    pub origin: Origin,
    /// The dotted key; empty when the text around it is broken.
    pub key: String,
    /// What is wrong, what is allowed and what it is. Never a secret.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, key, what } = self;
        // A variable's name already says the key.
        if key.is_empty() || matches!(origin, Origin::Environment(_)) {
            write!(f, "{origin}: {what}")
        } else {
            write!(f, "{origin} {key}: {what}")
        }
    }
}

/// Everything that is wrong with a configuration, in the order of the layers and their lines.
#[derive(Debug)]
pub struct ConfigErrors {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl ConfigErrors {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.origin.rank(), problem.origin.line()));
        Self { problems }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
