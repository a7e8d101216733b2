//! What gamma exposure promises.
