//! Numbers and lengths within a frame; reading trusts no byte.

/// Appends seven bits a byte, the lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The varint at `at`, which moves behind it.
#[inline]
pub(super) fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// The range of a length and the bytes it announces.
#[inline]
pub(super) fn span(bytes: &[u8], at: &mut usize, limit: usize) -> Option<std::ops::Range<usize>> {
    let len = varint(bytes, at)?;
    let end = at.checked_add(usize::try_from(len).ok()?)?;
    if len > limit as u64 || end > bytes.len() {
        return None;
    }
    let range = *at..end;
    *at = end;
    Some(range)
}
