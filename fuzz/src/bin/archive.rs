//! Holds fuzz/properties/archive.rs against what libFuzzer makes up.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aicr::fuzz::check("archive", input));
