//! One line of our binary's log, as it writes it when standard error is not a terminal.

use serde_json::Value;

/// A parsed line; `text` is what was written.
#[derive(Debug, Clone)]
pub(crate) struct LogLine {
    pub(crate) text: String,
    /// `INFO`, `WARN` …; `None` for a line that is not of the log, such as a panic's.
    pub(crate) level: Option<String>,
    pub(crate) message: String,
    /// The event's fields, the message among them.
    pub(crate) fields: Value,
}

impl LogLine {
    pub(crate) fn parse(text: &str) -> Self {
        let line: Value = serde_json::from_str(text).unwrap_or_default();
        let level = line["level"].as_str().map(str::to_owned);
        // Fields are nested unless the subscriber is told to flatten them.
        let fields = if line["fields"].is_object() {
            line["fields"].clone()
        } else {
            line
        };
        let message = fields["message"].as_str().unwrap_or_default().to_owned();
        Self {
            text: text.to_owned(),
            level,
            message,
            fields,
        }
    }

    /// A warning, an error, or something that got past the log altogether.
    pub(crate) fn is_alarming(&self) -> bool {
        !matches!(self.level.as_deref(), Some("INFO" | "DEBUG" | "TRACE"))
            && !self.text.trim().is_empty()
    }
}
