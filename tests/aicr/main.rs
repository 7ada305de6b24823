//! Scenarios over the binary, with real cosign. `make test` runs them with one cosign, `make
//! matrix` runs the module `matrix` with every release of `scripts/cosign-releases.txt`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test panics where it cannot go on, and starts the program that it tests"
)]

mod broken_cosign;
mod bundle;
mod bundle_inputs;
mod bundle_output;
mod bundle_sign;
mod bundle_slips;
mod changed_meanwhile;
mod copy_to;
mod docs_generated;
mod docs_readme;
mod docs_text;
mod doctor;
mod durable;
mod examples;
mod examples_shards;
mod exhausted;
mod fake;
mod faults;
mod flags;
mod foreign_release;
mod hostile;
mod in_place;
mod inspect;
mod install;
mod interrupted;
mod key_managers;
mod killed;
mod killed_at_random;
mod links;
mod machine;
mod matrix;
mod meanwhile;
mod not_a_bundle;
mod pack;
mod pack_interrupted;
mod places;
mod plain_words;
mod progress;
mod properties;
mod public_key;
mod races;
mod random;
mod receipt;
mod recipes;
mod release;
mod report_file;
mod report_schema;
mod sandbox;
mod services;
mod several_keys;
mod several_signatures;
mod shards;
mod shared_copies;
mod sheet;
mod signing_key;
mod spoiled_key;
mod steps;
mod surroundings;
mod system_calls;
mod test_cosign;
mod tidy;
mod unchanged;
mod verify;
mod verify_archive;
mod without_aicr;
