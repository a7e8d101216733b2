//! Where US trades are executed, as tapes spell it, and which of it is no exchange.
//!
//! Letters are the participant ids of the *CTA* and *UTP* plans, four-letter names the market
//! identifier codes of ISO 10383.

use super::Venue;

/// A venue by its letter on the tape and its market identifier code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsVenue {
    /// Participant id on the tape.
    pub letter: &'static str,
    /// Market identifier code.
    pub mic: &'static str,
    /// What it is called.
    pub name: &'static str,
}

const fn venue(letter: &'static str, mic: &'static str, name: &'static str) -> UsVenue {
    UsVenue { letter, mic, name }
}

/// Venues of US stocks, those that are gone too. `D` holds every trade away from an exchange,
/// whichever facility of FINRA it was reported to.
pub const US_VENUES: &[UsVenue] = &[
    venue("A", "XASE", "NYSE American"),
    venue("B", "XBOS", "Nasdaq BX"),
    venue("C", "XCIS", "NYSE National"),
    venue("D", "FINR", "FINRA: trade reporting facilities and ADF"),
    venue("H", "EPRL", "MIAX Pearl"),
    venue("I", "XISE", "International Securities Exchange"),
    venue("J", "EDGA", "Cboe EDGA"),
    venue("K", "EDGX", "Cboe EDGX"),
    venue("L", "LTSE", "Long-Term Stock Exchange"),
    venue("M", "XCHI", "NYSE Chicago"),
    venue("N", "XNYS", "New York Stock Exchange"),
    venue("P", "ARCX", "NYSE Arca"),
    venue("Q", "XNAS", "Nasdaq"),
    venue("T", "XNAS", "Nasdaq, in stocks of other tapes"),
    venue("U", "MEMX", "Members Exchange"),
    venue("V", "IEXG", "Investors Exchange"),
    venue("W", "XCBO", "CBOE Stock Exchange"),
    venue("X", "XPSX", "Nasdaq PSX"),
    venue("Y", "BATY", "Cboe BYX"),
    venue("Z", "BATS", "Cboe BZX"),
];

/// Names of trade reporting and of what else is no exchange: the letter, FINRA and its codes
/// (`FINN`, `FINC` with Nasdaq, `FINY` with NYSE, `XADF`, `OOTC` over the counter), and words.
/// Such prints are not all of dark pools: most are retail orders filled by wholesalers.
pub const OFF_EXCHANGE: &[&str] = &[
    "D", "TRF", "FINRA", "ADF", "XADF", "ATS", "DARK", "XOFF", "FINR", "FINN", "FINC", "FINY",
    "OOTC", "OTC",
];

impl Venue {
    /// The US stock venue it names, by letter or market identifier code in capitals.
    pub fn us(&self) -> Option<&'static UsVenue> {
        let name = self.as_str();
        US_VENUES
            .iter()
            .find(|venue| venue.letter == name || venue.mic == name)
    }

    /// Whether it is no exchange: a print there was reported, not displayed and hit.
    pub fn is_off_exchange(&self) -> bool {
        let name = self.as_str();
        OFF_EXCHANGE
            .iter()
            .any(|off| off.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finra_reports_is_off_exchange_and_nothing_else() {
        for name in ["D", "TRF", "finra", "ADF", "FINN", "DARK"] {
            assert!(Venue::new(name).is_off_exchange(), "{name}");
        }
        let off = US_VENUES.iter().filter(|venue| {
            let (letter, mic) = (Venue::new(venue.letter), Venue::new(venue.mic));
            letter.is_off_exchange() || mic.is_off_exchange()
        });
        assert_eq!(off.map(|venue| venue.letter).collect::<String>(), "D");
    }

    #[test]
    fn a_venue_is_known_by_letter_and_code() {
        assert_eq!(Venue::new("Z").us(), Venue::new("BATS").us());
        assert_eq!(Venue::new("XNAS").us().unwrap().letter, "Q");
        assert_eq!(Venue::new("BINANCE").us(), None);
        let mut letters: Vec<_> = US_VENUES.iter().map(|venue| venue.letter).collect();
        letters.dedup();
        assert_eq!(letters.len(), US_VENUES.len());
    }
}
