//! Our binary as a child process: its log, its HTTP door, its end.

use super::{LogLine, SOON, child, get, until};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long an orderly stop may take.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// All that a child inherits: its behaviour must not depend on the tester's settings.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"];

/// The process; it is killed when this is dropped, and a failing test prints its log.
pub(crate) struct Analytics {
    child: Child,
    log: Arc<Mutex<Vec<LogLine>>>,
    stdout: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Analytics {
    /// Starts `analytics` with these arguments and, of the environment, only these variables.
    pub(crate) fn spawn(args: &[&str], envs: &[(&str, &str)]) -> Self {
        Self::spawn_program(env!("CARGO_BIN_EXE_analytics"), args, envs)
    }

    /// Any program in its place, for the tests of this harness.
    pub(crate) fn spawn_program(program: &str, args: &[&str], envs: &[(&str, &str)]) -> Self {
        let mut command = child::command(program);
        clear_environment(&mut command);
        // No test leaves a database behind that it did not ask for.
        command.env("ANALYTICS__HISTORY__URL", "off");
        command.args(args).envs(envs.iter().copied());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child =
            child::spawn(command).unwrap_or_else(|error| panic!("cannot start {program}: {error}"));

        let (log, stdout) = (Arc::default(), Arc::default());
        let pipe = child.stderr.take().expect("stderr is piped");
        let err_reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || collect_log(BufReader::new(pipe), &log)
        });
        let pipe = child.stdout.take().expect("stdout is piped");
        let out_reader = std::thread::spawn({
            let stdout = Arc::clone(&stdout);
            move || collect(pipe, &stdout)
        });
        Self {
            child,
            log,
            stdout,
            readers: vec![err_reader, out_reader],
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far; everything once `wait_exit` has returned.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&lock(&self.stdout)).into_owned()
    }

    /// What it has logged so far; everything once `wait_exit` has returned.
    pub(crate) fn log(&self) -> Vec<LogLine> {
        lock(&self.log).clone()
    }

    /// The first log line with exactly this message, waited for.
    #[track_caller]
    pub(crate) fn logged(&self, message: &str, deadline: Duration) -> LogLine {
        let what = format!("the log says {message:?}");
        until(&what, deadline, || {
            lock(&self.log)
                .iter()
                .find(|line| line.message == message)
                .cloned()
        })
    }

    /// The warnings, the errors and the lines past the log (a panic) that contain none of the allowed substrings.
    pub(crate) fn unexpected_log_lines(&self, allowed: &[&str]) -> Vec<String> {
        let log = lock(&self.log);
        let alarming = log.iter().filter(|line| line.is_alarming());
        alarming
            .map(|line| &line.text)
            .filter(|text| !allowed.iter().any(|a| text.contains(a)))
            .cloned()
            .collect()
    }

    /// Where its HTTP door is, read from the log.
    #[track_caller]
    pub(crate) fn http_addr(&self) -> String {
        let line = self.logged("http listening", SOON);
        line.fields["address"]
            .as_str()
            .unwrap_or_else(|| panic!("no address in {}", line.text))
            .to_owned()
    }

    /// GETs a path of its HTTP door: status and body.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(&self.http_addr(), path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// SIGTERM.
    #[track_caller]
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Any signal by its name: `INT`, `HUP`, `STOP`, `CONT`.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        child::signal(&self.child, name);
    }

    /// SIGKILL, as power loss would look to Redis.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
    }

    /// Waits for its end and for the last of its output.
    #[track_caller]
    pub(crate) fn wait_exit(&mut self, deadline: Duration) -> ExitStatus {
        let child = &mut self.child;
        let status = until("analytics ends", deadline, || {
            child.try_wait().expect("our own child can be asked")
        });
        until("its output ends", SOON, || {
            self.readers
                .iter()
                .all(JoinHandle::is_finished)
                .then_some(())
        });
        status
    }

    /// Stops it in order and holds it to that: exit 0 within 5 s, no warning, no error.
    #[track_caller]
    pub(crate) fn finish(self) {
        self.finish_allowing(&[]);
    }

    /// The same for a test that provoked the log lines with these substrings.
    #[track_caller]
    pub(crate) fn finish_allowing(mut self, allowed: &[&str]) {
        self.terminate();
        let status = self.wait_exit(STOP_WITHIN);
        assert!(status.success(), "analytics ended with {status} on SIGTERM");
        let unexpected = self.unexpected_log_lines(allowed);
        assert!(
            unexpected.is_empty(),
            "unexpected in the log:\n{}",
            unexpected.join("\n")
        );
    }

    /// Processor time used so far, user and system, of all its threads (Linux).
    pub(crate) fn cpu_seconds(&self) -> f64 {
        /// `USER_HZ`, 100 on every architecture Rust has a Linux target for.
        const TICKS_PER_SECOND: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()))
            .expect("a live process has a stat");
        // The name, second field, may hold spaces and parentheses; after it utime and stime are fields 12 and 13.
        let (_, after_name) = stat.rsplit_once(')').expect("the name is in parentheses");
        let ticks = |field: &str| field.parse::<f64>().expect("ticks are numbers");
        after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(ticks)
            .sum::<f64>()
            / TICKS_PER_SECOND
    }

    /// Resident memory in KiB (Linux).
    pub(crate) fn rss_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .expect("a live process has a status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("a live process has memory");
        line.trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("VmRSS is a number of kB")
    }
}

impl Drop for Analytics {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            let log = lock(&self.log);
            let lines = log
                .iter()
                .map(|line| line.text.as_str())
                .collect::<Vec<_>>();
            eprintln!(
                "--- log of process {}\n{}\n---",
                self.child.id(),
                lines.join("\n")
            );
        }
    }
}

fn clear_environment(command: &mut Command) {
    command.env_clear();
    for name in INHERITED {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
}

fn collect_log(mut pipe: impl BufRead, log: &Mutex<Vec<LogLine>>) {
    let mut line = Vec::new();
    // By bytes: a line that is not UTF-8 must not end the collection.
    while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        lock(log).push(LogLine::parse(String::from_utf8_lossy(&line).trim_end()));
        line.clear();
    }
}

fn collect(mut pipe: impl Read, bytes: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 8192];
    while let Ok(read @ 1..) = pipe.read(&mut chunk) {
        lock(bytes).extend_from_slice(&chunk[..read]);
    }
}

/// A panic elsewhere leaves what was collected readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
