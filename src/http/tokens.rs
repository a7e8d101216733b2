//! Who may come in over HTTP from elsewhere, and who may write: tokens, of which only the hashes are kept.
//!
//! The file has a line for each token, `name sha256-hex`; `#` begins a comment. It is read at the
//! start; a name may have several, so that one can take over from another.

use std::path::Path;

use axum::http::{HeaderMap, header};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// Bytes of chance in a token.
const TOKEN_BYTES: usize = 32;

/// Bytes of a hash.
const HASH_BYTES: usize = 32;

/// The tokens that are known.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<(String, [u8; HASH_BYTES])>);

impl Tokens {
    /// The tokens of a file. An error names the line.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(&text).map_err(|why| format!("{name}: {why}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let pair = line.split_once(char::is_whitespace);
            let hash = pair.and_then(|(name, hash)| Some((name, unhex(hash.trim())?)));
            let (name, hash) =
                hash.ok_or_else(|| format!("line {}: must be `name sha256-hex`", at + 1))?;
            tokens.push((name.to_owned(), hash));
        }
        Ok(Self(tokens))
    }

    /// Whose token a request carries; `None` where it carries none that is known.
    pub fn holder(&self, headers: &HeaderMap) -> Option<&str> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        self.holder_of(value.strip_prefix("Bearer ")?.trim())
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token this is.
    pub fn holder_of(&self, token: &str) -> Option<&str> {
        let hash = hash_of(token);
        // Every line is looked at, so that the time tells nothing.
        let mut holder = None;
        for (name, known) in &self.0 {
            if equal(known, &hash) {
                holder = Some(name.as_str());
            }
        }
        holder
    }
}

/// A token that nobody has.
pub fn fresh() -> Result<String, String> {
    let mut bytes = [0; TOKEN_BYTES];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| "this host has no source of chance".to_owned())?;
    Ok(hex(&bytes))
}

/// The line of a token in the file; an error says what a name must be.
pub fn line(name: &str, token: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(format!(
            "NAME must be 1 to 64 letters, digits, - or _ (is {name:?})"
        ));
    }
    Ok(format!("{name} {}", hex(&hash_of(token))))
}

/// What is kept of a secret.
pub(super) fn hash_of(token: &str) -> [u8; HASH_BYTES] {
    let hash = digest(&SHA256, token.as_bytes());
    hash.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Compares without ending at the first difference.
fn equal(a: &[u8; HASH_BYTES], b: &[u8; HASH_BYTES]) -> bool {
    let different = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(different) == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; HASH_BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * HASH_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; HASH_BYTES];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let value = value.parse().unwrap();
        [(header::AUTHORIZATION, value)].into_iter().collect()
    }

    #[test]
    fn a_token_is_known_by_its_hash() {
        // SHA-256 of "abc", FIPS 180-2, appendix B.1.
        let file =
            "# who\ntrader BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\n";
        let tokens = Tokens::parse(file).unwrap();
        assert_eq!(tokens.holder(&headers("Bearer abc")), Some("trader"));
        for other in ["Bearer abd", "abc", "Basic abc", "Bearer "] {
            assert_eq!(tokens.holder(&headers(other)), None, "{other}");
        }
        assert_eq!(Tokens::default().holder(&headers("Bearer abc")), None);
    }

    #[test]
    fn a_fresh_token_opens_what_its_line_closes() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        assert_ne!(one, other);
        let tokens = Tokens::parse(&line("desk-1", &one).unwrap()).unwrap();
        assert_eq!(
            tokens.holder(&headers(&format!("Bearer {one}"))),
            Some("desk-1")
        );
        assert_eq!(tokens.holder(&headers(&format!("Bearer {other}"))), None);
        assert!(line("a b", &one).is_err());
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let error = Tokens::parse("trader abc").unwrap_err();
        assert_eq!(error, "line 1: must be `name sha256-hex`");
    }
}
