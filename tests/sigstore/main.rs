//! A private Sigstore on loopback, with real services and real cosign. `make test-sigstore`
//! installs and runs it.

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
mod foreign;
#[path = "../loopback.rs"]
mod loopback;
mod oldest;
mod parallel;
mod public;
mod reports;
#[path = "../aicr/sandbox.rs"]
#[expect(dead_code, unused_imports, reason = "not every helper of the scenarios is used here")]
mod sandbox;
mod services;
mod several;
mod sign_twice;
mod site;
mod table;
mod tampering;
#[path = "../aicr/test_cosign.rs"]
mod test_cosign;
mod trust;
#[path = "../aicr/report_schema/validator.rs"]
mod validator;
