//! A private Sigstore on loopback, with real services and real cosign. `make test-sigstore` installs and
//! runs it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test panics where it cannot go on, starts what it tests, shows what it measured, and is in no hurry to make a text"
)]

mod cells;
mod cosign;
mod docs;
mod doctor;
mod failures;
#[path = "../loopback.rs"]
mod loopback;
mod oldest;
mod parallel;
mod public;
mod reports;
#[path = "../aicr/sandbox.rs"]
#[expect(dead_code, reason = "the language of the scenarios has more words than are used here")]
mod sandbox;
mod services;
mod sign_twice;
mod site;
mod table;
mod tampering;
mod trust;
#[path = "../aicr/report_schema/validator.rs"]
mod validator;
