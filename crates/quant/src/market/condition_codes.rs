//! The codes by which US tapes say how a trade came about, as [`Conditions`].
//!
//! Stocks: *CTA Consolidated Tape System, CTS Pillar Output Specification* (sale conditions) and
//! *UTP Trade Data Feed (UTDF) Specification* (trade modifiers). A modifier is four characters,
//! one for each of settlement, trade-through exemption, sequence or extended hours, and the
//! market's own. Letters changed over the years: `I` is an odd lot since December 2013 and was a
//! CAP election before, `B` is an average price at CTA and a bunched trade at UTP.
//! Options: *OPRA Pillar Output Specification* (message types of category `a`, last sale), before
//! it the *Binary Data Recipient Interface Specification*, whose version 2.9 of 2018 brought the
//! lower-case letters.
//! Masks: Lean's `TradeConditionFlags` for AlgoSeek's equity trades.

use super::Conditions;

const NONE: Conditions = Conditions::NONE;
const SWEEP: Conditions = Conditions::SWEEP;
const AUCTION: Conditions = Conditions::AUCTION;
const EXTENDED: Conditions = Conditions::EXTENDED;
const DERIVED: Conditions = Conditions::DERIVED;
const LATE: Conditions = Conditions::LATE;
const CANCELLED: Conditions = Conditions::CANCELLED;
const COMPLEX: Conditions = Conditions::COMPLEX;
const FLOOR: Conditions = Conditions::FLOOR;
const CROSS: Conditions = Conditions::CROSS;
const ODD_LOT: Conditions = Conditions::ODD_LOT;
/// Of an auction, and no deal of its own.
const OFFICIAL: Conditions = AUCTION.with(Conditions::OFFICIAL);

/// Sale conditions of CTA and UTP. Settlement other than the regular one (`C`, `N`, `R`) makes
/// another price, so it counts as derived; so do stopped stock (`1` to `3`, priced when the
/// guarantee was given) and trades put together from earlier ones (`B`, `G`).
const SIP: &[(char, Conditions)] = &[
    ('@', NONE),
    ('1', DERIVED),
    ('2', DERIVED.with(LATE)),
    ('3', DERIVED.with(LATE)),
    ('4', DERIVED),
    ('5', AUCTION),
    ('6', AUCTION),
    ('7', COMPLEX),
    ('8', NONE),
    ('9', OFFICIAL),
    ('A', CROSS),
    ('B', DERIVED),
    ('C', DERIVED),
    ('D', CROSS),
    ('E', NONE),
    ('F', SWEEP),
    ('G', DERIVED.with(LATE)),
    ('H', DERIVED),
    ('I', ODD_LOT),
    ('K', CROSS),
    ('L', LATE),
    ('M', OFFICIAL),
    ('N', DERIVED),
    ('O', AUCTION),
    ('P', DERIVED),
    ('Q', OFFICIAL),
    ('R', DERIVED),
    ('S', NONE),
    ('T', EXTENDED),
    ('U', EXTENDED.with(LATE)),
    ('V', COMPLEX),
    ('W', DERIVED),
    ('X', CROSS),
    ('Y', NONE),
    ('Z', LATE),
];

/// Trade conditions of OPRA: message type, mnemonic, meaning.
const OPRA: &[(char, &str, Conditions)] = &[
    ('A', "CANC", CANCELLED),
    ('B', "OSEQ", LATE),
    ('C', "CNCL", CANCELLED),
    ('D', "LATE", LATE),
    ('E', "CNCO", CANCELLED),
    ('F', "OPEN", LATE.with(AUCTION)),
    ('G', "CNOL", CANCELLED),
    ('H', "OPNL", LATE.with(AUCTION)),
    ('I', "AUTO", NONE),
    ('J', "REOP", AUCTION),
    ('S', "ISOI", SWEEP),
    ('a', "SLAN", AUCTION),
    ('b', "SLAI", AUCTION.with(SWEEP)),
    ('c', "SLCN", CROSS),
    ('d', "SLCI", CROSS.with(SWEEP)),
    ('e', "SLFT", FLOOR),
    ('f', "MLET", COMPLEX),
    ('g', "MLAT", COMPLEX.with(AUCTION)),
    ('h', "MLCT", COMPLEX.with(CROSS)),
    ('i', "MLFT", COMPLEX.with(FLOOR)),
    ('j', "MESL", COMPLEX),
    ('k', "TLAT", COMPLEX.with(AUCTION)),
    ('l', "MASL", COMPLEX.with(AUCTION)),
    ('m', "MFSL", COMPLEX.with(FLOOR)),
    ('n', "TLET", COMPLEX),
    ('o', "TLCT", COMPLEX.with(CROSS)),
    ('p', "TLFT", COMPLEX.with(FLOOR)),
    ('q', "TESL", COMPLEX),
    ('r', "TASL", COMPLEX.with(AUCTION)),
    ('s', "TFSL", COMPLEX.with(FLOOR)),
    ('t', "CBMO", COMPLEX.with(FLOOR)),
    ('u', "MCTP", COMPLEX.with(CROSS)),
    ('v', "EXHT", EXTENDED),
];

/// Names that feeds write in place of codes, in capitals, words joined by `_`.
const NAMES: &[(&str, Conditions)] = &[
    ("ISO", SWEEP),
    ("INTERMARKET_SWEEP", SWEEP),
    ("INTERMARKET_SWEEP_ORDER", SWEEP),
    ("SWEEP", SWEEP),
    ("AUCTION", AUCTION),
    ("OPENING", AUCTION),
    ("OPENING_PRINTS", AUCTION),
    ("OPENING_TRADE", AUCTION),
    ("CLOSING", AUCTION),
    ("CLOSING_PRINTS", AUCTION),
    ("CLOSING_TRADE", AUCTION),
    ("REOPENING", AUCTION),
    ("REOPENING_PRINTS", AUCTION),
    ("OFFICIAL_OPEN", OFFICIAL),
    ("OFFICIAL_CLOSE", OFFICIAL),
    ("MARKET_CENTER_OFFICIAL_OPEN", OFFICIAL),
    ("MARKET_CENTER_OFFICIAL_CLOSE", OFFICIAL),
    ("EXTENDED_HOURS", EXTENDED),
    ("EXTENDED_TRADING_HOURS", EXTENDED),
    ("FORM_T", EXTENDED),
    ("AVERAGE_PRICE", DERIVED),
    ("AVERAGE_PRICE_TRADE", DERIVED),
    ("DERIVATIVELY_PRICED", DERIVED),
    ("PRIOR_REFERENCE_PRICE", DERIVED),
    ("PRICE_VARIATION", DERIVED),
    ("PRICE_VARIATION_TRADE", DERIVED),
    ("BUNCHED", DERIVED),
    ("BUNCHED_TRADE", DERIVED),
    ("CASH", DERIVED),
    ("CASH_SALE", DERIVED),
    ("NEXT_DAY", DERIVED),
    ("SELLER", DERIVED),
    ("STOPPED", DERIVED),
    ("STOPPED_STOCK", DERIVED),
    ("SOLD", LATE),
    ("SOLD_LAST", LATE),
    ("OUT_OF_SEQUENCE", LATE),
    ("LATE_REPORT", LATE),
    ("CANCEL", CANCELLED),
    ("CANCELED", CANCELLED),
    ("CANCELLED", CANCELLED),
    ("CORRECTED", CANCELLED),
    ("MULTI_LEG", COMPLEX),
    ("MULTILEG", COMPLEX),
    ("COMPLEX", COMPLEX),
    ("SPREAD", COMPLEX),
    ("STRADDLE", COMPLEX),
    ("COMBO", COMPLEX),
    ("STOCK_OPTION", COMPLEX),
    ("CONTINGENT_TRADE", COMPLEX),
    ("QUALIFIED_CONTINGENT_TRADE", COMPLEX),
    ("FLOOR", FLOOR),
    ("FLOOR_TRADE", FLOOR),
    ("CROSS", CROSS),
    ("CROSS_TRADE", CROSS),
    ("CROSSED", CROSS),
    ("ACQUISITION", CROSS),
    ("DISTRIBUTION", CROSS),
    ("RULE_127", CROSS),
    ("RULE_155", CROSS),
    ("ODD_LOT", ODD_LOT),
    ("ODD_LOT_TRADE", ODD_LOT),
    ("RESTATED", Conditions::OFFICIAL),
];

/// Bits of AlgoSeek's mask. Plain ones (regular, trade-through exempt, automatic execution, split,
/// yellow flag, CAP election) say nothing that matters here.
const ALGOSEEK: &[(u32, Conditions)] = &[
    (1 << 1, DERIVED),
    (1 << 2, DERIVED),
    (1 << 3, DERIVED),
    (1 << 5, SWEEP),
    (1 << 6, AUCTION),
    (1 << 7, AUCTION),
    (1 << 8, AUCTION),
    (1 << 9, DERIVED),
    (1 << 10, EXTENDED),
    (1 << 11, LATE),
    (1 << 12, DERIVED),
    (1 << 13, EXTENDED),
    (1 << 14, LATE),
    (1 << 16, CROSS),
    (1 << 17, DERIVED),
    (1 << 18, COMPLEX),
    (1 << 19, CROSS),
    (1 << 20, DERIVED),
    (1 << 21, CROSS),
    (1 << 22, DERIVED),
    (1 << 23, CROSS),
    (1 << 24, OFFICIAL),
    (1 << 25, DERIVED),
    (1 << 26, OFFICIAL),
    (1 << 31, ODD_LOT),
];

/// The name that each circumstance is written by.
const WRITTEN: &[(&str, Conditions)] = &[
    ("ISO", SWEEP),
    ("AUCTION", AUCTION),
    ("EXTENDED_HOURS", EXTENDED),
    ("DERIVATIVELY_PRICED", DERIVED),
    ("OUT_OF_SEQUENCE", LATE),
    ("CANCELLED", CANCELLED),
    ("MULTI_LEG", COMPLEX),
    ("FLOOR", FLOOR),
    ("CROSS", CROSS),
    ("ODD_LOT", ODD_LOT),
    ("RESTATED", Conditions::OFFICIAL),
];

/// Longest text that may be a name.
const LONGEST_NAME: usize = 32;

/// Whose single letters a text is written in: the same letter says different things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CodeSet {
    /// Stocks: CTA and UTP. Lower-case letters, which they do not have, are OPRA's.
    #[default]
    Sip,
    /// Options: OPRA.
    Opra,
}

impl Conditions {
    /// The conditions of a text: a name (`ISO`, `Odd Lot`), an OPRA mnemonic (`ISOI`), or codes,
    /// each by itself or the four characters of a sale condition that begins with `@` (`@F I`).
    /// What is not known says nothing: many codes are a vendor's own.
    pub fn of_text(text: &str, codes: CodeSet) -> Self {
        let text = text.trim();
        if let Some(conditions) = of_name(text) {
            return conditions;
        }
        let words = || text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|'));
        // Among words that are no codes, a letter is a word of theirs.
        let is_prose = words().any(|word| {
            let is_word = word.chars().nth(1).is_some() && !word.starts_with('@');
            is_word && of_name(word).is_none()
        });
        let coded = words().filter(|word| !is_prose || word.chars().nth(1).is_some());
        coded.fold(NONE, |all, word| all.with(of_word(word, codes)))
    }

    /// The names of what is in it, as [`Conditions::of_text`] reads them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let held = WRITTEN.iter().filter(move |(_, one)| self.has(*one));
        held.map(|(name, _)| *name)
    }

    /// The conditions of AlgoSeek's bit mask, as Lean's equity samples have it.
    pub fn of_algoseek(mask: u32) -> Self {
        let bits = ALGOSEEK.iter().filter(|(bit, _)| mask & bit != 0);
        bits.fold(NONE, |all, (_, conditions)| all.with(*conditions))
    }
}

fn of_word(word: &str, codes: CodeSet) -> Conditions {
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some('@'), _) => word
            .chars()
            .fold(NONE, |all, letter| all.with(of_letter(letter, codes))),
        (Some(letter), None) => of_letter(letter, codes),
        (Some(_), Some(_)) => of_name(word).unwrap_or_default(),
        (None, _) => NONE,
    }
}

fn of_letter(letter: char, codes: CodeSet) -> Conditions {
    let opra = || OPRA.iter().find(|(code, ..)| *code == letter);
    let sip = || SIP.iter().find(|(code, _)| *code == letter);
    let found = match codes {
        CodeSet::Sip if !letter.is_ascii_lowercase() => sip().map(|(_, conditions)| *conditions),
        CodeSet::Sip | CodeSet::Opra => opra().map(|(.., conditions)| *conditions),
    };
    found.unwrap_or_default()
}

fn of_name(text: &str) -> Option<Conditions> {
    if !(2..=LONGEST_NAME).contains(&text.len()) {
        return None;
    }
    let joined = text.replace([' ', '-'], "_").to_ascii_uppercase();
    let named = NAMES.iter().find(|(name, _)| *name == joined);
    let opra = || OPRA.iter().find(|(_, name, _)| *name == joined);
    let named = named.map(|(_, conditions)| *conditions);
    named.or_else(|| opra().map(|(.., conditions)| *conditions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sip(text: &str) -> Conditions {
        Conditions::of_text(text, CodeSet::Sip)
    }

    #[test]
    fn a_sweep_is_known_by_every_name_it_goes_by() {
        for text in [
            "ISO",
            "iso",
            "Intermarket Sweep",
            "INTERMARKET_SWEEP",
            "F",
            "@F",
            "@ F",
            "ISOI",
        ] {
            assert_eq!(sip(text), SWEEP, "{text}");
        }
        assert_eq!(sip("@F I"), SWEEP.with(ODD_LOT));
        assert_eq!(sip("@FTI"), SWEEP.with(EXTENDED).with(ODD_LOT));
        assert_eq!(sip("F,I"), SWEEP.with(ODD_LOT));
    }

    #[test]
    fn the_same_letter_is_another_thing_on_an_option() {
        let opra = |text| Conditions::of_text(text, CodeSet::Opra);
        assert_eq!((sip("S"), opra("S")), (NONE, SWEEP));
        assert_eq!((sip("I"), opra("I")), (ODD_LOT, NONE));
        assert_eq!((sip("A"), opra("A")), (CROSS, CANCELLED));
        assert_eq!(sip("f"), opra("MLET"), "lower case is of options alone");
    }

    #[test]
    fn what_never_forms_a_sweep_is_excluded() {
        for text in [
            "MULTI_LEG",
            "MLET",
            "FLOOR",
            "CROSS",
            "@ 6",
            "LATE",
            "CANC",
            "W",
            "@4",
        ] {
            assert!(sip(text).is_excluded(), "{text}");
        }
        for text in ["", "AUTO", "@", "E", "ISO", "@FT", "odd lot", "REGULAR"] {
            assert!(!sip(text).is_excluded(), "{text}");
        }
    }

    #[test]
    fn unknown_codes_say_nothing() {
        for text in [
            "",
            " ",
            "FAK",
            "of a vendor",
            "Σ",
            "@Σ",
            "J",
            "123",
            "\u{0}",
            &"ISO".repeat(50),
        ] {
            assert_eq!(sip(text), NONE, "{text}");
        }
    }

    #[test]
    fn masks_of_algoseek() {
        let mask = Conditions::of_algoseek;
        assert_eq!(mask(1), NONE);
        assert_eq!(mask(0x20), SWEEP);
        assert_eq!(mask(0x2000_0020), SWEEP);
        assert_eq!(mask(0x2000_2020), SWEEP.with(EXTENDED));
        assert_eq!(mask(0x4800), LATE);
        assert_eq!(mask(0x2010_0200), DERIVED);
        assert_eq!(mask(0x80), AUCTION);
        assert_eq!(mask(0x8000_0000), ODD_LOT);
    }

    #[test]
    fn what_is_written_is_read() {
        for (name, conditions) in WRITTEN {
            assert_eq!(sip(name), *conditions, "{name}");
            assert_eq!(conditions.names().collect::<Vec<_>>(), [*name]);
        }
    }

    #[test]
    fn no_code_stands_twice() {
        let mut letters: Vec<char> = SIP.iter().map(|(code, _)| *code).collect();
        letters.dedup();
        assert_eq!(letters.len(), SIP.len());
        let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        names.extend(OPRA.iter().map(|(_, name, _)| *name));
        names.sort_unstable();
        assert!(names.windows(2).all(|two| two[0] != two[1]));
        assert!(names.iter().all(|name| name.len() <= LONGEST_NAME));
    }
}
