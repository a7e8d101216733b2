//! The `analytics` program: argv to a subcommand, and the only place errors reach a person.

fn main() {}
