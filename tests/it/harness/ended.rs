//! A command that runs to its end: exit code, standard output, log.

use super::{Analytics, LogLine};
use std::time::Duration;

/// Whole days in an unoptimised binary on a busy machine.
const TO_THE_END: Duration = Duration::from_secs(120);

/// What a command came to.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) log: Vec<LogLine>,
}

/// Runs `analytics` with these arguments and nothing of the environment.
#[track_caller]
pub(crate) fn run(args: &[&str]) -> Ended {
    run_with(args, &[])
}

/// The same with these variables.
#[track_caller]
pub(crate) fn run_with(args: &[&str], envs: &[(&str, &str)]) -> Ended {
    let mut analytics = Analytics::spawn(args, envs);
    let status = analytics.wait_exit(TO_THE_END);
    Ended {
        code: status.code().expect("it ended by itself"),
        stdout: analytics.stdout(),
        log: analytics.log(),
    }
}

impl Ended {
    /// Standard error as text.
    pub(crate) fn stderr(&self) -> String {
        let lines: Vec<&str> = self.log.iter().map(|line| line.text.as_str()).collect();
        lines.join("\n")
    }

    /// Exit 0, nothing alarming in the log; standard output.
    #[track_caller]
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.code, 0, "{}", self.stderr());
        assert!(
            !self.log.iter().any(LogLine::is_alarming),
            "{}",
            self.stderr()
        );
        self.stdout
    }

    /// Exit 2 and nothing on standard output; what it said.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (2, ""),
            "{}",
            self.stderr()
        );
        self.stderr()
    }
}
