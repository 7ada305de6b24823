//! Holds fuzz/properties/public_key.rs against what libFuzzer makes up.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aicr::fuzz::check("public_key", input));
