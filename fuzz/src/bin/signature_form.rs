//! Holds fuzz/properties/signature_form.rs against what libFuzzer makes up.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| aicr::fuzz::check("signature_form", input));
