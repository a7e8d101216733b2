//! What the vendor says in plain text, and what follows from it.

/// What follows from a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A greeting.
    Welcome,
    /// There is nothing at present: it is asked again at its next turn.
    NoData,
    /// Another session has the key, or the server wants a moment: connected again after a pause.
    Pause,
    /// The hour's allowance is used up.
    NextHour,
    /// The key cannot be used.
    Fatal,
    /// The request cannot be served, now or ever.
    BadRequest,
    /// What was asked for is being sent already.
    Duplicate,
    /// Words that nobody knows: about the request, and perhaps of the moment only.
    Unknown,
}

/// By how the text begins; the first that fits.
const TEXTS: [(&str, Class); 22] = [
    ("Welcome!", Class::Welcome),
    ("Data unavailable.", Class::NoData),
    ("Authentication request received.", Class::Pause),
    (
        "Access Denied. Key already in use by other session.",
        Class::Pause,
    ),
    ("Access Denied. Key not found.", Class::Fatal),
    ("Access Denied. Key blocked.", Class::Fatal),
    ("Access Denied. Key unknown or empty.", Class::Fatal),
    ("Access Denied. Key Invalid.", Class::Fatal),
    ("Access Denied.", Class::Fatal),
    ("Key Expired.", Class::Fatal),
    ("IP address not allowed.", Class::Fatal),
    ("Bandwidth per hour is limited.", Class::NextHour),
    ("Calls per hour are limited.", Class::NextHour),
    // Of the month: no pause of ours would end it.
    ("Calls limitation is reached.", Class::Fatal),
    ("Bandwidth limitation is reached.", Class::Fatal),
    ("Duplicated Request Not Allowed.", Class::Duplicate),
    (
        "Data for requested exchange is disabled.",
        Class::BadRequest,
    ),
    ("Reached instrument limitation.", Class::BadRequest),
    ("Function not enabled.", Class::BadRequest),
    (
        "RealtimeSubscription disabled for delayed data.",
        Class::BadRequest,
    ),
    (
        "Selected periodicity or period disabled.",
        Class::BadRequest,
    ),
    ("More than 1 match found.", Class::BadRequest),
];

/// What follows from a text.
pub(super) fn class(text: &str) -> Class {
    let text = text.trim();
    let begins = |with: &str| {
        let begin = text.as_bytes().get(..with.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()))
    };
    let found = TEXTS.iter().find(|(with, _)| begins(with));
    found.map_or(Class::Unknown, |(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_of_the_vendor_has_its_class() {
        for (text, expected) in [
            ("Welcome!", Class::Welcome),
            ("Data unavailable.", Class::NoData),
            (
                "Data unavailable. Send request after market close to get same day's data.",
                Class::NoData,
            ),
            (
                "Authentication request received. Try request data in next moment.",
                Class::Pause,
            ),
            (
                "Access Denied. Key already in use by other session.",
                Class::Pause,
            ),
            ("Access Denied. Key not found.", Class::Fatal),
            ("Access Denied. Key blocked.", Class::Fatal),
            ("Access Denied. Key unknown or empty.", Class::Fatal),
            ("Access Denied. Key Invalid.", Class::Fatal),
            ("Access Denied. Key of another kind.", Class::Fatal),
            (" Key Expired.\r\n", Class::Fatal),
            ("IP address not allowed.", Class::Fatal),
            ("Calls per hour are limited.", Class::NextHour),
            ("Bandwidth per hour is limited.", Class::NextHour),
            ("Calls limitation is reached.", Class::Fatal),
            ("Bandwidth limitation is reached.", Class::Fatal),
            ("Duplicated Request Not Allowed.", Class::Duplicate),
            (
                "Data for requested exchange is disabled.",
                Class::BadRequest,
            ),
            ("Reached instrument limitation.", Class::BadRequest),
            ("Function not enabled.", Class::BadRequest),
            (
                "RealtimeSubscription disabled for delayed data.",
                Class::BadRequest,
            ),
            (
                "Selected periodicity or period disabled.",
                Class::BadRequest,
            ),
            (
                "More than 1 match found. Use exact long format identifier instead.",
                Class::BadRequest,
            ),
            ("Cannot deserialize the current JSON array", Class::Unknown),
            ("Server busy.", Class::Unknown),
            ("", Class::Unknown),
            ("Ü", Class::Unknown),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }
}
