//! The reference suites: inputs with values computed elsewhere, one module and one JSON a suite.

mod time_to_expiry;
