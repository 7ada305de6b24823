//! Key managers on loopback, real and simulated, with real cosign. `make test-kms` installs and
//! runs them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test panics where it cannot go on, starts what it tests, and shows what it measured"
)]

mod awskms;
mod azurekms;
mod docs;
mod doctor;
mod failures;
mod gcpkms;
mod hangs;
mod hashivault;
mod lies;
#[path = "../loopback.rs"]
mod loopback;
mod mission;
mod pkcs11;
mod plugin;
mod proof;
mod receipt;
#[path = "../aicr/sandbox.rs"]
#[expect(dead_code, unused_imports, reason = "not every helper of the scenarios is used here")]
mod sandbox;
mod site;
#[path = "../aicr/test_cosign.rs"]
mod test_cosign;
