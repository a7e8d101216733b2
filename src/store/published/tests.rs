//! What stands, what is told, and what is forgotten.

use super::*;

fn published() -> Published {
    Published::new(at(0))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn write_of(symbol: &str, value: &str, how: How) -> Write {
    Write {
        document: "obi",
        key: format!("analytics:{symbol}:obi").into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
        ttl_seconds: 10,
        how,
    }
}

/// What changed after a sequence, as `symbol=text`.
fn told(published: &Published, after: u64) -> (String, Read) {
    let mut found = Vec::new();
    let read = published.changes(after, published.head(), usize::MAX, |_| true, &mut found);
    let text = |(slot, document): &(Arc<Slot>, Arc<Document>)| {
        let text = document.bytes.as_deref().unwrap_or(b"gone");
        format!("{}={}", slot.symbol, String::from_utf8_lossy(text))
    };
    let texts: Vec<String> = found.iter().map(text).collect();
    (texts.join(" "), read)
}

#[test]
fn a_document_stands_until_it_expires_and_absence_alone_does_not_bring_it_back() {
    let published = published();
    let text = |now| {
        let found = published.get("GOOG", "obi", now)?;
        Some(String::from_utf8(found.bytes.clone()?.into()).unwrap())
    };
    published.take(&[write_of("GOOG", "absent", How::ReplaceExisting)], at(0));
    assert_eq!(text(at(0)), None);
    published.take(&[write_of("GOOG", "value", How::Replace)], at(0));
    assert_eq!(text(at(9)).as_deref(), Some("value"));
    published.take(&[write_of("GOOG", "absent", How::ReplaceExisting)], at(9));
    assert_eq!(text(at(18)).as_deref(), Some("absent"));
    assert_eq!(text(at(19)), None);
    published.take(&[write_of("GOOG", "late", How::ReplaceExisting)], at(19));
    assert_eq!(text(at(19)), None);
}

#[test]
fn who_follows_finds_each_document_once_and_newest() {
    let published = published();
    let value = |symbol, value| published.take(&[write_of(symbol, value, How::Replace)], at(0));
    value("A", "1");
    value("B", "1");
    value("A", "2");
    assert_eq!(told(&published, 0), ("B=1 A=2".to_owned(), Read::To(3)));
    assert_eq!(told(&published, 2), ("A=2".to_owned(), Read::To(3)));
    assert_eq!(told(&published, 3), (String::new(), Read::To(3)));
    published.sweep(at(9));
    assert_eq!(published.head(), 3);
    published.sweep(at(10));
    assert_eq!(
        told(&published, 3),
        ("A=gone B=gone".to_owned(), Read::To(5))
    );
    published.sweep(at(11));
    assert_eq!(published.head(), 5);
}

#[test]
fn who_is_too_far_behind_is_told_how_far() {
    let published = published();
    for _ in 0..CHANGES {
        published.take(&[write_of("A", "1", How::Replace)], at(0));
    }
    assert_eq!(told(&published, 1).1, Read::To(CHANGES as u64));
    assert_eq!(told(&published, 0).1, Read::Lost(CHANGES as u64));
}

#[test]
fn what_is_no_document_is_not_kept() {
    let published = published();
    for (document, how) in [
        ("state", How::Replace),
        ("obi", How::Publish),
        ("obi", How::PutInFront { keep: 3 }),
    ] {
        let write = Write {
            document,
            ..write_of("GOOG", "value", how)
        };
        published.take(&[write], at(0));
    }
    assert_eq!(published.head(), 0);
    assert!(published.symbols().is_empty());
}

#[test]
fn a_symbol_is_watched_for_a_while() {
    let published = published();
    let [one, other] = ["A", "B"].map(|name| Symbol::new(name).unwrap());
    assert!(!published.is_watched(&one, at(0)));
    assert!(published.watch(std::slice::from_ref(&one), at(0)));
    assert!(published.is_watched(&one, at(14)));
    assert!(!published.is_watched(&other, at(14)));
    assert!(!published.is_watched(&one, at(15)));
    published.sweep(at(15));
    assert!(!published.any_watched.load(Ordering::Relaxed));
}

#[test]
fn so_many_symbols_are_watched_and_those_who_stand_go_on() {
    let published = published();
    let symbols: Vec<Symbol> = (0..=MOST_WATCHED)
        .map(|at| Symbol::new(&format!("S{at}")).unwrap())
        .collect();
    let (last, most) = symbols.split_last().unwrap();
    let last = std::slice::from_ref(last);
    assert!(published.watch(most, at(0)));
    assert!(!published.watch(last, at(0)));
    assert!(!published.is_watched(&last[0], at(0)));
    // Early it changes nothing, late it goes on.
    assert!(published.watch(&most[..1], at(1)));
    assert!(!published.is_watched(&most[0], at(15)));
    assert!(published.watch(&most[..1], at(14)));
    assert!(published.is_watched(&most[0], at(28)));
    assert!(published.watch(last, at(15)));
}

#[test]
fn a_text_is_told_from_another_by_its_tag() {
    let published = published();
    let tag = |value| {
        published.take(&[write_of("A", value, How::Replace)], at(0));
        published.get("A", "obi", at(0)).unwrap().tag().to_owned()
    };
    assert_eq!(tag("1"), tag("1"));
    assert_ne!(tag("1"), tag("2"));
}
