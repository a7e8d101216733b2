//! The name of an underlying, as it stands in every key: `[A-Za-z0-9._^-]{1,32}`.

use std::fmt;
use std::sync::Arc;

/// A validated symbol; cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Arc<str>);

impl Symbol {
    /// The longest symbol there is.
    pub const MAX_LEN: usize = 32;

    /// The symbol `text` names; an error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._^-".contains(&byte);
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.bytes().all(allowed) {
            let shown: String = text.chars().take(40).collect();
            return Err(format!(
                "`{}` is not a symbol: 1 to 32 of A-Z a-z 0-9 . _ ^ -",
                shown.escape_default()
            ));
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn market_symbols_pass() {
        for text in ["GOOG", "BRK.B", "^SPX", "ES-2026_H", "a"] {
            assert_eq!(Symbol::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_could_break_a_key_does_not() {
        let long = "X".repeat(33);
        for text in ["", "A B", "A:B", "A*", "{A}", "Ä", "A\n", long.as_str()] {
            assert!(Symbol::new(text).is_err(), "{text:?}");
        }
    }
}
